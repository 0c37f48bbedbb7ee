"""A small network that learns a dataset's classes, for its features."""

import math
import time

import keras
import numpy as np

from common import images as image_io
from common.fast.xla import compile_options
from gan.data.base import ImageDataset
from gan.resolution import Resolution, pair

HELD_OUT = 10  # every 10th image of a random order is held out for validation


def build_classifier(resolution: Resolution, channels: int, classes: int) -> keras.Model:
    """Build three convolutions and a layer of 128 features.

    Args:
        resolution: Side of a square or (height, width), at least 8 pixels each.
        channels: Channels of the images.
        classes: Number of classes.

    Returns:
        A model of images (N, H, W, C) in [-1, 1] to features (N, 128) and logits
        (N, classes).
    """
    layers = keras.layers
    inputs = keras.Input((*pair(resolution), channels))
    x = inputs
    while min(x.shape[1:3]) > 32:
        x = layers.AveragePooling2D(2)(x)
    for width in (32, 64, 128):
        start = keras.initializers.HeNormal(seed=width)
        x = layers.Conv2D(width, 3, padding="same", activation="relu", kernel_initializer=start)(x)
        x = layers.MaxPooling2D(2)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.Dropout(0.3, seed=0)(layers.Flatten()(x))
    start = keras.initializers.GlorotUniform(seed=0)
    features = layers.Dense(128, "relu", kernel_initializer=start, name="features")(x)
    logits = layers.Dense(classes, kernel_initializer=start, name="logits")(features)
    return keras.Model(inputs, [features, logits])


class _Batches(keras.utils.PyDataset):
    """Batches of one size in a new random order for each epoch."""

    def __init__(self, dataset: ImageDataset, index: np.ndarray, size: int):
        super().__init__()
        self.dataset, self.index, self.size = dataset, index, min(size, len(index))
        self.random = np.random.default_rng(0)
        self.on_epoch_end()

    def __len__(self) -> int:
        return len(self.index) // self.size

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self.order[number * self.size : (number + 1) * self.size]
        return image_io.to_signed(self.dataset.images[chosen]), self.dataset.labels[chosen]

    def on_epoch_end(self) -> None:
        self.order = self.random.permutation(self.index)


class _TimeLimit(keras.callbacks.Callback):
    """End training after some seconds."""

    def __init__(self, seconds: float):
        super().__init__()
        self.end = time.perf_counter() + seconds

    def on_train_batch_end(self, batch, logs=None):
        if time.perf_counter() > self.end:
            self.model.stop_training = True


def train_classifier(network: keras.Model, dataset: ImageDataset, seconds: float) -> float:
    """Train a classifier by Adam on the cross-entropy, for three epochs, or more if they are small.

    Args:
        network: As of `build_classifier`; its weights change.
        dataset: Labelled images, at least 2; a random tenth is held out, because
            the order of files may follow the classes.
        seconds: Training time at most.

    Returns:
        Accuracy on at most 5,000 held-out images, in [0, 1].
    """
    order = np.random.default_rng(0).permutation(len(dataset))
    held_out, train = np.split(order, [max(1, len(dataset) // HELD_OUT)])
    model = keras.Model(network.inputs, network.outputs[1])
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        **compile_options(False),
    )
    model.fit(
        _Batches(dataset, train, size=64),
        epochs=max(3, math.ceil(20_000 / len(train))),
        callbacks=[_TimeLimit(seconds)],
        shuffle=False,  # the batches are
        verbose=0,
    )
    held_out = held_out[:5000]
    images = image_io.to_signed(dataset.images[held_out])
    logits = model.predict(images, batch_size=256, verbose=0)  # (N, classes)
    return float((logits.argmax(axis=1) == dataset.labels[held_out]).mean())
