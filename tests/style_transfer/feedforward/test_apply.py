import dataclasses

import keras
import numpy as np
import pytest
from PIL import Image

from common.errors import InputError
from style_transfer.colors import TO_YIQ
from style_transfer.feedforward import apply, network
from style_transfer.feedforward.network import Shape
from style_transfer.feedforward.palettes import StylePalette, change_pixels, moments

SHAPE = Shape(width=4, depth=1, styles=2)


def brush_with(shape):
    """A network whose weights are random, also those that start at 0 or 1."""
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    built = network.build(shape, movable=True)
    for variable in built.weights:
        variable.assign(variable + 0.1 * random.normal(size=variable.shape))
    palettes = [StylePalette.of(np.asarray(photo(40, 40, seed)), 1.0) for seed in (1, 2)]
    return apply.brush_of(built, shape, ("one", "two"), palettes)


@pytest.fixture(scope="module")
def brush():
    return brush_with(SHAPE)


def photo(width, height, seed=0, mode="RGB"):
    random = np.random.default_rng(seed)
    channels = len(mode)
    coarse = random.integers(0, 256, (height // 8 + 1, width // 8 + 1, channels), dtype=np.uint8)
    return Image.fromarray(coarse, mode).resize((width, height))


@pytest.mark.parametrize("size", [(64, 48), (61, 47), (16, 16)])
def test_a_small_image_is_painted_as_a_whole_at_its_own_size(brush, size):
    image = photo(*size)
    painted = brush.paint(image, (1, 0))
    assert painted.shape == (size[1], size[0], 3)
    if size == (64, 48):
        style, corner = np.array([[1, 0]], np.float32), np.zeros((1, 2), np.float32)
        pixels = np.asarray(image)
        pixels = change_pixels(moments(pixels), brush.palettes, style[0])(pixels)
        expected = brush.whole(pixels[None], style, corner)[0]
        np.testing.assert_allclose(painted, 255 * expected, atol=0.51)


def test_a_seed_moves_the_texture(brush):
    image = Image.new("RGB", (96, 64), (90, 120, 200))
    first, again, other = (brush.paint(image, seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first.astype(int) - other).max() > 2
    np.testing.assert_array_equal(brush.paint(image), brush.paint(image, seed=0))


@pytest.mark.parametrize(("keep_colors", "seed"), [("style", 0), ("style", 3), ("matched", 3)])
def test_tiles_do_not_show(brush, monkeypatch, keep_colors, seed):
    monkeypatch.setattr(apply, "EXACT", 96)
    monkeypatch.setattr(apply, "FEWEST_MARGINS", 0)
    image = photo(212, 150)
    whole = brush.paint(image, (1, 1), keep_colors, tile=1024, seed=seed)
    tiled = brush.paint(image, (1, 1), keep_colors, tile=144, seed=seed)
    assert len(list(apply.tiles((152, 216), 144, 56))) > 10
    assert np.abs(whole.astype(int) - tiled).max() <= 1  # rounding


@pytest.mark.parametrize("size", [(1600, 16), (17, 1400)])
def test_a_long_thin_image_is_painted_though_its_small_copy_is_thinner(brush, size):
    assert brush.paint(photo(*size), (1, 0), "matched").shape == (*size[::-1], 3)


def test_a_pixel_beyond_the_margin_does_not_reach_the_inside_of_a_tile(brush):
    pixels = np.random.default_rng(0).integers(0, 256, (1, 160, 160, 3), np.uint8)
    changed = pixels.copy()
    changed[:, :, -1] = 255 - changed[:, :, -1]
    maps = np.ones((1, 2, sum(network.channels(SHAPE))), np.float32)
    corner = np.zeros((1, 2), np.float32)
    one, other = (brush.fixed(each, 0.5 * maps, corner).numpy() for each in (pixels, changed))
    margin = 8 * (2 * SHAPE.depth + apply.BEYOND)
    different = np.flatnonzero(np.abs(one - other).max(axis=(0, 1, 3)))
    assert different.min() > 159 - margin
    assert different.min() < 150  # but nearer ones do


@pytest.mark.parametrize("upsampling", ["subpixel", "resize"])
def test_a_large_image_looks_as_its_small_copy_does(monkeypatch, upsampling):
    """But for waves and, of random subpixel convolutions, textures of single pixels."""
    brush = brush_with(dataclasses.replace(SHAPE, waves=0, upsampling=upsampling))
    brush = dataclasses.replace(brush, palettes=())  # the statistics alone
    monkeypatch.setattr(apply, "EXACT", 64)
    small = photo(64, 48)
    large = small.resize((256, 192), Image.Resampling.BICUBIC)
    seen = np.asarray(Image.fromarray(brush.paint(large, (1, 0))).resize((64, 48)), float)
    painted = brush.paint(small, (1, 0)).astype(float)
    assert np.abs(seen.mean(axis=(0, 1)) - painted.mean(axis=(0, 1))).max() < 12
    if upsampling == "resize":
        np.testing.assert_allclose(seen.std(), painted.std(), rtol=0.3)


def test_transparency_is_kept_and_invisible_colors_do_not_count(brush):
    image = photo(64, 48, mode="RGBA")
    other = np.asarray(image).copy()
    other[..., 3] = np.where(np.arange(64) < 32, 255, 0)
    hidden = other.copy()
    hidden[:, 32:, :3] = 99
    one, two = (brush.paint(Image.fromarray(each, "RGBA")) for each in (other, hidden))
    np.testing.assert_array_equal(one[..., 3], other[..., 3])
    np.testing.assert_array_equal(one, two)


def test_colors_of_the_content_are_kept(brush):
    image = photo(64, 48)
    content = 0.25 + 0.5 * np.asarray(image) / 255.0  # nothing is clipped
    image = Image.fromarray(np.rint(255 * content).astype(np.uint8))
    plain, painted = (brush.paint(image, (1, 0), each) for each in ("style", "content"))
    chroma, luminance = TO_YIQ[1:], TO_YIQ[0]
    inside = (painted > 0).all(axis=2) & (painted < 255).all(axis=2)
    np.testing.assert_allclose(
        (painted @ chroma.T)[inside], (np.asarray(image) @ chroma.T)[inside], atol=1.5
    )
    np.testing.assert_allclose((painted @ luminance)[inside], (plain @ luminance)[inside], atol=1.5)
    matched = brush.paint(image, (1, 0), "matched").reshape(-1, 3)
    np.testing.assert_allclose(
        matched.mean(axis=0), np.asarray(image).reshape(-1, 3).mean(axis=0), atol=4
    )


def test_weights_mix_the_styles(brush):
    image = photo(64, 48)
    one, two, both = (brush.paint(image, each) for each in ((1, 0), (0, 2), (3, 3)))
    assert np.abs(one.astype(int) - two).max() > 5
    np.testing.assert_array_equal(both, brush.paint(image))
    with pytest.raises(InputError, match=r"each of the 2 styles \(one, two\), got 3"):
        brush.paint(image, (1, 1, 1))
    assert np.isfinite(brush.mixture((1e39, 1))).all()
    for weights in ((0, 0), (-1, 2), (np.inf, 1), (np.nan, 1)):
        with pytest.raises(InputError, match="one above 0"):
            brush.paint(image, weights)
    with pytest.raises(InputError, match="expected at least 16 per side"):
        brush.paint(photo(64, 8))


def test_tiles_are_never_mostly_margin(brush, monkeypatch):
    monkeypatch.setattr(apply, "EXACT", 64)
    sides, divide = [], apply.tiles
    monkeypatch.setattr(
        apply, "tiles", lambda size, side, margin: sides.append(side) or divide(size, side, margin)
    )
    for tile in (8, 512):
        brush.paint(photo(72, 40), tile=tile)
    assert sides == [4 * 8 * (2 * SHAPE.depth + apply.BEYOND), 512]


def test_tiles_cover_every_place_once():
    seen = np.zeros((40, 72), int)
    for inside, around in apply.tiles((40, 72), 48, 8):
        seen[inside] += 1
        for part, whole, length in zip(inside, around, seen.shape, strict=True):
            assert (whole.start, whole.stop) == (
                max(0, part.start - 8),
                min(length, part.stop + 8) if part.stop < length else length,
            )
            assert part.start % 8 == whole.start % 8 == 0
    assert (seen == 1).all()
