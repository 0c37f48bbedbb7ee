import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageCms

from common import images as image_io
from common.errors import InputError

sizes = st.integers(1, 9)


def pictures(channels):
    shape = st.tuples(sizes, sizes, st.sampled_from(channels))
    return arrays.arrays(np.uint8, shape)


@given(arrays.arrays(np.uint8, st.tuples(sizes, sizes)))
def test_uint8_to_signed_and_back_is_exact(values):
    signed = image_io.to_signed(values)
    assert signed.dtype == np.float32
    assert signed.min() >= -1.0
    assert signed.max() <= 1.0
    np.testing.assert_array_equal(image_io.to_uint8(signed), values)


def test_to_uint8_clips_and_rounds():
    values = image_io.to_uint8(np.array([-9.0, -1.0, 0.0, 1.0, 9.0]))
    assert values.tolist() == [0, 0, 128, 255, 255]  # 127.5 rounds to even


@settings(deadline=None)
@given(pictures([1, 3, 4]))
def test_png_round_trip(tmp_path_factory, picture):
    path = tmp_path_factory.mktemp("png") / "picture.png"
    image_io.write_image(path, picture)
    back = image_io.to_array(image_io.read_image(path, channels=picture.shape[2]))
    np.testing.assert_array_equal(back, picture)


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
    path = tmp_path_factory.mktemp("modes") / "picture.tif"
    if mode == "PA":  # no file format keeps it
        mode = "P"
    Image.new(mode, (width, height)).save(path, exif=exif)
    picture = image_io.read_image(path, channels)
    array = image_io.to_array(picture)
    upright = (height, width) if orientation < 5 else (width, height)
    assert array.shape[:2] == upright
    assert array.shape[2] == (channels or (1 if mode in ("1", "L", "LA", "I;16", "I", "F") else 3))
    assert array.dtype == np.uint8


def test_exif_orientation_turns_the_picture_upright(tmp_path):
    stored = np.zeros((2, 3, 3), np.uint8)
    stored[0, 0] = 255  # top left as stored; orientation 6 turns it to the top right
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(stored).save(tmp_path / "turned.png", exif=exif)
    array = image_io.to_array(image_io.read_image(tmp_path / "turned.png"))
    assert array.shape == (3, 2, 3)
    assert array[0, 1].tolist() == [255, 255, 255]


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


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no such file"), (b"not a picture", "not a picture"), ("torn", "broken picture")],
)
def test_bad_files_are_named(tmp_path, content, message):
    path = tmp_path / "bad.png"
    if content == "torn":
        random = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(random).save(path)
        path.write_bytes(path.read_bytes()[:2000])
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        image_io.read_image(path)
    assert "bad.png" in str(caught.value)


def test_a_picture_beyond_the_bound_is_refused(tmp_path, monkeypatch):
    Image.new("L", (30, 30)).save(tmp_path / "huge.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(InputError, match="million pixels"):
        image_io.read_image(tmp_path / "huge.png")


@given(pictures([1, 3]), st.integers(1, 12))
def test_fit_square_gives_the_size_and_keeps_the_range(picture, size):
    image = Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture)
    square = image_io.to_array(image_io.fit_square(image, size))
    assert square.shape == (size, size, picture.shape[2])


def test_fit_square_takes_the_middle():
    picture = np.zeros((4, 8), np.uint8)
    picture[:, 2:6] = 200
    square = np.asarray(image_io.fit_square(Image.fromarray(picture), 4))
    assert (square == 200).all()


@given(arrays.arrays(st.sampled_from([np.uint8, np.uint16]), st.tuples(sizes, sizes, sizes)))
def test_unit_range_and_back_is_exact(values):
    unit = image_io.to_unit(values)
    assert unit.dtype == np.float32
    assert unit.min() >= 0.0
    assert unit.max() <= 1.0
    np.testing.assert_array_equal(image_io.from_unit(unit, 8 * values.itemsize), values)


def test_from_unit_clips_and_rounds():
    assert image_io.from_unit(np.array([-1.0, 0.0, 0.25, 2.0])).tolist() == [0, 0, 64, 255]
    assert image_io.from_unit(np.array([-1.0, 0.25, 2.0]), 16).tolist() == [0, 16384, 65535]


def deep(channels):
    return arrays.arrays(np.uint16, st.tuples(sizes, sizes, st.sampled_from(channels)))


def decode_png(data):
    """A PNG of 16 bits whose every row has filter 2, by the specification."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, place = {}, 8
    while place < len(data):
        length, name = struct.unpack(">I4s", data[place : place + 8])
        body = data[place + 8 : place + 8 + length]
        (crc,) = struct.unpack(">I", data[place + 8 + length : place + 12 + length])
        assert crc == zlib.crc32(name + body)
        chunks[name] = body
        place += 12 + length
    width, height, bits, kind = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert bits == 16
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, -1)
    assert (rows[:, 0] == 2).all()
    values = np.cumsum(rows[:, 1:], axis=0, dtype=np.uint8)
    return values.reshape(height, -1).view(">u2").reshape(height, width, {0: 1, 2: 3, 6: 4}[kind])


@settings(deadline=None)
@given(deep([1, 3, 4]))
def test_16_bit_png_keeps_every_bit(tmp_path_factory, picture):
    path = tmp_path_factory.mktemp("deep") / "picture.png"
    image_io.write_image(path, picture)
    np.testing.assert_array_equal(decode_png(path.read_bytes()), picture)
    with Image.open(path) as image:  # and others can read it
        image.load()
        assert image.size == (picture.shape[1], picture.shape[0])
        top = np.asarray(image).reshape(picture.shape)
    if picture.shape[2] > 1:  # Pillow keeps the upper half of colour
        np.testing.assert_array_equal(top, picture >> 8)


@settings(deadline=None)
@given(deep([1, 3, 4]))
def test_16_bit_tiff_is_read_by_others(tmp_path_factory, picture):
    path = tmp_path_factory.mktemp("deep") / "picture.tif"
    image_io.write_image(path, picture)
    with path.open("rb") as file, Image.open(file) as image:
        tags = image.tag_v2
        assert tags[258] == (16,) * picture.shape[2]
        (place,) = tags[273] if isinstance(tags[273], tuple) else (tags[273],)
        values = np.frombuffer(path.read_bytes()[place:], "<u2").reshape(picture.shape)
        np.testing.assert_array_equal(values, picture)
        seen = np.asarray(image).reshape(picture.shape)
    if picture.shape[2] == 1:
        np.testing.assert_array_equal(seen, picture)
    else:
        np.testing.assert_array_equal(seen, picture >> 8)


def test_16_bits_into_a_format_of_8_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"out\.jpg"):
        image_io.write_image(tmp_path / "out.jpg", np.zeros((2, 2, 3), np.uint16))
    assert list(tmp_path.iterdir()) == []


@given(st.tuples(st.integers(1, 5000), st.integers(1, 5000)), st.integers(1, 3000))
def test_fit_longer_side_keeps_the_shape(size, longer):
    width, height = image_io.fit_longer_side(size, longer)
    assert max(width, height) == longer
    assert min(width, height) >= 1
    assert abs(width * size[1] - height * size[0]) <= 0.51 * max(size) + max(size) * (
        min(width, height) == 1
    )


@settings(deadline=None)
@given(
    st.sampled_from([np.uint8, np.uint16, np.float32]),
    st.tuples(sizes, sizes, st.sampled_from([1, 3, 4])),
    st.booleans(),
)
def test_any_array_is_a_picture(kind, shape, flat):
    flat = flat and shape[2] == 1
    full = 1.0 if kind is np.float32 else np.iinfo(kind).max
    array = np.full(shape[:2] if flat else shape, full, kind)
    picture = image_io.as_image(array)
    assert picture.mode == ("RGBA" if shape[2] == 4 else "RGB")
    assert picture.size == (shape[1], shape[0])
    assert (np.asarray(picture) == 255).all()


@pytest.mark.parametrize("shape", [(3,), (2, 2, 2), (0, 4, 3), (1, 2, 2, 3)])
def test_an_array_that_is_no_picture_is_told(shape):
    with pytest.raises(InputError, match="array"):
        image_io.as_image(np.zeros(shape))


def test_a_files_transparency_is_kept_only_where_there_is_some(tmp_path):
    Image.new("RGBA", (2, 2), (9, 8, 7, 255)).save(tmp_path / "opaque.png")
    assert image_io.as_image(tmp_path / "opaque.png").mode == "RGB"
    Image.new("RGBA", (2, 2), (9, 8, 7, 100)).save(tmp_path / "clear.png")
    assert image_io.as_image(tmp_path / "clear.png").getpixel((0, 0)) == (9, 8, 7, 100)


def test_transparency_is_laid_over_white_in_a_jpeg(tmp_path):
    clear = np.zeros((8, 8, 4), np.uint8)
    image_io.write_image(tmp_path / "clear.jpg", clear)
    with Image.open(tmp_path / "clear.jpg") as image:
        assert image.getpixel((4, 4)) == (255, 255, 255)


def test_grid_places_pictures_row_by_row():
    images = np.stack([np.full((2, 2, 1), value, np.uint8) for value in (10, 20, 30)])
    sheet = image_io.grid(images, columns=2, gap=1)
    assert sheet.shape == (7, 7, 1)
    assert sheet[1, 1] == 10
    assert sheet[1, 4] == 20
    assert sheet[4, 1] == 30
    assert sheet[4, 4] == 128
    assert sheet[0, 0] == 128


def test_animation_has_all_frames(tmp_path):
    frames = [np.full((4, 4, 1), value, np.uint8) for value in (0, 100, 200)]
    image_io.write_animation(tmp_path / "walk.gif", frames)
    with Image.open(tmp_path / "walk.gif") as image:
        assert image.n_frames == 3


def test_an_unknown_suffix_is_an_input_error_and_leaves_nothing(tmp_path):
    with pytest.raises(InputError, match=r"out\.xyz"):
        image_io.write_image(tmp_path / "out.xyz", np.zeros((2, 2, 1), np.uint8))
    assert list(tmp_path.iterdir()) == []
