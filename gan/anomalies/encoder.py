"""f-AnoGAN: an encoder of images to latents of a trained GAN, and the anomaly score.

Schlegl et al. 2019, f-AnoGAN: Fast Unsupervised Anomaly Detection with
Generative Adversarial Networks.
"""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from common import images as image_io
from gan.anomalies.bayesian import BayesianDense
from gan.model import GAN
from gan.networks.base import ImageSpec

KAPPA = 1.0  # weight of the features: Schlegl et al. 2019, section 4.3
NOISE = 0.2  # deviation of a pixel in [-1, 1] from its reconstruction that the likelihood assumes
LEAK = 0.2  # slope of LeakyReLU below zero
KERNEL = 4  # pixels
SMALLEST = 7  # pixels; the convolutions end at this side or below
MAX_WIDENING = 4  # no layer is wider than this many times the base width


class Scores(NamedTuple):
    """Anomaly scores of N images.

    Attributes:
        draws: Score of every draw of the encoder's weights, (S, N).
        heat_maps: Mean absolute difference from the reconstruction, (N, H, W).
        reconstructions: With the mean weights, uint8 (N, H, W, C).
    """

    draws: np.ndarray
    heat_maps: np.ndarray
    reconstructions: np.ndarray


def build_encoder(
    spec: ImageSpec, latent_size: int, examples: int, width: int = 32, seed: int = 0
) -> keras.Model:
    """Build a network from images to latents: strided convolutions and a Bayesian dense layer.

    Its last layer has a normal posterior over its weights, whose prior makes outputs
    like N(0, 1), as the layer's inputs are normalized. The latents are bounded by
    tanh, so that images are reconstructed from the middle of the prior: Schlegl et
    al. 2019, section 3.2.

    Args:
        spec: Shape of the images.
        latent_size: Dimensionality of the latents, Z.
        examples: Number of training images, for the weight of the divergence.
        width: Filters of the first convolution.
        seed: Seed of the draws.

    Returns:
        A model of float32 (B, H, W, C) in [-1, 1] to (B, Z).

    Example:
        >>> build_encoder(ImageSpec(32, 32, 1), 64, examples=400)(tf.zeros((2, 32, 32, 1))).shape
        TensorShape([2, 64])
    """
    inputs = x = keras.Input((spec.height, spec.width, spec.channels), name="image")
    side, level = min(spec.height, spec.width), 0
    while side > SMALLEST:
        filters = width * min(2**level, MAX_WIDENING)
        x = layers.Conv2D(filters, KERNEL, strides=2, padding="same")(x)
        x = layers.LeakyReLU(LEAK)(x)
        side, level = (side + 1) // 2, level + 1
    x = layers.LayerNormalization(name="hidden")(layers.Flatten()(x))  # (B, F)
    # The likelihood's mean squared error, times 2 NOISE^2 / pixels, is the negative log-likelihood
    pixels = spec.height * spec.width * spec.channels
    weight = 2.0 * NOISE**2 / (examples * pixels)
    head = BayesianDense(
        latent_size, divergence_weight=weight, activation="tanh", seed=seed, name="latent"
    )
    return keras.Model(inputs, head(x), name="encoder")


def feature_model(discriminator: keras.Model) -> keras.Model:
    """Cut a discriminator at its layer "features", or the last but one."""
    names = [layer.name for layer in discriminator.layers]
    place = {"name": "features"} if "features" in names else {"index": -2}
    return keras.Model(discriminator.inputs, discriminator.get_layer(**place).output)


class FAnoGAN(keras.Model):
    """An encoder that trains against a fixed generator and discriminator ("izi_f" training).

    With images x, reconstructions y = G(E(x)) and features f of the discriminator,
    the loss is the mean square of x - y plus kappa times that of f(x) - f(y):
    Schlegl et al. 2019, equations 3 and 4, and the divergence of the encoder's last
    layer. The anomaly score is the same sum without the divergence, equation 5.

    Args:
        encoder: Of `build_encoder`.
        gan: Trained, unconditional. Its EMA generator and its discriminator are used.
        kappa: Weight of the features.

    Example:
        >>> model = FAnoGAN(encoder, gan)
        >>> model.compile(keras.optimizers.Adam(1e-3))
        >>> model.fit(images, epochs=100)  # float32 (N, H, W, C) in [-1, 1]
        >>> model.score(new_images, draws=8).draws.mean(axis=0)
    """

    def __init__(self, encoder: keras.Model, gan: GAN, kappa: float = KAPPA):
        super().__init__(name="f_anogan")
        self.encoder, self.kappa = encoder, kappa
        self.generator, self.features = gan.ema_generator, feature_model(gan.discriminator)
        self.real_inputs = gan.real_inputs
        self.generator.trainable = self.features.trainable = False
        self.head = encoder.get_layer("latent")
        self.body = keras.Model(encoder.inputs, encoder.get_layer("hidden").output)
        self.built = True  # or fit() would call the model to build it

    def call(self, images, training=False):
        """Reconstruct images (B, H, W, C) in [-1, 1]."""
        return tf.nest.flatten(self.generator(self.encoder(images, training=training)))[-1]

    def train_step(self, images):
        """Train the encoder on images (B, H, W, C) in [-1, 1]."""
        features = self._features(self.real_inputs(images))  # (B, F)
        with tf.GradientTape() as tape:
            latents = self.encoder(images, training=True)  # (B, Z)
            score, _ = self._compare(images, features, latents)  # (B,)
            divergence = tf.add_n(self.encoder.losses)
            loss = tf.reduce_mean(score) + divergence
        variables = self.encoder.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return {"loss": loss, "score": tf.reduce_mean(score), "divergence": divergence}

    def _features(self, inputs):
        features = self.features(inputs, training=False)
        return tf.cast(tf.reshape(features, (tf.shape(features)[0], -1)), tf.float32)

    def _compare(self, images, features, latents):
        """Return the scores (B,) and the reconstructions (B, H, W, C)."""
        generated = self.generator(latents, training=False)
        reconstructions = tf.cast(tf.nest.flatten(generated)[-1], tf.float32)
        pixels = tf.reduce_mean(tf.square(images - reconstructions), axis=(1, 2, 3))
        distance = tf.reduce_mean(tf.square(features - self._features(generated)), axis=1)
        return pixels + self.kappa * distance, reconstructions

    @tf.function
    def _score_batch(self, images, draws):
        features, hidden = self._features(self.real_inputs(images)), self.body(images)
        _, reconstructions = self._compare(images, features, self.head(hidden))
        scores = tf.TensorArray(tf.float32, draws)
        heat = tf.zeros(tf.shape(images)[:3])
        for draw in tf.range(draws):
            score, drawn = self._compare(images, features, self.head(hidden, sample=True))
            scores = scores.write(draw, score)
            heat += tf.reduce_mean(tf.abs(images - drawn), axis=3)
        return scores.stack(), heat / tf.cast(draws, tf.float32), reconstructions

    def score(self, images: np.ndarray, draws: int = 8, seed: int = 0, size: int = 128) -> Scores:
        """Score images with repeated draws of the encoder's last layer.

        Args:
            images: uint8 (N, H, W, C).
            draws: Number of draws, S.
            seed: Seed of the draws; the same seed gives the same scores.
            size: Images per call.

        Returns:
            Scores, heat maps and reconstructions.

        Example:
            >>> scores = model.score(images)
            >>> scores.draws.mean(axis=0), scores.draws.std(axis=0)  # score, uncertainty
        """
        self.head.restart(seed)
        parts = []
        for start in range(0, len(images), size):
            part = images[start : start + size]
            padded = np.concatenate([part, np.repeat(part[-1:], size - len(part), axis=0)])
            scores, heat, drawn = self._score_batch(image_io.to_signed(padded), tf.constant(draws))
            found = scores.numpy().T, heat.numpy(), image_io.to_uint8(drawn)
            parts.append([each[: len(part)] for each in found])
        scores, heat_maps, reconstructions = (
            np.concatenate(each) for each in zip(*parts, strict=True)
        )
        return Scores(scores.T, heat_maps, reconstructions)
