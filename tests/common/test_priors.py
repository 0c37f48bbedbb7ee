"""Priors against scipy.stats, as NumPy arrays and as tensors."""

import subprocess
import sys
from collections import namedtuple

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from common import priors
from common.errors import InputError
from common.priors import Mixture, Normal, Spherical, Truncated
from tests.command_line import ROOT

COUNT, SIZE = 3000, 6
PRIORS = [Normal(), Normal(0.5), Spherical(), Truncated(), Truncated(0.7), Mixture(3)]
NAMES = [str(prior) for prior in PRIORS]


def drawn(prior, kind):
    """Draw as gan.sample does, or as a training step does."""
    if kind == "numpy":
        return prior.sample(COUNT, SIZE, 1)
    seed = keras.random.SeedGenerator(1)
    return tf.function(lambda: prior.sample(tf.constant(COUNT), SIZE, seed))().numpy()


def expected_log_prob(prior, latents):
    if isinstance(prior, Normal):
        return stats.norm(0, prior.deviation).logpdf(latents).sum(axis=1)
    if isinstance(prior, Truncated):
        return stats.truncnorm(-prior.threshold, prior.threshold).logpdf(latents).sum(axis=1)
    if isinstance(prior, Spherical):  # of no concentration; densities scale with the surface
        directions = stats.vonmises_fisher(np.eye(SIZE)[0], 1e-9).logpdf(latents / SIZE**0.5)
        return directions - (SIZE - 1) * np.log(SIZE**0.5)
    covariance = prior.deviation**2 * np.eye(SIZE)
    each = [stats.multivariate_normal(m, covariance).pdf(latents) for m in prior.means(SIZE)]
    return np.log(np.mean(each, axis=0))


def first_coordinates(prior):
    """Return the distribution function of a latent vector's first coordinate."""
    if isinstance(prior, Normal):
        return stats.norm(0, prior.deviation).cdf
    if isinstance(prior, Truncated):
        return stats.truncnorm(-prior.threshold, prior.threshold).cdf
    if isinstance(prior, Spherical):
        half = (SIZE - 1) / 2
        return lambda x: stats.beta(half, half).cdf((x / SIZE**0.5 + 1) / 2)
    means = prior.means(SIZE)[:, 0]
    return lambda x: np.mean([stats.norm(m, prior.deviation).cdf(x) for m in means], axis=0)


@pytest.mark.parametrize("kind", ["numpy", "tensor"])
@pytest.mark.parametrize("prior", PRIORS, ids=NAMES)
def test_latents_have_the_distribution_of_their_prior(prior, kind):
    latents = drawn(prior, kind)
    assert latents.dtype == np.float32
    assert latents.shape == (COUNT, SIZE)
    assert stats.kstest(latents[:, 0], first_coordinates(prior)).pvalue > 1e-3
    if not isinstance(prior, Mixture):  # three means are not centred
        assert np.abs(latents.mean(axis=0)).max() < 0.08
    correlated = np.corrcoef(latents[:, 0], latents[:, 1])[0, 1]
    assert isinstance(prior, Mixture) or abs(correlated) < 0.08


@pytest.mark.parametrize("prior", PRIORS, ids=NAMES)
def test_log_densities_are_those_of_scipy(prior):
    latents = prior.sample(5, SIZE, 0)
    expected = expected_log_prob(prior, latents.astype(np.float64))
    np.testing.assert_allclose(prior.log_prob(latents), expected, rtol=1e-4)
    np.testing.assert_allclose(prior.log_prob(tf.constant(latents)), expected, rtol=1e-4)


@pytest.mark.parametrize("prior", [Spherical(), Truncated(0.7)], ids=str)
def test_latents_outside_of_a_prior_are_impossible_until_they_are_constrained(prior):
    outside = np.full((1, SIZE), 2.0, np.float32)
    assert prior.log_prob(outside) == -np.inf
    for latents in (outside, tf.constant(outside)):
        inside = prior.constrain(latents)
        assert np.isfinite(prior.log_prob(inside)).all()
        np.testing.assert_allclose(prior.constrain(inside), inside, rtol=1e-6)


def test_the_log_density_pulls_a_latent_towards_its_prior():
    latents = tf.constant(Mixture().sample(2, SIZE, 0))
    with tf.GradientTape() as tape:
        tape.watch(latents)
        density = tf.reduce_sum(Normal(2.0).log_prob(latents))
    np.testing.assert_allclose(tape.gradient(density, latents), -latents / 4.0, rtol=1e-5)


def test_a_normal_prior_draws_what_runs_without_the_field_drew():
    expected = np.random.default_rng(3).normal(size=(4, 8)).astype(np.float32)
    np.testing.assert_array_equal(Normal().sample(4, 8, 3), expected)
    np.testing.assert_array_equal(Normal().sample(4, 8, np.random.default_rng(3)), expected)
    seeds = [keras.random.SeedGenerator(3) for _ in range(2)]
    expected = keras.random.normal((4, 8), seed=seeds[0])
    np.testing.assert_array_equal(Normal().sample(4, 8, seeds[1]), expected)


@pytest.mark.parametrize("prior", [Normal(), Truncated(), Mixture()], ids=str)
def test_truncation_keeps_each_latent_and_brings_it_nearer_to_a_mode(prior):
    full, half = (each.sample(500, 16, 0) for each in (prior, prior.truncate(0.5)))
    if isinstance(prior, Mixture):
        modes = prior.means(16)[np.random.default_rng(0).integers(10, size=500)]
        full, half = full - modes, half - modes
    assert (np.linalg.norm(half, axis=1) < 0.8 * np.linalg.norm(full, axis=1)).all()
    cosines = (full * half).sum(axis=1) / np.linalg.norm(full, axis=1)
    assert (cosines > 0.9 * np.linalg.norm(half, axis=1)).all()
    assert prior.truncate(1.0) == prior


def test_a_sphere_has_no_typical_latents():
    assert Spherical().truncate(1.0) == Spherical()
    with pytest.raises(InputError, match=r"--truncation 0.5: .*no typical"):
        Spherical().truncate(0.5)


@pytest.mark.parametrize("prior", PRIORS, ids=NAMES)
def test_a_path_goes_through_both_ends_and_stays_typical(prior):
    start, end = prior.sample(2, 64, 0)
    path = prior.interpolate(start, end, np.linspace(0, 1, 9))
    np.testing.assert_allclose(path[[0, -1]], [start, end], atol=1e-4)
    density = prior.log_prob(path.astype(np.float32))
    lowest = min(density[0], density[-1])
    if not isinstance(prior, Mixture):  # whose modes are apart
        assert (density > lowest - 20.0).all()
    assert np.linalg.norm(path, axis=1).min() > 0.85 * np.linalg.norm(path[[0, -1]], axis=1).min()


def test_a_mixture_is_of_one_scale_and_its_components_are_apart():
    prior = Mixture()
    latents = prior.sample(4000, 64, 0)
    assert np.mean(latents**2) == pytest.approx(1.0, abs=0.01)
    nearest = ((latents[:, None] - prior.means(64)) ** 2).sum(axis=2).argmin(axis=1)
    shares = np.bincount(nearest, minlength=10) / 4000
    np.testing.assert_allclose(shares, 0.1, atol=0.02)


def test_the_table_is_what_the_command_line_offers():
    from gan import config

    assert tuple(priors.PRIORS) == config.PRIORS


class Laplace(namedtuple("Laplace", "event_shape")):
    """What a distribution of TensorFlow Probability looks like from outside."""

    def sample(self, sample_shape=(), seed=None, name="sample"):
        shape = (*sample_shape, *self.event_shape)
        uniform = tf.random.stateless_uniform(shape, seed, -1.0, 1.0)
        return -tf.sign(uniform) * tf.math.log1p(-tf.abs(uniform))

    def log_prob(self, value, name="log_prob"):
        each = -tf.abs(value) - tf.math.log(2.0)
        return tf.reduce_sum(each, axis=-1) if self.event_shape else each


@pytest.mark.parametrize("event_shape", [(), (SIZE,)], ids=["scalars", "vectors"])
def test_a_distribution_of_tensorflow_probability_fits(event_shape):
    prior = priors.as_prior(Laplace(event_shape))
    for kind in ("numpy", "tensor"):
        latents = np.asarray(drawn(prior, kind))
        assert latents.shape == (COUNT, SIZE)
        assert stats.kstest(latents[:, 0], stats.laplace.cdf).pvalue > 1e-3
    expected = stats.laplace.logpdf(latents[:4]).sum(axis=1)
    np.testing.assert_allclose(prior.log_prob(latents[:4]), expected, rtol=1e-5)
    same = [prior.sample(2, SIZE, seed) for seed in (7, 7, np.random.default_rng(7))]
    np.testing.assert_array_equal(same[0], same[1])
    assert not np.array_equal(same[0], same[2])


def test_any_object_with_both_methods_fits():
    class Ones:
        def sample(self, count, size, seed):
            return np.ones((count, size), np.float32)

        def log_prob(self, latents):
            return np.zeros(len(latents))

    prior = priors.as_prior(Ones())
    assert prior.sample(2, 3, 0).shape == (2, 3)
    assert priors.as_prior(prior) is prior
    with pytest.raises(InputError, match=r"prior: expected an object .* int without sample"):
        priors.as_prior(3)


def test_priors_need_no_tensorflow():
    code = (
        "import sys; from common import priors\n"
        "for prior in priors.PRIORS.values(): prior.log_prob(prior.sample(2, 4, 0))\n"
        "print([name for name in ('tensorflow', 'keras') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert out.stdout.strip() == "[]", out.stderr
