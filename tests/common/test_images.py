import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from common import images as image_io
from common.errors import InputError
from tests.common.png16 import decode_png

sizes = st.integers(1, 9)


def any_image(channels):
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
@given(any_image([1, 3, 4]))
def test_png_round_trip(tmp_path_factory, image):
    path = tmp_path_factory.mktemp("png") / "image.png"
    image_io.write_image(path, image)
    back = image_io.to_array(image_io.read_image(path, channels=image.shape[2]))
    np.testing.assert_array_equal(back, image)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no such file"), (b"not an image", "not an image"), ("torn", "broken image")],
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


def test_an_image_beyond_the_bound_is_refused(tmp_path, monkeypatch):
    Image.new("L", (30, 30)).save(tmp_path / "huge.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(InputError, match="million pixels"):
        image_io.read_image(tmp_path / "huge.png")


@given(any_image([1, 3]), st.integers(1, 12), st.integers(1, 12))
def test_fit_rectangle_gives_the_size(array, height, width):
    image = Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)
    fitted = image_io.to_array(image_io.fit_rectangle(image, (height, width)))
    assert fitted.shape == (height, width, array.shape[2])


def test_fit_rectangle_takes_the_middle():
    image = np.zeros((8, 16), np.uint8)
    image[2:6, 5:11] = 200
    inside = np.asarray(image_io.fit_rectangle(Image.fromarray(image[2:6]), (4, 6)))
    assert (inside == 200).all()
    large = Image.fromarray(image.repeat(4, axis=0).repeat(4, axis=1))
    fitted = np.asarray(image_io.fit_rectangle(large, (8, 8))).astype(int)  # 32 of 64 columns
    assert (fitted[2:6, 1:7] > 170).all()
    assert (fitted[:, [0, 7]] < 30).all()
    assert (fitted[[0, 1, 6, 7]] < 30).all()


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


@settings(deadline=None)
@given(deep([1, 3, 4]))
def test_16_bit_png_keeps_every_bit(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("deep") / "image.png"
    image_io.write_image(path, values)
    np.testing.assert_array_equal(decode_png(path.read_bytes()), values)
    with Image.open(path) as image:  # and others can read it
        image.load()
        assert image.size == (values.shape[1], values.shape[0])
        top = np.asarray(image).reshape(values.shape)
    if values.shape[2] > 1:  # Pillow keeps the upper half of color
        np.testing.assert_array_equal(top, values >> 8)


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
def test_any_array_is_an_image(kind, shape, flat):
    flat = flat and shape[2] == 1
    full = 1.0 if kind is np.float32 else np.iinfo(kind).max
    array = np.full(shape[:2] if flat else shape, full, kind)
    image = image_io.as_image(array)
    assert image.mode == ("RGBA" if shape[2] == 4 else "RGB")
    assert image.size == (shape[1], shape[0])
    assert (np.asarray(image) == 255).all()


@pytest.mark.parametrize("shape", [(3,), (2, 2, 2), (0, 4, 3), (1, 2, 2, 3)])
def test_an_array_that_is_no_image_is_refused(shape):
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


def test_grid_places_images_row_by_row():
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


def test_the_suffixes_are_what_pillow_reads():
    assert {".png", ".jfif", ".jpe", ".pgm", ".pbm", ".webp", ".tga", ".avif"} <= image_io.SUFFIXES
    assert not {".pdf", ".eps", ".mpg", ".h5", ".npz", ".txt"} & image_io.SUFFIXES


@pytest.mark.parametrize("suffix", sorted(image_io.SUFFIXES))
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_suffix_is_written_in_its_size_or_refused(tmp_path, suffix, channels):
    path = tmp_path / f"image{suffix}"
    white = np.full((70, 300, channels), 255, np.uint8)  # an icon is square and at most 256 wide
    if suffix in image_io.WRITABLE:
        image_io.write_image(path, white)
        back = np.asarray(image_io.as_image(path))
        assert back.shape[:2] == (70, 300)
        assert back.shape[2] in (3, 4)
        assert back.min() >= 250
    else:
        assert suffix not in (".png", ".jpg", ".jpe", ".jfif", ".tif", ".webp", ".gif", ".ppm")
        with pytest.raises(InputError, match=f"image{suffix}: images cannot be written") as caught:
            image_io.write_image(path, white)
        assert len(str(caught.value).splitlines()) == 2
        assert list(tmp_path.iterdir()) == []


def test_icons_are_not_written_as_they_would_change_the_size():
    assert not {".ico", ".icns"} & image_io.WRITABLE


def test_image_files_are_listed_by_any_suffix_that_pillow_reads(tmp_path):
    for name in ("b.PNG", "a.jfif", "c.Jpe", "d.pgm", ".hidden.png", "notes.txt", "e"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    names = [path.name for path in image_io.image_files(tmp_path)]
    assert names == ["a.jfif", "b.PNG", "c.Jpe", "d.pgm"]


def test_only_regular_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    for path, found in (
        (tmp_path / "pipe.png", "a pipe or device"),
        (Path("/dev/zero"), "a pipe or device"),
        (tmp_path / "folder.png", "a folder"),
    ):
        for read in (image_io.read_image, image_io.as_image):
            with pytest.raises(InputError, match=f"expected a regular file, found {found}"):
                read(path)


def test_a_link_to_a_file_is_read_and_a_broken_one_named(tmp_path):
    Image.new("L", (2, 2), 7).save(tmp_path / "a.png")
    (tmp_path / "link.png").symlink_to("a.png")
    (tmp_path / "broken.png").symlink_to("b.png")
    assert image_io.read_image(tmp_path / "link.png").getpixel((0, 0)) == 7
    with pytest.raises(InputError, match=r"broken\.png: no such file"):
        image_io.read_image(tmp_path / "broken.png")


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([[True, False]]), [255, 0]),
        (np.array([[0, 255]], np.int64), [0, 255]),
        (np.array([[0, 200]], np.int32), [0, 200]),
        (np.array([[0, 1]], np.float16), [0, 255]),
        (np.array([[0.2, 1.005]]), [51, 255]),
        (tf.constant([[0.0, 1.0]]), [0, 255]),
        (tf.constant([[0, 9]], tf.uint8), [0, 9]),
        (tf.constant([[0.0, 1.0]], tf.bfloat16), [0, 255]),
    ],
)
def test_arrays_of_any_type_keep_their_values(array, expected):
    assert np.asarray(image_io.as_image(array))[0, :, 0].tolist() == expected


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([[0, 256]]), "int64 from 0 to 256; expected 0 to 255"),
        (np.array([[-1, 3]], np.int8), "int8 from -1 to 3"),
        (np.array([[0.0, 255.0]]), "float64 from 0 to 255; expected 0 to 1"),
        (np.array([[-1.0, 1.0]], np.float32), "float32 from -1 to 1"),
        (np.array([[0.5, np.nan]]), "NaN or infinite"),
        (np.array([[0.5, np.inf]]), "NaN or infinite"),
        (np.array([["a"]]), "expected numbers"),
        (np.array([[1j]]), "expected numbers, got complex128"),
        ([[0.5]], "got list"),
        (None, "got NoneType"),
    ],
)
def test_values_without_a_clear_meaning_are_refused_in_one_line(array, message):
    with pytest.raises(InputError, match=message) as caught:
        image_io.as_image(array)
    assert len(str(caught.value).splitlines()) == 1
