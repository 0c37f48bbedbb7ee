"""DCGAN networks (Radford et al. 2016) as functional Keras models.

Deviations from the paper, each measured on two cores: small widths, kernel 4
(a multiple of the stride, so no uneven overlap and no checkerboard: Odena et
al. 2016), Glorot's initialisation.
"""

import keras
import tensorflow as tf
from keras import layers

from common import replicas
from gan.config import NetworkConfig

KERNEL = 4  # pixels
LEAK = 0.2  # slope of LeakyReLU below zero: Radford et al. 2016, section 4
LABEL_NORM = 0.25  # of a label's embedding, the latent's being 1; at 0.5, or free, classes collapse
MAX_WIDENING = 8  # no layer is wider than this many times the base width


@keras.saving.register_keras_serializable("gan")
class BatchNormalization(layers.BatchNormalization):
    """Keras's layer, trained through TensorFlow's fused kernel.

    A third of the time of Keras 3.15's own arithmetic on a CPU, and bfloat16
    activations need no cast. Deviation: the running variance is the unbiased
    one. A batch that is split among replicas is normalised as a whole.
    """

    def call(self, inputs, training=None, mask=None):
        if not training:
            return super().call(inputs, training=training, mask=mask)
        if replicas.count() > 1:
            return self._over_replicas(tf.cast(inputs, tf.float32))
        pixels = inputs if inputs.shape.rank == 4 else inputs[:, None, None, :]  # (B, H, W, C)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=pixels,
            scale=tf.cast(self.gamma, tf.float32),
            offset=tf.cast(self.beta, tf.float32),
            mean=[],
            variance=[],
            epsilon=self.epsilon,
            is_training=True,
        )
        self._follow(mean, variance)
        return tf.reshape(outputs, tf.shape(inputs))

    def _over_replicas(self, inputs):
        """The same from the moments of all replicas; the second is centred, as it would cancel."""
        axes = list(range(inputs.shape.rank - 1))
        mean = replicas.mean(tf.reduce_mean(inputs, axes))  # (C,)
        variance = replicas.mean(tf.reduce_mean(tf.square(inputs - mean), axes))
        outputs = tf.nn.batch_normalization(
            inputs, mean, variance, self.beta.value, self.gamma.value, self.epsilon
        )
        count = tf.cast(replicas.count() * tf.size(inputs) / inputs.shape[-1], tf.float32)
        self._follow(mean, variance * count / (count - 1.0))
        return tf.cast(outputs, self.compute_dtype)

    def _follow(self, mean, variance):
        for running, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            running.assign(running * self.momentum + batch * (1.0 - self.momentum))


@keras.saving.register_keras_serializable("gan")
class DepthToSpace(layers.Layer):
    """(B, H, W, 4C) -> (B, 2H, 2W, C): Shi et al. 2016, section 3.2."""

    def call(self, inputs):
        return tf.nn.depth_to_space(inputs, 2)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, 2 * height, 2 * width, channels // 4)


def base_and_doublings(resolution: int) -> tuple[int, int]:
    """The side in pixels where the generator starts, 4 to 6, and how often it doubles.

    What would start at 7 starts at 4, doubles once more, and ends a little larger
    than `resolution`, to be cropped: 28 as 4 * 2^3 - 4. On MNIST that third
    doubling is worth three times the Frechet distance.
    """
    doublings = 0
    while resolution % 2 == 0 and resolution > 7:
        resolution //= 2
        doublings += 1
    return (4, doublings + 1) if resolution == 7 else (resolution, doublings)


def margin(resolution: int) -> int:
    """Pixels on each side by which the networks' own square exceeds `resolution`."""
    base, doublings = base_and_doublings(resolution)
    return ((base << doublings) - resolution) // 2


def build_generator(
    config: NetworkConfig, resolution: int, channels: int, classes: int = 0
) -> keras.Model:
    """Latent vectors to pictures.

    Args:
        resolution: pixels of a side, 4 to 7 times a power of two.
        channels: of the picture.
        classes: 0, or the number of labels to condition on. The label's learnt
            embedding is appended to the latent vector (deviation from Mirza and
            Osindero 2014, section 4.1, who append one-hot labels).

    Returns:
        A model (B, latent_size) or [(B, latent_size), (B,)] -> float32
        (B, resolution, resolution, channels) in [-1, 1].
    """
    base, doublings = base_and_doublings(resolution)
    widths = [config.width * min(2**level, MAX_WIDENING) for level in reversed(range(doublings))]
    latent = keras.Input((config.latent_size,), name="latent")
    inputs, x = latent, latent
    if classes:
        label = keras.Input((), dtype="int32", name="label")
        embedded = layers.Embedding(classes, config.latent_size, name="label_embedding")(label)
        embedded = layers.UnitNormalization()(embedded)
        embedded = layers.Rescaling(LABEL_NORM * config.latent_size**0.5)(embedded)
        inputs, x = [latent, label], layers.Concatenate()([latent, embedded])
    x = layers.Dense(base * base * widths[0], use_bias=False)(x)
    x = layers.ReLU()(BatchNormalization(momentum=0.9, epsilon=1e-5)(x))
    x = layers.Reshape((base, base, widths[0]))(x)
    for width in widths[1:]:
        x = _double(x, width, config.upsampling)
        x = layers.ReLU()(BatchNormalization(momentum=0.9, epsilon=1e-5)(x))
    x = _double(x, channels, config.upsampling)
    if margin(resolution):
        x = layers.Cropping2D(margin(resolution))(x)
    picture = layers.Activation("tanh", dtype="float32", name="picture")(x)
    return keras.Model(inputs, picture, name="generator")


def _transposed(x, width):
    return layers.Conv2DTranspose(width, KERNEL, strides=2, padding="same", use_bias=False)(x)


def _resize(x, width):
    return layers.Conv2D(width, 3, padding="same", use_bias=False)(layers.UpSampling2D()(x))


def _subpixel(x, width):
    return DepthToSpace()(layers.Conv2D(4 * width, 3, padding="same")(x))


UPSAMPLING = {"transposed": _transposed, "resize": _resize, "subpixel": _subpixel}


def _double(x, width: int, upsampling: str):
    return UPSAMPLING[upsampling](x, width)


def build_discriminator(
    config: NetworkConfig, resolution: int, channels: int, classes: int = 0
) -> keras.Model:
    """Pictures to logits, positive for real.

    With `classes`, the label enters as a projection (Miyato and Koyama 2018,
    equation 5): the logit gains the inner product of the features with the
    label's learnt embedding.

    Returns:
        A model (B, H, W, C) or [(B, H, W, C), (B,)] -> float32 (B,).
    """
    _, doublings = base_and_doublings(resolution)
    base_width = config.discriminator_width or config.width
    widths = [base_width * min(2**level, MAX_WIDENING) for level in range(doublings)]
    picture = keras.Input((resolution, resolution, channels), name="picture")
    inputs, x = picture, picture
    if margin(resolution):
        sides = (margin(resolution),) * 2
        x = keras.ops.pad(x, ((0, 0), sides, sides, (0, 0)), mode="symmetric")
    normalized = config.normalization
    for level, width in enumerate(widths):
        convolution = layers.Conv2D(
            width, KERNEL, strides=2, padding="same", use_bias=level == 0 or normalized != "batch"
        )
        if normalized == "spectral":  # Miyato et al. 2018; one power iteration a call
            convolution = layers.SpectralNormalization(convolution)
        x = convolution(x)
        if level > 0:  # not at the input: Radford et al. 2016, section 3
            x = NORMALIZATION[normalized](x)
        x = layers.LeakyReLU(LEAK)(x)
    features = layers.Flatten(name="features")(x)  # (B, F)
    logits = layers.Dense(1, dtype="float32", name="logits")(features)  # (B, 1)
    if classes:
        label = keras.Input((), dtype="int32", name="label")
        inputs = [picture, label]
        embedded = layers.Embedding(
            classes, features.shape[-1], embeddings_initializer="zeros", name="label_embedding"
        )(label)  # (B, F)
        projection = layers.Dot(axes=1, dtype="float32")([features, embedded])  # (B, 1)
        logits = layers.Add(dtype="float32")([logits, projection])
    return keras.Model(inputs, layers.Reshape((), dtype="float32")(logits), name="discriminator")


def _batch(x):
    return BatchNormalization(momentum=0.9, epsilon=1e-5)(x)


def _layer(x):
    return layers.GroupNormalization(groups=1)(x)  # over H, W and C, as WGAN-GP's critic


def _identity(x):
    return x


NORMALIZATION = {"batch": _batch, "layer": _layer, "spectral": _identity, "none": _identity}
