import numpy as np
import pytest

from gan.data import glyphs, load


@pytest.fixture
def few_glyphs(monkeypatch):
    monkeypatch.setattr(glyphs, "GLYPH_COUNT", 72)


def test_glyphs_are_deterministic_labelled_and_cached(tmp_path, few_glyphs):
    first = load.load("glyphs", tmp_path / "a")
    again = load.load("glyphs", tmp_path / "b")
    assert first.images.shape == (72, 32, 32, 1)
    np.testing.assert_array_equal(first.images, again.images)
    assert first.labels.tolist() == list(range(36)) * 2
    assert "".join(first.class_names) == glyphs.GLYPH_CLASSES
    stamp = next((tmp_path / "a").glob("*/images.raw")).stat().st_mtime_ns
    load.load("glyphs", tmp_path / "a")
    assert next((tmp_path / "a").glob("*/images.raw")).stat().st_mtime_ns == stamp


def test_glyphs_differ_by_seed_and_between_two_of_a_class(tmp_path, few_glyphs):
    first, other = (load.load("glyphs", tmp_path, seed=seed) for seed in (0, 1))
    assert (first.images != other.images).any(axis=(1, 2, 3)).all()
    assert (first.images[:36] != first.images[36:]).any(axis=(1, 2, 3)).all()


def test_glyphs_have_ink_that_does_not_touch_the_border(tmp_path, monkeypatch):
    monkeypatch.setattr(glyphs, "GLYPH_COUNT", 360)
    images = np.asarray(load.load("glyphs", tmp_path).images)
    assert (images.max(axis=(1, 2, 3)) > 100).all()
    border = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], 1)
    assert (border.max(axis=(1, 2)) > 100).mean() < 0.02


def test_glyphs_in_another_size_and_in_colour(tmp_path, few_glyphs):
    assert load.load("glyphs", tmp_path, 64, 3).images.shape == (72, 64, 64, 3)


def test_glyphs_take_the_nearest_resolution_of_the_networks(tmp_path, few_glyphs):
    assert load.load("glyphs", tmp_path, supported=(28,)).images.shape == (72, 28, 28, 1)
    assert load.load("glyphs", tmp_path, supported=(64, 128)).images.shape == (72, 64, 64, 1)
