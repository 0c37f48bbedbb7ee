import json
import tracemalloc

import numpy as np
import pytest

from style_transfer import colors


@pytest.fixture
def images():
    random = np.random.default_rng(0)
    first = random.random((20, 30, 3))
    second = 0.5 + 0.1 * random.normal(size=(25, 10, 3)) @ random.normal(size=(3, 3))
    return first.astype(np.float32), np.clip(second, 0.2, 0.8).astype(np.float32)


def test_luminance_by_hand():
    image = np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 1.0]]])
    expected = np.repeat([[[0.299], [0.587], [1.0]]], 3, axis=2)
    np.testing.assert_allclose(colors.luminance(image), expected, rtol=1e-6)


def test_an_image_with_its_own_chroma_is_itself(images):
    first, _ = images
    np.testing.assert_allclose(colors.with_chroma_of(first, first), first, atol=1e-5)


def test_chroma_is_the_contents_and_luminance_the_images():
    gray, red = np.full((1, 1, 3), 0.5), np.array([[[0.6, 0.4, 0.4]]])
    mixed = colors.with_chroma_of(gray, red)
    assert colors.luminance(mixed)[0, 0, 0] == pytest.approx(0.5, abs=1e-4)
    assert mixed[0, 0, 0] - mixed[0, 0, 1] == pytest.approx(0.2, abs=1e-3)


def test_luminance_like_has_the_others_mean_and_deviation(images):
    first, second = images
    gray = colors.luminance(second)
    found = colors.luminance_like(0.4 + 0.2 * first, gray)
    assert found.mean() == pytest.approx(gray.mean(), abs=1e-3)
    assert found.std() == pytest.approx(gray.std(), rel=0.02)


def test_matched_has_the_contents_mean_and_covariance(images):
    first, second = images
    second = 0.5 + 0.5 * (second - second.mean(axis=(0, 1)))  # narrow, so that nothing is clipped
    found = colors.matched(first, second).reshape(-1, 3)
    np.testing.assert_allclose(found.mean(axis=0), second.reshape(-1, 3).mean(axis=0), atol=2e-3)
    np.testing.assert_allclose(np.cov(found.T), np.cov(second.reshape(-1, 3).T), atol=2e-3)


def test_a_matching_applies_to_parts_as_to_the_whole(images):
    first, second = images
    change = colors.matching(first, second)
    np.testing.assert_array_equal(change(first[3:7, 5:]), colors.matched(first, second)[3:7, 5:])


def test_matching_a_flat_or_gray_image_is_finite(images):
    _, second = images
    for image in (np.full((5, 5, 3), 0.3), colors.luminance(second)):
        assert np.isfinite(colors.matched(image, second)).all()
        assert np.isfinite(colors.matched(second, image)).all()


def test_a_palette_is_the_mean_by_weight_of_matched_images(images):
    first, second = images
    dark = 0.5 * second
    whole = colors.with_palette(first, [second], [2.0], share=1.0)
    np.testing.assert_allclose(whole, colors.matched(first, second), atol=1e-6)
    mixed = colors.with_palette(first, [second, dark], [3.0, 1.0], share=1.0)
    expected = 0.75 * colors.matched(first, second) + 0.25 * colors.matched(first, dark)
    np.testing.assert_allclose(mixed, expected, atol=1e-6)
    half = colors.with_palette(first, [second], [1.0], share=0.5)
    np.testing.assert_allclose(half, 0.5 * (first + whole), atol=1e-6)


def test_bands_are_those_of_the_whole_and_no_large_copies_are_made(images, monkeypatch):
    first, second = images
    whole = colors.with_palette(first, [second, 0.5 * second], [2.0, 1.0], share=0.7)
    covariance = np.cov(first.reshape(-1, 3).T)
    monkeypatch.setattr(colors, "BAND", 1)
    found = colors.with_palette(first, [second, 0.5 * second], [2.0, 1.0], share=0.7)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, whole, atol=1e-6)
    np.testing.assert_allclose(colors.moments(first)[1], covariance, rtol=1e-6)
    monkeypatch.undo()
    large = np.broadcast_to(np.float32([0.1, 0.5, 0.9]), (2048, 1024, 3))
    tracemalloc.start()
    result = colors.with_palette(large, [second], [1.0], share=1.0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * result.nbytes  # a copy in float64 alone has twice as much


def test_a_palette_survives_json_with_the_same_bits(images):
    first, second = images
    change = colors.palette(first, [second, 0.5 * second], [2.0, 1.0], 0.7)
    again = colors.Palette.restore(json.loads(json.dumps(change.state())))
    np.testing.assert_array_equal(again(first), change(first))
