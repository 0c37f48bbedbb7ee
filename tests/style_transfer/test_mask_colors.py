"""Regions of masks with clean, antialiased, blurred and compressed colors."""

import io

import numpy as np
import pytest
from PIL import Image, ImageColor, ImageDraw, ImageFilter

from common.errors import InputError
from style_transfer import mask_colors

RED, GREEN, BLUE, YELLOW, BLACK = "#ff0000", "#00ff00", "#0000ff", "#ffff00", "#000000"
SIZE = (192, 128)


def draw(scale=1):
    """Five regions, with borders between most pairs."""
    width, height = (scale * side for side in SIZE)
    image = Image.new("RGB", (width, height), BLUE)
    pen = ImageDraw.Draw(image)
    pen.ellipse((0.1 * width, 0.1 * height, 0.5 * width, 0.6 * height), fill=RED)
    corner = [(0.3 * width, height), (0.8 * width, 0.2 * height), (width, height)]
    pen.polygon(corner, fill=GREEN)
    pen.rectangle((0, 0.8 * height, 0.25 * width, height), fill=YELLOW)
    pen.rectangle((0.7 * width, 0, width, 0.15 * height), fill=BLACK)
    return image


def compressed(image, quality):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


SMOOTH = draw(4).resize(SIZE, Image.Resampling.LANCZOS)
KINDS = {
    "sharp": draw(),
    "antialiased": SMOOTH,
    "good JPEG": compressed(SMOOTH, 90),
    "poor JPEG": compressed(SMOOTH, 40),
    "blurred": SMOOTH.filter(ImageFilter.GaussianBlur(3)),
    "blurred JPEG": compressed(SMOOTH.filter(ImageFilter.GaussianBlur(3)), 75),
}
COLORS = {name: np.array(ImageColor.getrgb(name)) for name in (RED, GREEN, BLUE, YELLOW, BLACK)}


@pytest.mark.parametrize("kind", KINDS)
def test_regions_are_found_with_their_areas_in_every_kind_of_mask(kind):
    pixels = np.asarray(KINDS[kind])
    colors = mask_colors.find_colors(pixels)
    weights = mask_colors.color_weights(pixels, colors)
    assert weights.min() >= 0.0
    np.testing.assert_allclose(weights.sum(axis=0), 1.0, atol=1e-6)
    assert len(colors) == len(COLORS)
    exact = np.asarray(draw(4))
    for true in COLORS.values():
        share = (exact == true).all(axis=2).mean()
        distance = [np.abs(color - true).max() for color in colors]
        assert min(distance) < 8
        assert weights[np.argmin(distance)].mean() == pytest.approx(share, abs=0.012)


def test_flat_areas_belong_to_one_region_alone():
    pixels = np.asarray(KINDS["poor JPEG"])
    weights = mask_colors.color_weights(pixels, mask_colors.find_colors(pixels))
    assert (weights.max(axis=0) == 1.0).mean() > 0.9


def test_a_border_between_two_colors_is_no_third_region():
    """Purple lies between red and blue, and is a region somewhere else."""
    image = Image.new("RGB", (90, 60), RED)
    pen = ImageDraw.Draw(image)
    pen.rectangle((30, 0, 59, 59), fill=BLUE)
    pen.rectangle((60, 30, 89, 59), fill="#800080")
    pixels = np.asarray(image.filter(ImageFilter.GaussianBlur(2)))
    colors = mask_colors.find_colors(pixels)
    purple = mask_colors.color_weights(pixels, colors)[
        [mask_colors.hexadecimal(color)[1:3] == "80" for color in colors]
    ]
    assert purple.shape[0] == 1
    assert purple[0, :, :45].max() == 0.0
    assert purple.mean() == pytest.approx(30 * 30 / (90 * 60), abs=0.01)


def test_gray_levels_by_hand():
    levels = np.repeat(np.array([[0, 8, 128, 247, 255]], np.uint8)[..., None], 3, axis=2)
    found = mask_colors.gray_weights(levels)[0].tolist()
    assert found == pytest.approx([0.0, 0.0, 120 / 239, 1.0, 1.0])
    assert mask_colors.is_gray(levels)
    assert not mask_colors.is_gray(np.asarray(KINDS["sharp"]))
    noisy = compressed(Image.fromarray(np.repeat(levels, 40, axis=0).repeat(40, axis=1)), 50)
    assert mask_colors.is_gray(np.asarray(noisy))


def halves(first, second):
    pixels = np.full((8, 8, 3), first, np.uint8)
    pixels[4:] = second
    return pixels


def test_near_colors_are_one_region_and_steps_of_a_palette_are_not():
    masks = [halves((250, 4, 0), (0, 0, 255)), halves((10, 5, 230), (225, 20, 25))]
    names, weights = mask_colors.find_regions(masks, ["one", "other"])
    assert set(names) == {"#fa0400", "#0000ff"}
    np.testing.assert_array_equal(weights[0], weights[1][::-1])
    assert len(mask_colors.find_colors(halves((128, 0, 0), (192, 0, 0)))) == 2


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8), "no mask: 0%"),
        (np.tile(np.arange(3, dtype=np.uint8)[:, None, None], (9, 27, 3)), "nearly black"),
    ],
)
def test_what_is_no_mask_is_refused(pixels, message):
    with pytest.raises(InputError, match=f"^--masks x.png: {message}") as found:
        mask_colors.find_regions([pixels], ["--masks x.png"])
    assert str(found.value).count("\n") == 1


def test_too_many_colors_are_refused():
    steps = np.array([(r, g, b) for r in (0, 128, 255) for g in (0, 128, 255) for b in (0, 255)])
    pixels = np.repeat(np.repeat(steps.astype(np.uint8)[None], 8, axis=0), 8, axis=1)
    with pytest.raises(InputError, match="more than 16 flat colors"):
        mask_colors.find_regions([pixels], ["--masks x.png"])
