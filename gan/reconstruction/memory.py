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

DECODER = "generator"  # name of the layer that holds the network without the memory
NEVER = -1e9  # bias of an entry without a code, and of one with another label
DRAWS = 4096  # latent vectors that balance the biases
FIRST_STEPS, STEPS = 40, 6  # of the biases, the first time and later
EMPTY = 1e-4  # smallest share of an entry, relative to an equal share


def with_memory(
    generator: keras.Model, spec: ImageSpec, entries: int, temperature: float
) -> keras.Model:
    """Put an empty memory in front of a generator.

    Args:
        generator: Codes (B, Z) [and labels (B,)] to images.
        spec: Of the images.
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
    if spec.classes:
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
    return generator.get_layer(DECODER)


def has_memory(generator: keras.Model) -> bool:
    """Return whether a generator has a memory."""
    return "memory_keys" in [layer.name for layer in generator.layers]


def fill(
    generator: keras.Model,
    codes: np.ndarray,
    labels: np.ndarray,
    prior: Prior,
    seed: int,
) -> None:
    """Remember codes, and balance how often they are chosen.

    The biases go on from those that the memory has.

    Args:
        generator: From `with_memory`.
        codes: float32 (N, Z), N at most the number of entries.
        labels: int32 (N,), of the codes.
        prior: Distribution of the latent vectors.
        seed: Of the latent vectors that balance the biases.
    """
    keys, values = generator.get_layer("memory_keys"), generator.get_layer("memory_values")
    entries, used = keys.units, len(codes)
    stored = np.zeros((entries, codes.shape[1]), np.float32)
    stored[:used] = codes
    first = not np.any(values.kernel.numpy())
    biases = -0.5 * np.sum(np.square(codes), axis=1) if first else keys.bias.numpy()[:used]
    allowed = np.ones((1, used), bool)
    owners = np.zeros(DRAWS, np.int32)
    if len(generator.inputs) > 1:
        own = generator.get_layer("memory_labels")
        allowed = np.arange(own.input_dim)[:, None] == labels[None]  # (classes, N)
        table = np.full((own.input_dim, entries), NEVER, np.float32)
        table[:, :used] = np.where(allowed, 0.0, NEVER)
        own.embeddings.assign(table)
        owners = labels[np.arange(DRAWS) % used]
    latents = np.asarray(prior.sample(DRAWS, codes.shape[1], seed), np.float32)
    temperature = 1.0 / generator.get_layer("memory_scale").scale
    found = balanced(
        tf.constant(latents @ codes.T + np.where(allowed[owners], 0.0, NEVER), tf.float32),
        tf.constant(biases, tf.float32),
        temperature,
        FIRST_STEPS if first else STEPS,
    )
    keys.kernel.assign(stored.T)
    keys.bias.assign(np.concatenate([found.numpy(), np.full(entries - used, NEVER, np.float32)]))
    values.kernel.assign(stored)


def balanced(scores: tf.Tensor, biases: tf.Tensor, temperature: float, steps: int) -> tf.Tensor:
    """Find biases with which all entries have equal shares.

    Sinkhorn's iteration for entropic optimal transport (Cuturi 2013, Sinkhorn
    Distances, algorithm 1) from draws to entries.

    Args:
        scores: (M, N), of each draw for each entry.
        biases: (N,), to start from.
        temperature: Of the softmax.
        steps: Number of iterations.

    Returns:
        (N,), with a mean of 0.

    Example:
        >>> scores = tf.constant([[1.0, 0.0], [1.0, 0.0]])
        >>> balanced(scores, tf.zeros(2), 1.0, 20).numpy()
        array([-0.5,  0.5], dtype=float32)
    """
    for _ in range(steps):
        shares = tf.reduce_mean(tf.nn.softmax((scores + biases) / temperature), axis=0)
        relative = tf.maximum(shares * biases.shape[0], EMPTY)
        biases -= temperature * tf.math.log(relative)
    return biases - tf.reduce_mean(biases)
