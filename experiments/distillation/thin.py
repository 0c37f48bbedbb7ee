"""A thinner VGG-19: each convolution after the first becomes two of lower rank."""

from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow as tf

from experiments.distillation.training import Student, relative_error
from style_transfer.extractors import Extractor
from style_transfer.vgg import POOLING, vgg_features

RANKS = {"relu1_2": 32, "relu2_1": 64, "relu2_2": 64, "relu3_1": 96}


def thin(
    arrays: Mapping[str, np.ndarray],
    source: Iterator[np.ndarray],
    count: int,
    ranks: Mapping[str, int] = RANKS,
) -> dict[str, np.ndarray]:
    """Split the convolutions of a VGG by the principal components of their responses.

    With P the principal components of the responses W x to `count` batches and m
    their mean, W x is about P P^T (W x - m) + m. Zhang et al. 2016, Accelerating
    Very Deep Convolutional Networks for Classification and Detection, section 3.1.

    Args:
        arrays: The teacher, in the form of `style_transfer.vgg.vgg_features`.
        source: Batches of images, float32 (B, H, W, 3) in [0, 1].
        count: Batches to use.
        ranks: Layers to split, from fine to coarse, and their ranks.

    Returns:
        The arrays of the thinner network, without the layers beyond.
    """
    layers = ("relu1_1", *ranks)
    kept = {
        key: values for key, values in arrays.items() if key.split("/")[0] in ("input", *layers)
    }
    weights = {name: tf.constant(values, "float32") for name, values in kept.items()}

    @tf.function
    def responses(images: tf.Tensor) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
        """Mean and second moment of the convolutions before bias and ReLU."""
        features, found = vgg_features(images, weights), {}
        for before, layer in zip(layers, ranks, strict=False):
            values = features[before]
            values = POOLING["max"](values) if layer.endswith("_1") else values
            values = tf.nn.conv2d(values, weights[layer], 1, "SAME")
            flat = tf.reshape(values, (-1, values.shape[-1]))  # (B H W, T)
            places = tf.cast(tf.shape(flat)[0], tf.float32)
            second = tf.matmul(flat, flat, transpose_a=True) / places
            found[layer] = (tf.reduce_mean(flat, axis=0), second)
        return found

    seen = [responses(tf.constant(next(source))) for _ in range(count)]
    for layer, rank in ranks.items():
        mean, second = (
            np.mean([batch[layer][which].numpy() for batch in seen], axis=0) for which in (0, 1)
        )
        _, vectors = np.linalg.eigh(second - np.outer(mean, mean))
        parts = vectors[:, -rank:].astype(np.float32)  # (T, rank)
        kept[f"{layer}/bias"] = arrays[f"{layer}/bias"] + mean - parts @ (parts.T @ mean)
        kept[f"{layer}/mix"] = parts.T[None, None]  # (1, 1, rank, T)
        kept[layer] = arrays[layer] @ parts  # (3, 3, C, rank)
    return kept


class ThinStudent(Student):
    """Trains the thinner network as a whole.

    Args:
        arrays: Its weights at the start.
        teacher: Its activations are predicted.
        dtype: Of the convolutions.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], teacher: Extractor, dtype: str):
        super().__init__()
        self.teacher, self.convolution_dtype = teacher, dtype
        self.arrays = {
            name: self.add_weight(
                shape=values.shape,
                initializer=lambda shape, dtype=None, values=values: tf.constant(values, dtype),
                trainable=not name.startswith("input"),
                name=name.replace("/", "_"),
            )
            for name, values in arrays.items()
        }
        self.built = True

    def errors(self, prepared: tf.Tensor) -> dict[str, tf.Tensor]:
        weights = {
            name: tf.cast(
                array.value, "float32" if name.startswith("input") else self.convolution_dtype
            )
            for name, array in self.arrays.items()
        }
        wanted = self.teacher(prepared)
        return {
            layer: relative_error(values, wanted[layer].values)
            for layer, values in vgg_features(prepared, weights).items()
        }
