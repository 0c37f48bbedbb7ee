"""Latent codes and features of a trained generator's images, for TensorBoard's Projector tab."""

from pathlib import Path

import keras
import numpy as np

from common.embeddings import Embedding, principal_components, write_embeddings
from common.priors import PRIORS, Prior
from gan.data.base import ImageDataset
from gan.generate import draw, draw_latents, labels_in_turn
from gan.metrics.reference import ReferenceStatistics


class Projector(keras.callbacks.Callback):
    """Write latent codes and embedded features to the run's folder when training ends.

    Generated and real images lie in one space of features: where the generated
    ones leave real ones alone, a kind of image is missing.
    """

    COUNT = 256  # images of either set
    COMPONENTS = 50  # of the features; fewer numbers load faster and are as near to each other

    def __init__(
        self,
        folder: Path,
        dataset: ImageDataset,
        classes: int,
        reference: ReferenceStatistics | None,
        latent_size: int,
        prior: Prior = PRIORS["normal"],
    ):
        """Choose the latent vectors.

        Args:
            folder: The run's folder.
            dataset: Real images and the names of their classes.
            classes: Number of classes that the generator is conditioned on; 0: none.
            reference: Real images with their features; None: latent codes only.
            latent_size: Dimensionality of the latent vectors.
            prior: Distribution of the latent vectors.
        """
        super().__init__()
        self.folder, self.reference = folder, reference
        self.latents = draw_latents(self.COUNT, latent_size, 0, prior)
        self.labels = labels_in_turn(self.COUNT, classes)
        self.names = dataset.class_names
        self.conditional = classes > 0

    def on_train_end(self, logs=None):
        images = draw(self.model.ema_generator, self.latents, self.labels)
        write_embeddings(self.folder, [*self._features(images), self._codes(images)])

    def _codes(self, images: np.ndarray) -> Embedding:
        columns = {"class": self._named(self.labels)} if self.conditional else {}
        numbers = range(len(images))
        return Embedding("latent_codes", self.latents, {**columns, "number": numbers}, images)

    def _features(self, images: np.ndarray) -> list[Embedding]:
        if self.reference is None:
            return []
        real = self.reference.images[: self.COUNT]
        features = np.concatenate(
            [self.reference.features[: len(real)], self.reference.features_of.extract(images)]
        )
        columns = {
            "kind": ["real"] * len(real) + ["generated"] * len(images),
            "number": [*range(len(real)), *range(len(images))],
        }
        if self.names:
            known = self._named(self.labels) if self.conditional else ["-"] * len(images)
            columns["class"] = [*self._named(self.reference.labels[: len(real)]), *known]
        return [
            Embedding(
                "real_and_generated",
                principal_components(features, self.COMPONENTS),
                columns,
                np.concatenate([real, images]),
            )
        ]

    def _named(self, labels: np.ndarray) -> list[str]:
        return [self.names[label] for label in labels]
