import itertools

import numpy as np
import pytest

from style_transfer import colors
from style_transfer.feedforward import crops, scenes
from style_transfer.feedforward.palettes import StylePalette


def take(count, **options):
    photos = [np.random.default_rng(n).integers(0, 256, (40, 60, 3), np.uint8) for n in range(3)]
    stream = crops.batches(photos, 2, 4, 32, 64, seed=3, **options).as_numpy_iterator()
    return list(itertools.islice(stream, count))


def test_a_stream_continues_where_another_stopped():
    whole, rest = take(5), take(2, start=3)
    for pair in zip(whole[3:], rest, strict=True):
        for values, again in zip(*pair, strict=True):
            np.testing.assert_array_equal(values, again)
    assert len(take(5, start=3, end=5)) == 2
    assert whole[0][0].shape == (4, 32, 32, 3)
    assert not np.array_equal(whole[0][0], whole[1][0])
    assert {style for _, _, styles in whole for style in styles.tolist()} == {0, 1}


@pytest.mark.parametrize("share", [0.4, 1.0])
def test_goals_are_the_crops_in_the_palette_of_the_style(share):
    random = np.random.default_rng(0)
    photos = [  # the first is dark, the second bright
        (low + random.integers(0, 90, (40, 60, 3))).astype(np.uint8) for low in (0, 160)
    ]
    styles = [random.integers(0, high, (16, 16, 3), np.uint8) for high in (60, 250)]
    recolor = crops.palette_maps(photos, [StylePalette.of(style, share) for style in styles])
    stream = crops.batches(photos, 2, 8, 32, 64, seed=0, recolor=recolor)
    images, goals, indices = next(stream.as_numpy_iterator())
    pairs = set()
    for image, goal, index in zip(images, goals, indices, strict=True):
        photo = int(image.mean() > 0.5)
        units = [each.astype(np.float32) / 255 for each in (photos[photo], styles[index])]
        expected = colors.palette(units[0], [units[1]], [1.0], share)(image)
        np.testing.assert_allclose(goal, expected, atol=1e-6)
        pairs.add((photo, int(index)))
    assert len(pairs) == 4
    stream = crops.batches(photos, 2, 8, 32, 64, seed=0, recolor=recolor, recolor_crops=True)
    painted, compared, _ = next(stream.as_numpy_iterator())
    np.testing.assert_array_equal(painted, goals)
    np.testing.assert_array_equal(compared, goals)
    plain, same, _ = next(crops.batches(photos, 2, 8, 32, 64, seed=0).as_numpy_iterator())
    np.testing.assert_array_equal(plain, images)
    np.testing.assert_array_equal(plain, same)


def test_crops_show_squares_of_the_photo_at_different_scales():
    rows, columns = np.mgrid[:96, :128].astype(np.uint8)
    photo = np.stack([rows, columns, rows], axis=2)
    random = np.random.default_rng(0)
    widths, flips = [], 0
    for _ in range(40):
        cut = crops.crop(photo, 32, 128, random).astype(float)
        across, down = cut[16, -4, 1] - cut[16, 3, 1], cut[-4, 16, 0] - cut[3, 16, 0]
        assert abs(across) == pytest.approx(down, abs=2)  # not distorted
        flips += across < 0
        widths.append(down / 25 * 32)
    assert min(widths) == pytest.approx(32, abs=3)  # never enlarged
    assert 50 < max(widths) <= 66  # at most half the size
    assert 5 < flips < 35


def test_a_photo_smaller_than_the_crop_is_enlarged():
    photo = np.full((20, 30, 3), 7, np.uint8)
    assert (crops.crop(photo, 32, 512, np.random.default_rng(0)) == 7).all()


def test_generated_scenes_are_reproducible_and_varied():
    one, same, other = (scenes.dead_leaves(48, np.random.default_rng(n)) for n in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert one.shape == (48, 48, 3)
    assert np.abs(one.astype(int) - other).mean() > 10
    edges = np.abs(np.diff(one.astype(int), axis=1)).max(axis=2)
    assert (edges > 40).mean() > 0.01  # leaves hide each other
    assert (edges < 12).mean() > 0.4  # and are smooth inside


def test_clouds_have_more_power_at_low_frequencies():
    values = scenes.clouds(64, np.random.default_rng(0))
    assert (values.min(), values.max()) == (0.0, 1.0)
    power = np.abs(np.fft.fft2(values - values.mean())) ** 2
    assert power[1:3, 1:3].mean() > 100 * power[16:24, 16:24].mean()
