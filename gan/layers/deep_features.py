"""Feature maps of a frozen network as the input of a discriminator."""

import keras
import tensorflow as tf
from keras import layers

from common.extractors import deep

SCALES = {  # root mean square of the activations on photographs, from 32 to 64 pixels
    "stem": 40.0,
    "fire3": 85.0,
    "fire5": 85.0,
    "fire8": 35.0,
}


def extractor_dtype(precision: str) -> str:
    """Return the type in which a frozen extractor is computed: float16 is slow, and overflows.

    Example:
        >>> extractor_dtype("float16"), extractor_dtype("bfloat16")
        ('float32', 'bfloat16')
    """
    return precision if precision == "bfloat16" else "float32"


def rgb(images: tf.Tensor) -> tf.Tensor:
    """Show images as RGB in [0, 1]: gray repeated, transparency over white.

    Args:
        images: (B, H, W, 1, 3 or 4) in [-1, 1].

    Returns:
        (B, H, W, 3) float32.

    Example:
        >>> rgb(-tf.ones((1, 1, 1, 4))).numpy().ravel()  # black, wholly transparent
        array([1., 1., 1.], dtype=float32)
    """
    images = 0.5 * tf.cast(images, tf.float32) + 0.5
    if images.shape[-1] == 1:
        return tf.repeat(images, 3, axis=-1)
    if images.shape[-1] == 4:
        alpha = images[..., 3:]
        return images[..., :3] * alpha + 1.0 - alpha
    return images


@keras.saving.register_keras_serializable("gan")
class DeepFeatures(layers.Layer):
    """Describe images by four layers of the embedded SqueezeNet (`common.extractors.deep`).

    They have a half, a quarter, an eighth and a sixteenth of the images' size. Each is
    divided by a constant, so that its activations are about 1. The weights are never
    trained, even if `trainable` is set, but are part of a checkpoint and of a saved
    model: a run continues with the network that it began with. They are computed in
    the type of `extractor_dtype`.

    Example:
        >>> [each.shape[1:] for each in DeepFeatures()(tf.zeros((2, 64, 64, 3)))]
        [TensorShape([32, 32, 64]), TensorShape([16, 16, 128]), TensorShape([8, 8, 256]), ...]
    """

    def __init__(self, **options):
        super().__init__(**{"trainable": False, **options}, autocast=False)  # of images: float32

    def build(self, input_shape):
        self.kernels = {
            name: self.add_weight(
                shape=values.shape,
                initializer=lambda shape, dtype, values=values: tf.constant(values, dtype),
                trainable=False,
                autocast=False,
                name=name.replace("/", "_"),
            )
            for name, values in deep.read().items()
        }

    def call(self, images):
        """Compute the maps.

        Args:
            images: (B, H, W, 1) or (B, H, W, 3) in [-1, 1].

        Returns:
            (B, H/2, W/2, 64), (B, H/4, W/4, 128), (B, H/8, W/8, 256) and
            (B, H/16, W/16, 512); sides are rounded up.
        """
        kind = extractor_dtype(self.compute_dtype)
        weights = {name: tf.cast(weight.value, kind) for name, weight in self.kernels.items()}
        found = deep.student(rgb(images), weights)
        return [tf.cast(found[name] / size, self.compute_dtype) for name, size in SCALES.items()]

    def compute_output_spec(self, images):
        batch, height, width, _ = images.shape
        return [
            keras.KerasTensor(
                (batch, -(-height // stride), -(-width // stride), channels), self.compute_dtype
            )
            for stride, channels in ((2, 64), (4, 128), (8, 256), (16, 512))
        ]
