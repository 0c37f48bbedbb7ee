"""The mapping network of a style-based generator, and truncation in its space.

Karras et al. 2019, A Style-Based Generator Architecture, section 2 and appendix B.
"""

import keras
import numpy as np
from keras import ops

from common.errors import InputError
from common.priors import PRIORS, Prior
from gan.networks.base import MAPPED

COUNT = 4096  # latent vectors whose w are averaged
SEED = 0  # of these


def has_mapping(generator: keras.Model) -> bool:
    """Return whether a generator has a mapping network.

    Args:
        generator: A functional model.
    """
    return MAPPED in [layer.name for layer in generator.layers]


def split(generator: keras.Model) -> tuple[keras.Model, keras.Model]:
    """Cut a generator behind its mapping network.

    Args:
        generator: A functional model of latents (N, Z) [and labels] to images.

    Returns:
        Two models that share its weights: the same inputs to w (N, W), and w to
        images.

    Raises:
        InputError: It has no mapping network.

    Example:
        >>> mapping, synthesis = split(generator)
        >>> images = synthesis(mapping(latents))
    """
    if not has_mapping(generator):
        raise InputError(
            "truncation of w: this generator has no mapping network\n"
            "train one with --networks style_based, or truncate the latent vectors: "
            "PRIORS[name].truncate"
        )
    w = generator.get_layer(MAPPED).output
    return keras.Model(generator.input, w), keras.Model(w, generator.outputs[-1])


def truncate(
    generator: keras.Model, factor: float, prior: Prior = PRIORS["normal"], classes: int = 0
) -> keras.Model:
    """Move the mapped latent vectors w of a generator towards their mean.

    w' = m + factor (w - m): more typical, less varied images. Deviation: m is the
    mean of `COUNT` seeded latent vectors, not a moving average of the training, and
    of a conditional generator the mean of each class.

    Args:
        generator: A functional model of latents (N, Z) [and labels] to images.
        factor: 1 changes nothing, 0 gives the mean image.
        prior: Distribution of the latents.
        classes: Number of classes of a conditional generator.

    Returns:
        A model of the same inputs to images.

    Raises:
        InputError: The generator has no mapping network.

    Example:
        >>> generator, class_names = load_generator(Path("runs/emoji"))
        >>> images = draw(truncate(generator, 0.7), latents, labels)
    """
    mapping, synthesis = split(generator)
    latents = np.asarray(prior.sample(COUNT, mapping.inputs[0].shape[-1], SEED), np.float32)
    if len(generator.inputs) > 1:
        each = [[latents, np.full(COUNT, label, np.int32)] for label in range(classes)]
        means = np.stack([_mean(mapping, given) for given in each])  # (classes, W)
        mean = ops.take(means, generator.inputs[1], axis=0)  # (N, W)
    else:
        mean = _mean(mapping, latents)  # (W,)
    moved = ops.multiply(factor, ops.subtract(mapping(generator.input), mean))
    return keras.Model(generator.input, synthesis(ops.add(moved, mean)), name=generator.name)


def _mean(mapping: keras.Model, inputs) -> np.ndarray:
    return np.asarray(mapping(inputs, training=False), np.float32).mean(axis=0)
