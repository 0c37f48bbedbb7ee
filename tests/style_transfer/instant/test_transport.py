import numpy as np
import pytest

from style_transfer.instant.transport import (
    Affine,
    Gaussian,
    gaussian,
    identity,
    mixed,
    pooled,
    transport,
)


def features(seed, channels=6, places=500):
    random = np.random.default_rng(seed)
    return random.normal(size=(places, channels)) @ random.normal(size=(channels, channels)) + seed


def test_a_map_that_was_computed_by_hand():
    source = Gaussian(np.array([1.0, 2.0]), np.diag([1.0, 4.0]))
    target = Gaussian(np.array([0.0, 5.0]), np.diag([9.0, 1.0]))
    move = transport(source, target, ridge=0.0)
    np.testing.assert_allclose(move.matrix, np.diag([3.0, 0.5]), atol=1e-6)
    np.testing.assert_allclose(move(np.array([2.0, 4.0])), [3.0, 6.0], atol=1e-6)


def test_the_mean_and_the_covariance_become_the_styles():
    content, style = features(1), features(2)
    moved = gaussian(transport(gaussian(content), gaussian(style), ridge=0.0)(content))
    np.testing.assert_allclose(moved.mean, gaussian(style).mean, atol=1e-6)
    np.testing.assert_allclose(moved.covariance, gaussian(style).covariance, atol=1e-4)


def test_no_map_to_the_same_moments_moves_less():
    """Another one whitens by a Cholesky factor and colors by another."""
    content, style = features(3), features(4)
    source, target = gaussian(content), gaussian(style)
    optimal = transport(source, target, ridge=0.0)(content) - content
    whitened = np.linalg.solve(np.linalg.cholesky(source.covariance), (content - source.mean).T)
    other = (np.linalg.cholesky(target.covariance) @ whitened).T + target.mean - content
    assert (optimal**2).mean() < 0.999 * (other**2).mean()


def test_equal_moments_change_nothing():
    content = features(5)
    move = transport(gaussian(content), gaussian(content))
    np.testing.assert_allclose(move(content), content, atol=1e-6)


@pytest.mark.parametrize("flat", ["content", "style", "both"])
def test_flat_features_stay_finite(flat):
    content, style = features(6), features(7)
    content = np.ones_like(content) if flat != "style" else content
    style = np.zeros_like(style) if flat != "content" else style
    moved = transport(gaussian(content), gaussian(style))(content)
    assert np.isfinite(moved).all()
    np.testing.assert_allclose(moved.mean(axis=0), style.mean(axis=0), atol=1e-6)


def test_the_moments_of_parts_are_those_of_the_whole():
    values = features(8)
    parts = [values[:100], values[100:350], values[350:]]
    whole = pooled([(len(part), gaussian(part)) for part in parts])
    np.testing.assert_allclose(whole.mean, gaussian(values).mean)
    np.testing.assert_allclose(whole.covariance, gaussian(values).covariance)


def test_maps_are_mixed_by_weight():
    double = Affine(2.0 * np.eye(3), np.ones(3))
    half = mixed([identity(3), double], (3.0, 1.0))
    np.testing.assert_allclose(half(np.ones((2, 3))), 1.5)
