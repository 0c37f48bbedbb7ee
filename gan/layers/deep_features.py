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


@keras.saving.register_keras_serializable("gan")
class DeepFeatures(layers.Layer):
    """Describe images by four layers of the embedded SqueezeNet (`common.extractors.deep`).

    They have a half, a quarter, an eighth and a sixteenth of the images' size. Each is
    divided by a constant, so that its activations are about 1. The weights are never
    trained, even if `trainable` is set, but are part of a checkpoint and of a saved
    model: a run continues with the network that it began with. They are computed in
    bfloat16 or else float32, as the activations overflow in float16.

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
        kind = "bfloat16" if self.compute_dtype == "bfloat16" else "float32"
        weights = {name: tf.cast(weight.value, kind) for name, weight in self.kernels.items()}
        images = 0.5 * tf.cast(images, tf.float32) + 0.5
        if images.shape[-1] == 1:
            images = tf.repeat(images, 3, axis=-1)
        found = deep.student(images, weights)
        return [tf.cast(found[name] / size, self.compute_dtype) for name, size in SCALES.items()]

    def compute_output_spec(self, images):
        batch, height, width, _ = images.shape
        return [
            keras.KerasTensor(
                (batch, -(-height // stride), -(-width // stride), channels), self.compute_dtype
            )
            for stride, channels in ((2, 64), (4, 128), (8, 256), (16, 512))
        ]
