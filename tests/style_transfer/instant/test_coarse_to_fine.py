import dataclasses
import itertools

import numpy as np
import pytest
from PIL import Image

from style_transfer.instant import coarse_to_fine, codec
from style_transfer.instant.coarse_to_fine import level_scales, measure, paint, render
from tests.style_transfer.quick import quick


def image_of(array):
    return Image.fromarray(np.asarray(array, np.uint8))


def test_levels_double_up_to_the_size():
    assert level_scales((512, 384)) == [0.25, 0.5, 1.0]
    assert level_scales((100, 80)) == [1.0]
    assert level_scales((100, 80), coarser=True) == [0.5, 1.0]
    assert level_scales((1024, 60)) == [0.5, 1.0]  # 0.25 would be thinner than 16 pixels


def test_a_strength_of_0_is_the_content(content, style):
    result = paint(image_of(content), [image_of(style)], quick(48, strength=0.0))
    expected = paint(image_of(content), [image_of(1 + 0 * style)], quick(48, strength=0.0))
    np.testing.assert_array_equal(result, expected)
    small = np.asarray(image_of(content).resize((36, 48), Image.Resampling.LANCZOS))
    np.testing.assert_allclose(result, small / 255.0, atol=0.02)


def test_the_decoder_recovers_an_image(content):
    weights = codec.load()
    image = coarse_to_fine._padded(content.astype(np.float32) / 255.0)[None]
    decoded = codec.decode(codec.encode(image, weights), weights).numpy()
    assert decoded.shape == image.shape
    assert np.abs(decoded - image).mean() < 0.1


def test_the_moments_come_near_the_styles(content, style):
    weights = codec.load()
    goal, reference = (np.float32(each) / 255.0 for each in (content, style))
    result = render(goal, [reference], quick(80))

    def distance(image):
        found, wanted = measure(image, weights), measure(reference, weights)
        return (
            np.square(found.mean - wanted.mean).mean()
            + np.square(found.covariance - wanted.covariance).mean()
        )

    assert distance(result) < 0.3 * distance(goal)


def test_styles_are_mixed_by_weight(content):
    styles = [image_of(np.full((32, 32, 3), level)) for level in (20, 235)]

    def brightness(*weights):
        return paint(image_of(content), styles, quick(32, style_weights=weights)).mean()

    dark, even, bright = brightness(1.0, 0.0), brightness(1.0, 1.0), brightness(0.0, 1.0)
    assert dark + 0.1 < even < bright - 0.1


def test_flat_images_give_finite_results():
    flat = np.full((24, 32, 3), 0.5, np.float32)
    result = render(flat, [flat], quick(32))
    assert np.isfinite(result).all()
    assert np.abs(result - 0.5).max() < 0.1


def test_the_strength_changes_the_result_evenly(content, style):
    goal, reference = (np.float32(each) / 255.0 for each in (content, style))
    strengths = (0.0, 0.01, 0.25, 0.49, 0.51, 0.75, 1.0)
    results = [render(goal, [reference], quick(80, strength=s)) for s in strengths]
    steps = [np.abs(b - a).mean() for a, b in itertools.pairwise(results)]
    assert steps[0] < 0.01  # no jump to what the decoder recovers
    assert steps[3] < 0.02  # none where the coarser level sets in
    distances = [np.abs(each - goal).mean() for each in results]
    assert distances == sorted(distances)
    # of a panorama, the coarser level would be too thin
    panorama = np.tile(goal[:40], (1, 5, 1))[:, :256]
    below, above = (render(panorama, [reference], quick(256, strength=s)) for s in (0.5, 0.51))
    assert np.abs(above - below).mean() < 0.01


def test_bands_are_those_of_the_whole(content, style, monkeypatch):
    goal, reference = (np.float32(each) / 255.0 for each in (content, style))
    whole = render(goal, [reference], quick(80))
    monkeypatch.setattr(coarse_to_fine, "BAND", 1)
    np.testing.assert_allclose(render(goal, [reference], quick(80)), whole, atol=1e-3)


@pytest.mark.parametrize("shape", [(16, 90), (35, 17)])
def test_any_shape_and_transparency(style, shape):
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 4), np.uint8)
    result = paint(Image.fromarray(pixels), [image_of(style)], quick(max(shape)))
    assert result.shape == (*shape, 4)
    np.testing.assert_allclose(result[..., 3], pixels[..., 3] / 255.0, atol=1e-6)


def test_the_contents_chroma_stays(content, style):
    config = quick(48, colors="content")
    result = paint(image_of(content), [image_of(style)], config)
    plain = dataclasses.replace(config.appearance, strength=0.0)
    goal = paint(image_of(content), [], dataclasses.replace(config, appearance=plain))
    inside = (result > 0.01).all(axis=2) & (result < 0.99).all(axis=2)
    chroma = [(image[..., 0] - image[..., 2])[inside] for image in (result, goal)]
    np.testing.assert_allclose(*chroma, atol=0.03)


def test_what_is_kept_stays(content, style):
    keep = np.zeros((1, 48, 36, 1), np.float32)
    keep[:, :20] = 1.0
    result = paint(image_of(content), [image_of(style)], quick(48), lambda size: keep)
    plain = paint(image_of(content), [image_of(style)], quick(48, strength=0.0))
    np.testing.assert_allclose(result[:20], plain[:20], atol=1e-6)
    assert np.abs(result[20:] - plain[20:]).mean() > 0.02
