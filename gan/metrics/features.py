"""Pictures to feature vectors, for the distances of `gan.metrics`.

Pictures are uint8 (N, H, W, C); features are float32 (N, D). What the features
were taken with is part of what a distance means, so every extractor has a
name that says it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from common import files, npz
from common import images as image_io
from common.extractors import compact
from gan.data.base import Pictures

SECONDS = 20.0  # that the classifier may take to train on two cores
RESAMPLING = Image.Resampling.BICUBIC
HELD_OUT = 10  # every so manyth picture tells how accurate the classifier is


@dataclass(frozen=True)
class Features:
    """A named map from pictures to vectors.

    Attributes:
        protocol: extractor, layer and resizing in words.
        extract: uint8 (N, H, W, C) to float32 (N, D).
        classify: uint8 (N, H, W, C) to class numbers (N,); None without a classifier.
    """

    protocol: str
    extract: Callable[[np.ndarray], np.ndarray]
    classify: Callable[[np.ndarray], np.ndarray] | None = None


def in_batches(function, images: np.ndarray, size: int = 256) -> np.ndarray:
    """`function` over slices of `images`, put together again; the last slice is padded."""
    found = []
    for start in range(0, len(images), size):
        part = images[start : start + size]
        missing = size - len(part)
        padded = np.concatenate([part, np.repeat(part[-1:], missing, axis=0)]) if missing else part
        found.append(np.asarray(function(padded))[: len(part)])
    return np.concatenate(found)


def build_classifier(resolution: int, channels: int, classes: int) -> keras.Model:
    """Three convolutions and a layer of 128 features: pictures in [-1, 1] to (features, logits)."""
    layers = keras.layers
    inputs = keras.Input((resolution, resolution, channels))
    x = inputs
    while x.shape[1] > 32:
        x = layers.AveragePooling2D()(x)
    for width in (32, 64, 128):
        start = keras.initializers.HeNormal(seed=width)
        x = layers.Conv2D(width, 3, padding="same", activation="relu", kernel_initializer=start)(x)
        x = layers.MaxPooling2D()(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.Dropout(0.3, seed=0)(layers.Flatten()(x))
    start = keras.initializers.GlorotUniform(seed=0)
    features = layers.Dense(128, "relu", kernel_initializer=start, name="features")(x)
    logits = layers.Dense(classes, kernel_initializer=start, name="logits")(features)
    return keras.Model(inputs, [features, logits])


def classifier(pictures: Pictures, cache: Path, seconds: float = SECONDS) -> Features:
    """The penultimate layer of a small network trained on the dataset's own labels.

    Trained once for each dataset, for at most `seconds`, and cached by its
    fingerprint. As everywhere in this module a distance in these features is
    comparable within one dataset and one cached classifier only.
    """
    resolution, channels = pictures.images.shape[2:]
    classes = len(pictures.class_names)
    path = cache / "classifiers" / f"{pictures.fingerprint}-{resolution}px.npz"
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        network = build_classifier(resolution, channels, classes)
    finally:
        keras.config.set_dtype_policy(policy)
    if not path.exists():
        accuracy = _train_classifier(network, pictures, seconds)
        arrays = {f"{n:03d}": value for n, value in enumerate(network.get_weights())}
        with files.atomic_path(path) as temporary:
            np.savez(temporary, accuracy=accuracy, **arrays)
    arrays = npz.read(path)
    accuracy = float(arrays.pop("accuracy"))
    network.set_weights([arrays[name] for name in sorted(arrays)])

    @tf.function
    def both(images):
        return network(tf.cast(images, tf.float32) / 127.5 - 1.0, training=False)

    return Features(
        f"classifier of {pictures.name}'s {classes} classes, {100 * accuracy:.1f} % right on "
        f"held-out pictures, 128 penultimate features at {resolution} px",
        lambda images: in_batches(lambda part: both(part)[0], images),
        lambda images: in_batches(lambda part: both(part)[1], images).argmax(axis=1),
    )


def _train_classifier(network: keras.Model, pictures: Pictures, seconds: float) -> float:
    """Adam on cross-entropy until the time is up or three passes; held-out accuracy in [0, 1]."""
    held = np.arange(len(pictures)) % HELD_OUT == HELD_OUT - 1
    learnt = np.flatnonzero(~held)
    random = np.random.default_rng(0)
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(network.trainable_variables)

    @tf.function(reduce_retracing=True)
    def step(images, labels):
        with tf.GradientTape() as tape:
            logits = network(tf.cast(images, tf.float32) / 127.5 - 1.0, training=True)[1]
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
            )
        variables = network.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)

    started, passes, batch = time.perf_counter(), 0, min(64, len(learnt))
    while passes < 3 or passes * len(learnt) < 20_000:  # of a small set, more passes
        order = random.permutation(learnt)
        for start in range(0, len(order) - batch + 1, batch):
            chosen = np.sort(order[start : start + batch])
            step(pictures.images[chosen], pictures.labels[chosen])
            if time.perf_counter() - started > seconds:
                break
        passes += 1
        if time.perf_counter() - started > seconds:
            break
    images = pictures.images[held][:5000]
    logits = in_batches(
        lambda part: network(part.astype(np.float32) / 127.5 - 1.0, training=False)[1], images
    )
    return float((logits.argmax(axis=1) == pictures.labels[held][:5000]).mean())


def compact_features() -> Features:
    """Channel means of the embedded extractor of style transfer, the last layer on a 2x2 grid."""
    extract = compact.load()

    @tf.function
    def describe(images):
        images = tf.cast(images, tf.float32) / 255.0
        images = tf.repeat(images, 3, axis=3) if images.shape[3] == 1 else images[..., :3]
        found = extract(images)
        means = [
            tf.reduce_mean(found[layer].values, axis=(1, 2)) for layer in ("relu1_1", "relu2_2")
        ]
        grid = tf.image.resize(found["relu3_1"].values, (2, 2), "area")
        return tf.concat([*means, tf.reshape(grid, (images.shape[0], -1))], axis=1)

    return Features(
        "compact: means of relu1_1 and relu2_2, relu3_1 on a 2x2 grid, of the student's own "
        "channels, at the pictures' own size",
        lambda images: in_batches(describe, images),
    )


def inception_features() -> Features:
    """Keras's InceptionV3, 2,048 features; its weights are not those of the graph of 2015.

    Distances are near to, but not comparable with, published FIDs.
    """
    network = keras.applications.InceptionV3(include_top=False, pooling="avg")

    def extract(images: np.ndarray) -> np.ndarray:
        large = []
        for picture in images:
            resized = image_io.as_image(picture).convert("RGB").resize((299, 299), RESAMPLING)
            large.append(np.asarray(resized, np.float32) / 127.5 - 1.0)
        return network(np.stack(large), training=False).numpy()

    return Features(
        "InceptionV3 with Keras's weights (not the 2015 graph), 2048 pooled features, Pillow's "
        "bicubic to 299 px",
        lambda images: in_batches(extract, images, 32),
    )
