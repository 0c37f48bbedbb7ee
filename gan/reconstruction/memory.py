"""A memory of codes in front of a generator: from latent vectors to codes of real images.

Codes of an encoder are not quite normally distributed, so images of normal
latent vectors would be worse than reconstructions. The memory maps latent
vectors to codes by optimal transport, as AE-OT does (An et al. 2020, AE-OT: A New
Generative Model Based on Extended Semi-Discrete Optimal Transport): code i is
chosen where <z, c_i> + b_i is the largest, with biases b_i for which every code is
chosen equally often.

Deviation: a softmax takes the place of the maximum, so that the way from one code
to the next is smooth; An et al. interpolate between the corners of cells.

It consists of stock Keras layers, attention over fixed keys and values, so that an
exported generator contains it and takes normal latent vectors as any other.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from common.priors import Prior
from gan.networks.base import ImageSpec

MEMORY = ("memory_keys", "memory_labels", "memory_values")  # names of the layers with weights
NEVER = np.float32(-1e9)  # bias of an entry without a code, and of one with another label
DRAWS = 4096  # latent vectors, at least, that balance the biases
CHUNK = 1024  # of them at once
FIRST_STEPS, STEPS = 40, 6  # of the biases, the first time and later
EMPTY = 1e-4  # smallest share of an entry, relative to an equal share


def with_memory(
    generator: keras.Model, spec: ImageSpec, entries: int, temperature: float
) -> keras.Model:
    """Put an empty memory in front of a generator.

    Args:
        generator: Codes (B, Z) [and labels (B,)] to images.
        spec: Its `classes` are used if the generator takes labels.
        entries: Number of codes that fit, K.
        temperature: Of the softmax.

    Returns:
        A model of latents (B, Z) [and labels (B,)] to images. The memory's weights do
        not train; `fill` sets them.

    Example:
        >>> model = with_memory(generator, ImageSpec(64, 64, 3), 4096, 0.5)
        >>> model.get_layer("memory_keys").kernel.shape
        (64, 4096)
    """
    size = generator.inputs[0].shape[-1]
    latent = keras.Input((size,), name="latent")
    inputs, exact = latent, {"dtype": "float32", "trainable": False}
    scores = layers.Dense(entries, kernel_initializer="zeros", name="memory_keys", **exact)(latent)
    label = None
    if len(generator.inputs) > 1:
        label = keras.Input((), dtype="int32", name="label")
        inputs = [latent, label]
        own = layers.Embedding(
            spec.classes, entries, embeddings_initializer="zeros", name="memory_labels", **exact
        )(label)
        scores = layers.Add(dtype="float32")([scores, own])
    scores = layers.Rescaling(1.0 / temperature, dtype="float32", name="memory_scale")(scores)
    share = layers.Softmax(dtype="float32", name="memory_shares")(scores)  # (B, K)
    code = layers.Dense(
        size, use_bias=False, kernel_initializer="zeros", name="memory_values", **exact
    )(share)
    images = generator(code if label is None else [code, label])
    return keras.Model(inputs, images, name="generator_with_memory")


def decoder(generator: keras.Model) -> keras.Model:
    """Return the network from codes to images within a generator with a memory."""
    (found,) = (layer for layer in generator.layers if isinstance(layer, keras.Model))
    return found


def has_memory(generator: keras.Model) -> bool:
    """Return whether a generator has a memory."""
    return MEMORY[0] in [layer.name for layer in generator.layers]


def copy(source: keras.Model, target: keras.Model) -> None:
    """Copy the memory of a generator, but no other weights, to another generator."""
    for layer in source.layers:
        if layer.name in MEMORY:
            target.get_layer(layer.name).set_weights(layer.get_weights())


def fill(
    generator: keras.Model,
    codes: np.ndarray,
    labels: np.ndarray,
    prior: Prior,
    seed: int,
) -> None:
    """Remember codes, and balance how often they are chosen, those of each label by themselves.

    The biases go on from those that the memory has. Latent vectors are as many as the
    codes of a label or more, so beyond `DRAWS` codes the time grows with their square.

    Args:
        generator: From `with_memory`.
        codes: float32 (N, Z), N at most the number of entries.
        labels: int32 (N,), of the codes.
        prior: Distribution of the latent vectors.
        seed: Of the latent vectors that balance the biases.
    """
    keys, values = generator.get_layer("memory_keys"), generator.get_layer("memory_values")
    entries, (used, size) = keys.units, codes.shape
    stored = np.zeros((entries, size), np.float32)
    stored[:used] = codes
    groups = [np.arange(used)]
    if len(generator.inputs) > 1:
        own = generator.get_layer("memory_labels")
        table = np.full((own.input_dim, entries), NEVER)
        table[labels, np.arange(used)] = 0.0
        own.embeddings.assign(table)
        groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    first = not np.any(values.kernel.numpy())
    biases = np.full(entries, NEVER)
    biases[:used] = -0.5 * np.sum(np.square(codes), axis=1) if first else keys.bias.numpy()[:used]
    draws = max(DRAWS, *map(len, groups))
    latents = np.asarray(prior.sample(draws, size, seed), np.float32)
    temperature = 1.0 / generator.get_layer("memory_scale").scale
    for group in groups:
        steps = FIRST_STEPS if first else STEPS
        biases[group] = balanced(latents, codes[group], biases[group], temperature, steps)
    keys.kernel.assign(stored.T)
    keys.bias.assign(biases)
    values.kernel.assign(stored)


def balanced(
    draws: np.ndarray, codes: np.ndarray, biases: np.ndarray, temperature: float, steps: int
) -> tf.Tensor:
    """Find biases with which all codes have equal shares.

    Sinkhorn's iteration for entropic optimal transport (Cuturi 2013, Sinkhorn
    Distances, algorithm 1) from draws to codes.

    Args:
        draws: Latent vectors, float32 (M, Z).
        codes: float32 (N, Z).
        biases: float32 (N,), to start from.
        temperature: Of the softmax.
        steps: Number of iterations.

    Returns:
        (N,), with a mean of 0.

    Example:
        >>> balanced(np.ones((2, 1)), np.array([[1.0], [0.0]]), np.zeros(2), 1.0, 20).numpy()
        array([-0.5,  0.5])
    """
    for _ in range(steps):
        shares = tf.zeros_like(biases)
        for start in range(0, len(draws), CHUNK):
            scores = tf.matmul(draws[start : start + CHUNK], codes, transpose_b=True) + biases
            shares += tf.reduce_sum(tf.nn.softmax(scores / temperature), axis=0)
        relative = tf.maximum(shares * (len(codes) / len(draws)), EMPTY)
        biases -= temperature * tf.math.log(relative)
    return biases - tf.reduce_mean(biases)
