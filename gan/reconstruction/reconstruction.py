"""The reconstruction of real images: an encoder and the generator learn it beside the GAN's loss.

Larsen et al. 2016, Autoencoding beyond pixels using a learned similarity metric
(VAE/GAN). A discriminator alone needs many images until it has taught a generator
the shapes of small datasets; their reconstruction teaches them within minutes,
covers all of them, and leaves sharpness to the discriminator.
"""

import keras
import tensorflow as tf

from gan.reconstruction.codes import divergence, draw_codes, resized
from gan.reconstruction.losses import feature_distance, pyramid_distance


@keras.saving.register_keras_serializable("gan")
class Reconstruction(keras.Model):
    """An encoder, and the loss of what a generator makes of its codes.

    Deviations from Larsen et al. 2016: pixels at four scales and features of a fixed
    network are compared instead of the discriminator's; all generated images of the
    training are reconstructions, none comes from the prior: `gan.reconstruction.memory`
    leads latent vectors to codes.

    Args:
        encoder: Images (B, H, W, C) to the mean and log deviation of their codes.
        weight: Of the pixels' distance.
        features: Weight of the deep features' distance.
        divergence: Weight of the codes' divergence from N(0, 1), per dimension.
        seed: Of the codes' noise.

    Example:
        >>> reconstruction = Reconstruction(encoder, weight=10.0)
        >>> codes = reconstruction.encode(images)  # (B, Z)
        >>> reconstruction.loss_of(images, generator(codes))  # a scalar
    """

    def __init__(
        self,
        encoder: keras.Model,
        *,
        weight: float,
        features: float = 1.0,
        divergence: float = 0.02,
        seed: int = 0,
    ):
        super().__init__(name="reconstruction")
        self.encoder = encoder
        self.terms = {"weight": weight, "features": features, "divergence": divergence}
        self.initial_seed, self.seed = seed, keras.random.SeedGenerator(seed)
        self.compare_features = feature_distance() if features else None
        self.built = True

    def encode(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Draw codes (B, Z) of images (B, H, W, C), and compute their weighted divergence."""
        mean, log_deviation = self.encoder(self._fitted(images), training=True)
        weight = self.terms["divergence"]
        return draw_codes(mean, log_deviation, self.seed), weight * divergence(mean, log_deviation)

    def mean_codes(self, images: tf.Tensor) -> tf.Tensor:
        """Return the middle of the codes of images (B, H, W, C) without noise, (B, Z)."""
        return self.encoder(self._fitted(images), training=False)[0]

    def _fitted(self, images: tf.Tensor) -> tf.Tensor:
        """Bring images of any stage of a training that grows to the encoder's size."""
        return resized(images, self.encoder.input_shape[1])

    def distance(self, real: tf.Tensor, found: tf.Tensor) -> tf.Tensor:
        """Compute the weighted distance of reconstructions from real images, a scalar."""
        terms = self.terms
        total = terms["weight"] * pyramid_distance(real, found)
        if self.compare_features:
            total += terms["features"] * self.compare_features(real, found)
        return total

    def get_config(self):
        encoder = keras.saving.serialize_keras_object(self.encoder)
        return {"encoder": encoder, **self.terms, "seed": self.initial_seed}

    @classmethod
    def from_config(cls, config):
        encoder = keras.saving.deserialize_keras_object(config["encoder"])
        return cls(**{**config, "encoder": encoder})
