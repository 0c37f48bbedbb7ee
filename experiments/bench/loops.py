"""The same networks in other training loops: a bare one, and the TensorFlow tutorial's."""

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from common import fast
from experiments.bench.cases import CASES
from gan.config import NetworkConfig
from gan.data.base import ImageDataset
from gan.model import GAN
from gan.networks import tutorial
from gan.networks.base import ImageSpec


def resident_stream(dataset: ImageDataset, batch_size: int) -> Iterator[Any]:
    """Stream the first four batches of a dataset, in [-1, 1], again and again."""
    images = tf.constant(dataset.images[: 4 * batch_size], tf.float32) / 127.5 - 1.0
    labels = tf.constant(dataset.labels[: 4 * batch_size])
    batches = tf.data.Dataset.from_tensor_slices((images, labels))
    return iter(batches.repeat().batch(batch_size).prefetch(4))


def bare_loop(
    gan: GAN, dataset: ImageDataset, batch_size: int, learning_rate: float
) -> Callable[[int], None]:
    """Build a loop of the same two updates on copies of what a GAN trains, and nothing else.

    Returns:
        A function that runs a number of steps and waits for the last one.
    """
    generator, discriminator = (
        keras.models.clone_model(network)
        for network in (gan.current.generator, gan.current.discriminator)
    )
    conditional, latent_size = gan.conditional, gan.latent_size
    optimizers = [fast.adam("fast")(learning_rate, beta_1=0.5) for _ in range(2)]
    for optimizer, network in zip(optimizers, (generator, discriminator), strict=True):
        optimizer.build(network.trainable_variables)
    stream = resident_stream(dataset, batch_size)

    @tf.function
    def step(real, labels):
        inputs = (lambda x: [x, labels]) if conditional else (lambda x: x)
        latents = tf.random.normal((batch_size, latent_size))
        with tf.GradientTape() as generator_tape:
            fake = generator(inputs(latents), training=True)
        with tf.GradientTape() as tape:
            real_logits = discriminator(inputs(real), training=True)
            fake_logits = discriminator(inputs(tf.stop_gradient(fake)), training=True)
            loss = tf.reduce_mean(tf.nn.softplus(-real_logits) + tf.nn.softplus(fake_logits))
        variables = discriminator.trainable_variables
        optimizers[1].apply(tape.gradient(loss, variables), variables)
        with generator_tape:
            loss = tf.reduce_mean(tf.nn.softplus(-discriminator(inputs(fake), training=True)))
        variables = generator.trainable_variables
        optimizers[0].apply(generator_tape.gradient(loss, variables), variables)
        return loss

    def run(steps: int) -> None:
        for _ in range(steps):
            loss = step(*next(stream))
        float(loss)

    return run


def tutorial_loop(turns: int = 3, steps: int = 8) -> dict[str, object]:
    """Measure images per second of the tutorial's networks in a loop as the tutorial writes it.

    Keras's layers and optimizer, both gradients at one point, a Python loop
    over the batches of a dataset, float32.
    """
    case = CASES["tutorial"]
    spec = ImageSpec(case.resolution, case.resolution, case.channels)
    config = NetworkConfig(name="tutorial", kernels="keras", latent_size=case.latent_size)
    generator = tutorial.build_generator(spec, config)
    discriminator = tutorial.build_discriminator(spec, config)
    adams = [keras.optimizers.Adam(1e-4) for _ in range(2)]
    shape = (4096, case.resolution, case.resolution, case.channels)
    images = np.random.default_rng(0).uniform(-1.0, 1.0, shape).astype(np.float32)
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)

    @tf.function
    def train_step(real):
        latents = tf.random.normal((case.batch_size, case.latent_size))
        with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
            fake = generator(latents, training=True)
            real_logits, fake_logits = (discriminator(x, training=True) for x in (real, fake))
            generator_loss = entropy(tf.ones_like(fake_logits), fake_logits)
            discriminator_loss = entropy(tf.ones_like(real_logits), real_logits)
            discriminator_loss += entropy(tf.zeros_like(fake_logits), fake_logits)
        for network, tape, loss, adam in (
            (generator, generator_tape, generator_loss, adams[0]),
            (discriminator, discriminator_tape, discriminator_loss, adams[1]),
        ):
            variables = network.trainable_variables
            adam.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return generator_loss

    for adam, network in zip(adams, (generator, discriminator), strict=True):
        adam.build(network.trainable_variables)
    dataset = tf.data.Dataset.from_tensor_slices(images).shuffle(len(images))
    stream = iter(dataset.repeat().batch(case.batch_size))
    speeds = []
    for _ in range(turns + 1):
        started = time.perf_counter()
        for _ in range(steps):
            loss = train_step(next(stream))
        float(loss)
        speeds.append(steps * case.batch_size / (time.perf_counter() - started))
    return {"images_per_second": statistics.median(speeds[1:])}
