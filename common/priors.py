"""Distributions of latent vectors, importable without TensorFlow.

A prior has two methods: `sample(count, size, seed)` and `log_prob(latents)`. Any
object that has them fits, and so does a distribution of TensorFlow Probability:
`as_prior` adds the rest.
"""

import dataclasses
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from common.arrays import Seed, great_circle, library, log_normal, random, stateless
from common.errors import InputError

Latents = Any
"""A NumPy array or a tensor, float32 (N, Z)."""
ON_SPHERE = 1e-3  # largest relative error of the squared norm of a latent on the sphere


class Prior:
    """The distribution that latent vectors are drawn from.

    A subclass defines `sample` and `log_prob`. The other methods have the
    defaults of a distribution that is positive everywhere.
    """

    def sample(self, count: int, size: int, seed: Seed) -> Latents:
        """Draw `count` latent vectors of `size` numbers, float32 (count, size)."""
        raise NotImplementedError

    def log_prob(self, latents: Latents) -> Latents:
        """Compute the logarithm of the density of each latent vector, (N,)."""
        raise NotImplementedError

    def constrain(self, latents: Latents) -> Latents:
        """Return the nearest latent vectors of positive density, (N, Z)."""
        return latents

    def truncate(self, factor: float) -> "Prior":
        """Return a prior of more typical latent vectors, for a factor below 1.

        Raises:
            InputError: No latent vector of this prior is more typical than another.
        """
        if factor == 1.0:
            return self
        raise InputError(
            f"--truncation {factor:g}: this run's prior has no typical latent vectors to prefer; "
            "leave it out"
        )

    def interpolate(self, start: np.ndarray, end: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Return a path of typical latent vectors between two, by default a great circle.

        Args:
            start: float (Z,).
            end: float (Z,).
            shares: Places on the path, 0 (start) to 1 (end), (S,).

        Returns:
            (S, Z).
        """
        return great_circle(start, end, shares)


@dataclass(frozen=True)
class Normal(Prior):
    """Independent normal coordinates of mean 0.

    Attributes:
        deviation: Their standard deviation.

    Example:
        >>> Normal().sample(16, 64, seed=0).shape
        (16, 64)
    """

    deviation: float = 1.0

    def sample(self, count, size, seed):
        return random(seed).normal((count, size), self.deviation)

    def log_prob(self, latents):
        return log_normal(latents, self.deviation)

    def truncate(self, factor):
        """Scale the deviation, which keeps the image of each seed recognizable.

        Deviation: Brock et al. 2019, section 3.1, draw coordinates beyond a
        threshold again. `Truncated` is that distribution.
        """
        return Normal(factor * self.deviation)


@dataclass(frozen=True)
class Spherical(Prior):
    """The uniform distribution on the sphere of radius sqrt(Z), near which normal latents lie.

    Its density is that on the surface; `log_prob` is minus infinity elsewhere.
    White 2016, Sampling Generative Networks, section 2.1.

    Example:
        >>> np.linalg.norm(Spherical().sample(1, 64, seed=0))
        8.0
    """

    def sample(self, count, size, seed):
        return self.constrain(random(seed).normal((count, size), 1.0))

    def log_prob(self, latents):
        lib, size = library(latents), latents.shape[-1]
        area = math.log(2.0) + size / 2 * math.log(math.pi) - math.lgamma(size / 2)
        area += (size - 1) / 2 * math.log(size)
        error = lib.abs(lib.mean(lib.square(latents), axis=-1) - 1.0)
        return lib.where(error < ON_SPHERE, -area, -math.inf)

    def constrain(self, latents):
        lib = library(latents)
        squares = lib.mean(lib.square(latents), axis=-1, keepdims=True)
        return latents / lib.sqrt(squares)


@dataclass(frozen=True)
class Truncated(Prior):
    """Independent normal coordinates within a threshold (Brock et al. 2019, section 3.1).

    Attributes:
        threshold: Largest absolute value of a coordinate. The standard deviation
            before the truncation is 1.

    Example:
        >>> np.abs(Truncated().sample(1000, 64, seed=0)).max() <= 2.0
        True
    """

    threshold: float = 2.0

    def sample(self, count, size, seed):
        source = random(seed)
        return self.constrain(self._from_uniform(source.uniform((count, size)), source.erfinv))

    def log_prob(self, latents):
        lib = library(latents)
        inside = lib.all(lib.abs(latents) <= self.threshold, axis=-1)
        density = log_normal(latents, 1.0) - latents.shape[-1] * math.log(self._mass)
        return lib.where(inside, density, -math.inf)

    def constrain(self, latents):
        return library(latents).clip(latents, -self.threshold, self.threshold)

    def truncate(self, factor):
        return Truncated(factor * self.threshold)

    def interpolate(self, start, end, shares):
        """Follow a great circle of the normal vectors that have the same quantiles."""
        from scipy import special

        uniform = special.erf(np.stack([start, end]) / math.sqrt(2.0)) / self._mass
        most = 1.0 - 1e-7  # of a normal vector's quantiles
        start, end = math.sqrt(2.0) * special.erfinv(np.clip(uniform, -most, most))
        path = special.erf(great_circle(start, end, shares) / math.sqrt(2.0))
        return self.constrain(self._from_uniform(path, special.erfinv))

    @property
    def _mass(self) -> float:
        """The probability of a normal number within the threshold."""
        return math.erf(self.threshold / math.sqrt(2.0))

    def _from_uniform(self, uniform: Latents, erfinv: Callable) -> Latents:
        """Map uniform numbers in (-1, 1) to the normal numbers of the same quantiles."""
        return math.sqrt(2.0) * erfinv(self._mass * uniform)


@dataclass(frozen=True)
class Mixture(Prior):
    """Normal distributions of equal weight around fixed means.

    The means lie in random directions from the origin. With the defaults the mean
    square of a coordinate is 1, and the components hardly overlap: their distance
    is 1.13 sqrt(Z), their radius 0.6 sqrt(Z). Deviation: Ben-Yosef and Weinshall
    2018, section 3.1.1, draw the means from a cube.

    Attributes:
        components: Number of means.
        radius: Root mean square of a mean's coordinates.
        deviation: Standard deviation of each coordinate around its mean.

    Example:
        >>> Mixture().means(64).shape
        (10, 64)
    """

    components: int = 10
    radius: float = 0.8
    deviation: float = 0.6

    def means(self, size: int) -> np.ndarray:
        """Return the means, float32 (components, size)."""
        return np.float32(self.radius) * Spherical().sample(self.components, size, seed=0)

    def sample(self, count, size, seed):
        source = random(seed)
        means = source.library.take(self.means(size), source.below(count, self.components), axis=0)
        return means + source.normal((count, size), self.deviation)

    def log_prob(self, latents):
        lib = library(latents)
        each = log_normal(latents[:, None] - self.means(latents.shape[-1]), self.deviation)
        most = lib.max(each, axis=1)  # (N,), of (N, components)
        total = lib.sum(lib.exp(each - most[:, None]), axis=1)
        return most + lib.log(total) - math.log(self.components)

    def truncate(self, factor):
        return dataclasses.replace(self, deviation=factor * self.deviation)

    def interpolate(self, start, end, shares):
        """Follow great circles of the means and, around them, of the deviations."""
        means = self.means(len(start))
        near = [means[((means - x) ** 2).sum(axis=1).argmin()] for x in (start, end)]
        around = great_circle(start - near[0], end - near[1], shares)
        return great_circle(*near, shares) + around


@dataclass(frozen=True)
class Wrapped(Prior):
    """Any object with `sample` and `log_prob` as a prior; made by `as_prior`.

    Attributes:
        distribution: With `sample(count, size, seed)`, or as in TensorFlow
            Probability with `sample(sample_shape, seed)` and an `event_shape`.
    """

    distribution: Any

    def sample(self, count, size, seed):
        draw = self.distribution.sample
        if "size" in inspect.signature(draw).parameters:
            return draw(count, size, seed)
        shape = (count,) if tuple(self.distribution.event_shape) else (count, size)
        return draw(shape, seed=stateless(seed))

    def log_prob(self, latents):
        found = self.distribution.log_prob(latents)
        return library(found).sum(found, axis=-1) if len(found.shape) > 1 else found


PRIORS: dict[str, Prior] = {
    "normal": Normal(),
    "spherical": Spherical(),
    "truncated": Truncated(),
    "mixture": Mixture(),
}


def as_prior(distribution: Any) -> Prior:
    """Return a `Prior`, or any object with `sample` and `log_prob` wrapped as one.

    Args:
        distribution: Its `sample` takes `(count, size, seed)`. A `sample` without an
            argument `size` is called as in TensorFlow Probability: with a shape,
            which includes the size if the distribution is one of scalars.

    Raises:
        InputError: It lacks one of the two methods.

    Example:
        >>> as_prior(tfp.distributions.Laplace(0.0, 1.0)).sample(16, 64, seed=0).shape
        TensorShape([16, 64])
    """
    if isinstance(distribution, Prior):
        return distribution
    for name in ("sample", "log_prob"):
        if not callable(getattr(distribution, name, None)):
            raise InputError(
                f"prior: expected an object with the methods sample and log_prob, got "
                f"{type(distribution).__name__} without {name}"
            )
    return Wrapped(distribution)
