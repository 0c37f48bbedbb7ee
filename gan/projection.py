"""Search of the latent vectors whose images are nearest to given images.

Many latent vectors per image are optimized by gradient descent through the
generator, because a single one ends in a local minimum. Karras et al. 2020,
StyleGAN2, appendix D, optimize one vector of the intermediate latent space,
which a DCGAN does not have, for 1,000 steps.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from common import images as image_io
from common.priors import Prior
from gan.generate import draw, draw_latents, labels_in_turn
from gan.projection_loss import Descent, Objective, Settings

POOL = 1024  # random latent vectors from which the starts are chosen
POOL_PER_CLASS = 32  # of a class-conditional generator, at least
PIXELS = 64 * 32 * 32 * 16  # generated per step at most: 64 starts of 16 images of 32x32
FRAMES_EVERY = 10  # steps
DEFAULT = Settings()


def batch_size(height: int, width: int, starts: int) -> int:
    """Return how many images are searched for at once, so that memory and time stay bounded.

    Example:
        >>> batch_size(32, 32, 64), batch_size(128, 128, 64)
        (16, 1)
    """
    return max(1, PIXELS // (height * width * starts))


@dataclass(frozen=True)
class Projection:
    """The latent vector found for an image.

    Attributes:
        latent: float32 (Z,).
        label: Class number; 0 for an unconditional generator.
        image: Its image, uint8 (H, W, C).
        pixel_error: Mean absolute difference of the pixels, which are in [0, 1].
        frames: Best images during the search, uint8 (F, H, W, C).
    """

    latent: np.ndarray
    label: int
    image: np.ndarray
    pixel_error: float
    frames: np.ndarray


class Search:
    """The search for the latent vectors of a batch of images, which can be continued.

    Attributes:
        descent: Of the latent vectors that are left.
        screening: Whether these are all starts.
        frames: The best images (N, H, W, C) after every `FRAMES_EVERY` steps.

    Example:
        >>> search = Search(generator, prior, targets, classes=0)
        >>> while search.done < search.settings.steps:
        ...     search.step()
        >>> search.results()[0].latent.shape
        (64,)
    """

    def __init__(
        self,
        generator: keras.Model,
        prior: Prior,
        targets: np.ndarray,
        *,
        classes: int,
        label: int | None = None,
        seed: int = 0,
        settings: Settings = DEFAULT,
    ):
        """Choose the starts: of a pool of random latents, those with the nearest images.

        Args:
            generator: A stock model of latents [and labels] to images in [-1, 1].
            prior: Distribution of the latents.
            targets: uint8 (N, H, W, C).
            classes: Number of classes that the generator is conditioned on; 0: none.
            label: Class of all images. None: any, chosen with the start.
            seed: Seed of the pool.
            settings: How to search.
        """
        self.generator, self.targets, self.settings = generator, targets, settings
        self.objective = Objective(generator, prior, targets, settings)
        count = max(POOL, settings.starts, POOL_PER_CLASS * (classes if label is None else 1))
        latents = draw_latents(count, generator.inputs[0].shape[-1], seed, prior)
        labels = labels_in_turn(count, classes)
        if label is not None:
            labels[:] = label
        near = nearest(targets, draw(generator, latents, labels), settings.starts)  # (N, S)
        self.frames: list[np.ndarray] = []
        self._descend(latents[near], labels[near], screening=True)

    def _descend(self, latents: np.ndarray, labels: np.ndarray, screening: bool) -> None:
        rate: Any = self.settings.learning_rate
        if not screening:
            left = self.settings.steps - self.settings.screening
            rate = keras.optimizers.schedules.CosineDecay(rate, left)
        self.screening = screening
        self.descent = Descent(self.objective, latents, labels, rate)

    @property
    def done(self) -> int:
        """Steps of Adam so far."""
        before = 0 if self.screening else self.settings.screening
        return before + int(self.descent.optimizer.iterations.numpy())

    def step(self) -> None:
        """Make one step, keep the best latent vectors after the screening, and draw a frame."""
        if len(self.frames) <= self.done // FRAMES_EVERY:
            self.frames.append(self._best()[0])
        if self.screening and self.done >= self.settings.screening:
            self._descend(*self._of_lowest_loss(self.settings.kept), screening=False)
        self.descent.step()

    def _of_lowest_loss(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        order = np.argsort(self.descent.losses(), axis=1, kind="stable")[:, :count]  # (N, count)
        latents = np.take_along_axis(self.descent.latents.numpy(), order[..., None], axis=1)
        return latents, np.take_along_axis(self.descent.labels, order, axis=1)

    def _best(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the best images (N, H, W, C), their latents (N, Z) and labels (N,)."""
        latents, labels = self._of_lowest_loss(1)
        images = draw(self.generator, latents[:, 0], labels[:, 0])
        return images, latents[:, 0], labels[:, 0]

    def state(self) -> dict[str, np.ndarray]:
        """Return what `restore` needs, as arrays."""
        arrays = {f"variable{n}": v.numpy() for n, v in enumerate(self.descent.variables)}
        frames = np.asarray(self.frames, np.uint8)  # (F, N, H, W, C)
        rest = {"labels": self.descent.labels, "screening": np.asarray(self.screening)}
        return {**arrays, **rest, "frames": frames}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue from what `state` returned for the same images and settings."""
        self._descend(state["variable0"], state["labels"], screening=bool(state["screening"]))
        for number, variable in enumerate(self.descent.variables):
            variable.assign(state[f"variable{number}"])
        self.frames = list(state["frames"])

    def results(self) -> list[Projection]:
        """Return the best latent vector of each image."""
        images, latents, labels = self._best()
        errors = image_io.to_unit(images) - image_io.to_unit(self.targets)
        errors = np.mean(np.abs(errors), axis=(1, 2, 3))
        frames = np.stack([*self.frames, images], axis=1)  # (N, F, H, W, C)
        parts = zip(latents, labels, images, errors, frames, strict=True)
        return [
            Projection(latent, int(label), image, float(error), shown)
            for latent, label, image, error, shown in parts
        ]


def nearest(targets: np.ndarray, pool: np.ndarray, count: int) -> np.ndarray:
    """Find the images whose small versions differ least from those of the targets.

    Args:
        targets: uint8 (N, H, W, C).
        pool: uint8 (P, H, W, C).
        count: Number of images, S, at most P.

    Returns:
        Their indices in the pool, (N, S), the nearest first.
    """

    def small(images: np.ndarray) -> np.ndarray:
        side = [max(1, length // 2) for length in images.shape[1:3]]
        resized = tf.image.resize(image_io.to_unit(images), side, "area")
        return np.asarray(resized).reshape(len(images), -1)

    wanted, offered = small(targets), small(pool)
    distances = ((wanted[:, None] - offered) ** 2).mean(axis=2)  # (N, P)
    return np.argsort(distances, axis=1, kind="stable")[:, :count]
