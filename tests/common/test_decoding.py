import struct
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from common import decoding
from common import images as image_io
from common.errors import InputError, InputWarning

sizes = st.integers(1, 9)


@settings(deadline=None)
@given(
    mode=st.sampled_from(["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "I;16", "I", "F"]),
    width=sizes,
    height=sizes,
    orientation=st.integers(1, 8),
    channels=st.sampled_from([None, 1, 3, 4]),
)
def test_any_mode_size_and_orientation_is_read(
    tmp_path_factory, mode, width, height, orientation, channels
):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path_factory.mktemp("modes") / "image.tif"
    if mode == "PA":  # no file format keeps it
        mode = "P"
    Image.new(mode, (width, height)).save(path, exif=exif)
    image = image_io.read_image(path, channels)
    array = image_io.to_array(image)
    upright = (height, width) if orientation < 5 else (width, height)
    assert array.shape[:2] == upright
    assert array.shape[2] == (channels or (1 if mode in ("1", "L", "LA", "I;16", "I", "F") else 3))
    assert array.dtype == np.uint8


def test_exif_orientation_turns_the_image_upright(tmp_path):
    stored = np.zeros((2, 3, 3), np.uint8)
    stored[0, 0] = 255  # top left as stored; orientation 6 turns it to the top right
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(stored).save(tmp_path / "turned.png", exif=exif)
    array = image_io.to_array(image_io.read_image(tmp_path / "turned.png"))
    assert array.shape == (3, 2, 3)
    assert array[0, 1].tolist() == [255, 255, 255]


DAMAGED_EXIF = [b"nothing", b"Exif\0\0II*\0\xff", b"Exif\0\0MM\0*\0\0\0\x08\0\x01"]


@pytest.mark.parametrize("exif", DAMAGED_EXIF)
def test_damaged_exif_does_not_keep_an_image_from_being_read(tmp_path, exif):
    Image.new("RGB", (3, 2), (10, 20, 30)).save(tmp_path / "a.png", exif=exif)
    found = image_io.read_image(tmp_path / "a.png")
    assert (found.size, found.getpixel((0, 0))) == ((3, 2), (10, 20, 30))


def test_transparency_is_laid_over_white_unless_asked_for(tmp_path):
    Image.new("RGBA", (2, 2), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    over_white = image_io.read_image(tmp_path / "clear.png", channels=3)
    assert over_white.getpixel((0, 0)) == (255, 255, 255)
    assert image_io.read_image(tmp_path / "clear.png", channels=4).getpixel((0, 0))[3] == 0
    palette = Image.new("P", (2, 2), 0)
    palette.putpalette([9, 9, 9])
    palette.save(tmp_path / "palette.png", transparency=0)
    assert image_io.read_image(tmp_path / "palette.png").getpixel((0, 0)) == (255, 255, 255)


def test_16_bit_gray_keeps_its_range(tmp_path):
    values = np.array([[0, 257 * 100, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "deep.png")
    array = image_io.to_array(image_io.read_image(tmp_path / "deep.png"))
    assert array[0, :, 0].tolist() == [0, 100, 255]


def test_an_icc_profile_is_converted(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    Image.new("RGB", (2, 2), (10, 20, 30)).save(tmp_path / "bad.png", icc_profile=profile.tobytes())
    assert image_io.read_image(tmp_path / "bad.png").getpixel((0, 0)) == (10, 20, 30)  # ignored
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    Image.new("RGB", (2, 2), (10, 20, 30)).save(tmp_path / "good.png", icc_profile=srgb.tobytes())
    near = image_io.read_image(tmp_path / "good.png").getpixel((0, 0))
    assert np.abs(np.subtract(near, (10, 20, 30))).max() <= 1


def test_16_bit_gray_of_12_bits_is_dark_and_a_warning(tmp_path):
    Image.fromarray(np.full((2, 2), 4095, np.uint16)).save(tmp_path / "gray.png")
    image_io.write_image(tmp_path / "color.png", np.full((2, 2, 3), 4095, np.uint16))
    for name in ("gray.png", "color.png"):
        decoding._warned.clear()
        with pytest.warns(InputWarning, match=f"{name}: 16 bits per channel, but no value above"):
            image = image_io.read_image(tmp_path / name)
        assert np.asarray(image).max() <= 16
    with warnings.catch_warnings():  # one warning is enough for a folder
        warnings.simplefilter("error")
        image_io.read_image(tmp_path / "gray.png")


@pytest.mark.parametrize("channels", [1, 3])
def test_16_bits_over_the_full_range_are_no_warning(tmp_path, channels):
    decoding._warned.clear()
    values = np.full((2, 2, channels), 4096, np.uint16)
    image_io.write_image(tmp_path / "deep.png", values)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.asarray(image_io.read_image(tmp_path / "deep.png")).max() == 16


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([0.0, 0.25, 0.5], [0, 64, 128]),
        ([0.0, 100.0, 200.0], [0, 100, 200]),
        ([-1.0, 2.0, 4.0], [0, 128, 255]),  # by its maximum
        ([0.0, 32767.5, 65535.0], [0, 128, 255]),
    ],
)
def test_floats_are_scaled_to_what_they_show(tmp_path, values, expected):
    decoding._warned.clear()
    Image.fromarray(np.float32([values])).save(tmp_path / "float.tif")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        image = image_io.read_image(tmp_path / "float.tif")
    assert np.asarray(image)[0].tolist() == expected
    assert bool(caught) == (values[-1] == 4.0)


def test_pixels_that_are_not_finite_are_refused(tmp_path):
    Image.fromarray(np.float32([[0.0, np.nan]])).save(tmp_path / "nan.tif")
    with pytest.raises(InputError, match=r"nan\.tif: NaN or infinite pixels"):
        image_io.read_image(tmp_path / "nan.tif")


def gray_profile(gamma):
    """Return an ICC profile of gray with a gamma curve, by the ICC specification v2."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(256 * gamma)) + bytes(2)
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    text = b"desc" + bytes(4) + struct.pack(">I", 5) + b"gray\0" + bytes(78)
    text += bytes(-len(text) % 4)
    copyright_ = b"text" + bytes(4) + b"none" + bytes(4)
    parts = {b"desc": text, b"wtpt": white, b"kTRC": curve, b"cprt": copyright_}
    table, body, place = b"", b"", 128 + 4 + 12 * len(parts)
    for name, part in parts.items():
        table += name + struct.pack(">II", place + len(body), len(part))
        body += part
    header = struct.pack(
        ">I4sI4s4s4s", place + len(body), b"none", 0x02100000, b"mntr", b"GRAY", b"XYZ "
    )
    header += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    header += struct.pack(">3i", 63190, 65536, 54061)
    header += bytes(128 - len(header))
    return header + struct.pack(">I", len(parts)) + table + body


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_a_gray_profile_is_converted(tmp_path, mode):
    image = Image.new(mode, (2, 2), 128 if mode == "L" else (128, 50))
    image.save(tmp_path / "gray.png", icc_profile=gray_profile(1.0))
    found = image_io.read_image(tmp_path / "gray.png")
    if mode == "L":
        assert found.mode == "L"
        assert abs(found.getpixel((0, 0)) - 188) <= 1  # 128 of linear gray
    else:
        red, green, blue, alpha = image_io.read_image(tmp_path / "gray.png", 4).getpixel((0, 0))
        assert abs(red - 188) <= 1
        assert (red, alpha) == (green, 50)
        assert blue == red


def wide_profile():
    """Return an RGB profile other than sRGB: the same primaries without a gamma curve."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    size, _ = len(srgb), None
    tags = struct.unpack(">I", srgb[128:132])[0]
    data = bytearray(srgb)
    linear = b"curv" + bytes(4) + struct.pack(">IH", 1, 256) + bytes(2)
    for index in range(tags):
        at = 132 + 12 * index
        if data[at : at + 4] in (b"rTRC", b"gTRC", b"bTRC"):
            data[at + 4 : at + 12] = struct.pack(">II", size, len(linear))
    data += linear
    data[:4] = struct.pack(">I", len(data))
    return bytes(data)


def test_a_palette_equals_its_rgb_twin_and_so_do_pillow_images(tmp_path):
    colors = np.zeros((2, 4, 3), np.uint8)
    colors[:] = [[10, 60, 110], [200, 128, 3], [0, 255, 90], [128, 128, 128]]
    exif = Image.Exif()
    exif[0x0112] = 6
    twin = Image.fromarray(colors)
    options = {"icc_profile": wide_profile(), "exif": exif}
    twin.save(tmp_path / "rgb.png", **options)
    twin.convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "palette.png", **options)
    expected = np.asarray(image_io.as_image(tmp_path / "rgb.png"))
    assert expected.shape == (4, 2, 3)
    assert abs(int(expected[3, 0, 0]) - 188) <= 1  # 128 of linear light
    np.testing.assert_array_equal(image_io.as_image(tmp_path / "palette.png"), expected)
    for name in ("rgb.png", "palette.png"):
        with Image.open(tmp_path / name) as opened:
            seen = image_io.as_image(opened)
            assert opened.size == (4, 2)  # the caller's image is not changed
        np.testing.assert_array_equal(seen, expected)
        np.testing.assert_array_equal(image_io.as_image(seen), expected)  # nothing applies twice


def test_a_gray_image_with_a_color_profile_is_converted(tmp_path):
    Image.new("L", (2, 2), 128).save(tmp_path / "gray.png", icc_profile=wide_profile())
    image = image_io.read_image(tmp_path / "gray.png")
    assert image.mode == "L"
    assert abs(image.getpixel((0, 0)) - 188) <= 1


def test_lab_is_converted(tmp_path):
    Image.new("LAB", (2, 2), (255, 128, 128)).save(tmp_path / "lab.tif")
    assert min(image_io.read_image(tmp_path / "lab.tif").getpixel((0, 0))) >= 250


KEPT = {".png": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"), ".jpg": ("L", "RGB", "CMYK")}


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg"])
def test_a_large_image_is_reduced_early_without_changing_what_it_shows(tmp_path, mode, suffix):
    if mode not in KEPT.get(suffix, (mode,)):
        return  # the format does not hold this mode
    ramp = Image.linear_gradient("L").resize((300, 600)).convert("F")
    values = np.asarray(ramp) * {"I;16": 257, "I": 257, "F": 1 / 255}.get(mode, 1)
    if mode in ("I;16", "I", "F"):
        kind = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        image = Image.fromarray(values.astype(kind))
    else:
        image = ramp.convert("L").convert(mode)
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / f"large{suffix}", exif=exif)
    whole = image_io.read_image(tmp_path / f"large{suffix}", channels=3)
    assert whole.size == (600, 300)
    near = image_io.read_image(tmp_path / f"large{suffix}", channels=3, near=20)
    assert 2 * 20 <= min(near.size) <= 100
    shown, expected = (np.asarray(image_io.resize(one, (40, 20)), float) for one in (near, whole))
    assert np.abs(shown - expected).mean() < 3.0


def test_transparency_survives_the_early_reduction(tmp_path):
    values = np.zeros((400, 400, 4), np.uint8)
    values[:, 200:] = (200, 100, 50, 255)
    Image.fromarray(values).save(tmp_path / "half.png")
    near = np.asarray(image_io.read_image(tmp_path / "half.png", 4, near=20))
    assert near.shape == (67, 67, 4)
    visible = near[near[..., 3] > 0][:, :3].astype(int)
    assert np.abs(visible - [200, 100, 50]).max() <= 1
    Image.new("RGB", (400, 400), (1, 2, 3)).save(tmp_path / "key.png", transparency=(1, 2, 3))
    assert image_io.read_image(tmp_path / "key.png", 3, near=20).getpixel((0, 0)) == (255, 255, 255)
