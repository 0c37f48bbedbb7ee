"""Uniform borders: found exactly, and nothing else cut."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from common.errors import InputError
from style_transfer import demo, prepare
from style_transfer.trim import find_borders, trim
from tests.style_transfer.quick import quick

COLORS = st.tuples(*[st.integers(0, 255)] * 3)
WIDTHS = st.tuples(*[st.integers(0, 12)] * 4)


def picture(width, height, seed):
    """Return an image of noise, in which no line is uniform."""
    random = np.random.default_rng(seed)
    return Image.fromarray(random.integers(0, 256, (height, width, 3), np.uint8))


def jpeg(image, quality):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


@settings(max_examples=40, deadline=None)
@given(WIDTHS, COLORS, st.integers(20, 70), st.integers(20, 70), st.integers(0, 99))
def test_borders_on_two_or_more_sides_are_found_exactly(border, color, width, height, seed):
    inside = picture(width, height, seed)
    framed = ImageOps.expand(inside, border, color)
    result, line = trim(framed, "x.png")
    if sum(cut > 0 for cut in border) >= 2:
        assert result.size == inside.size
        np.testing.assert_array_equal(np.asarray(result), np.asarray(inside))
        assert line.startswith("x.png: cut borders (")
    else:
        assert result is framed
        assert line == ""


@settings(max_examples=30, deadline=None)
@given(st.integers(16, 90), st.integers(16, 90), st.integers(0, 99))
def test_a_picture_without_borders_is_left_whole(width, height, seed):
    image = picture(width, height, seed)
    assert trim(image, "x") == (image, "")


@settings(max_examples=30, deadline=None)
@given(st.tuples(COLORS, COLORS, COLORS, COLORS))
def test_gradients_and_flat_images_are_left_whole(corners):
    """A sky, however smooth, ends without an edge."""
    small = Image.fromarray(np.asarray(corners, np.uint8).reshape(2, 2, 3))
    image = small.resize((64, 48), Image.Resampling.BICUBIC)
    assert find_borders(np.asarray(image, np.float32)) == (0, 0, 0, 0)


@settings(max_examples=30, deadline=None)
@given(WIDTHS, COLORS, COLORS, st.integers(0, 99))
def test_trimming_twice_changes_nothing(border, inner, outer, seed):
    framed = ImageOps.expand(ImageOps.expand(picture(40, 30, seed), border, inner), 3, outer)
    once, _ = trim(framed, "x")
    assert trim(once, "x") == (once, "")


@pytest.mark.parametrize("shade", [0, 128, 255])
@pytest.mark.parametrize("quality", [40, 90])
def test_a_scan_with_noise_and_uneven_light_is_cut_near_its_edge(shade, quality):
    framed = ImageOps.expand(Image.fromarray(demo.painting(96)), (20, 13, 17, 30), (shade,) * 3)
    values = np.asarray(framed, np.float32)
    values += np.linspace(-9, 9, values.shape[1])[None, :, None]
    values += np.random.default_rng(0).normal(0, 3, values.shape)
    scan = jpeg(Image.fromarray(np.clip(values, 0, 255).astype(np.uint8)), quality)
    result, line = trim(scan, "scan.jpg")
    assert line.count("\n") == 0
    assert np.abs(np.subtract(result.size, (96, 96))).max() <= 6


def test_one_border_alone_may_be_a_sky():
    sea = np.asarray(picture(60, 40, 0)).copy()
    sea[:15] = (200, 220, 240)
    assert find_borders(sea.astype(np.float32)) == (0, 0, 0, 0)
    sea[-5:] = (20, 30, 40)  # another color: no border either
    assert find_borders(sea.astype(np.float32)) == (0, 0, 0, 0)
    sea[-5:] = (200, 220, 240)
    assert find_borders(sea.astype(np.float32)) == (0, 15, 0, 5)


def test_a_drawing_on_white_has_no_border():
    y, x = np.mgrid[:60, :80]
    for shape in (np.hypot(x - 40, y - 30) < 20, np.abs(x - 40) + np.abs(y - 30) < 22):
        drawing = np.where(shape[..., None], (40.0, 10.0, 90.0), 255.0)
        assert find_borders(drawing.astype(np.float32)) == (0, 0, 0, 0)


def test_a_transparent_margin_is_cut():
    image = Image.new("RGBA", (60, 50))
    image.paste(picture(30, 20, 1).convert("RGBA"), (10, 12))
    result, line = trim(image, "logo.png")
    assert result.size == (30, 20)
    assert line == "logo.png: cut borders (left 10, top 12, right 20, bottom 18 pixels); 30x20 left"
    hidden = Image.new("RGBA", (60, 50))
    assert trim(hidden, "x") == (hidden, "")


def test_less_than_the_smallest_side_is_not_left():
    framed = ImageOps.expand(picture(40, 12, 0), 10, "white")
    with pytest.raises(InputError, match=r"--trim-style: would leave 40x12 of the 60x32 pixels"):
        trim(framed, "narrow.png")


def test_reading_trims_if_asked(tmp_path, capsys):
    path = tmp_path / "scan.png"
    ImageOps.expand(picture(40, 30, 0), 10, "white").save(path)
    (whole,) = prepare.read_styles(path, quick())
    assert whole.size == (60, 50)
    assert capsys.readouterr().out == ""
    (cut,) = prepare.read_styles(path, quick(trim_style=True))
    assert cut.size == (40, 30)
    (again,) = prepare.read_styles(cut, quick(trim_style=True))
    assert again.size == (40, 30)
    out = capsys.readouterr().out
    assert out == (
        f"{path}: cut borders (left 10, top 10, right 10, bottom 10 pixels); 40x30 left\n"
    )
