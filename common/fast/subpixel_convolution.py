"""A transposed convolution that doubles a map, computed as a convolution of the small map."""

from collections.abc import Callable

import keras
import tensorflow as tf
from keras import layers, ops

KERNEL = 6  # three places of the small map for each pixel, all pixels as many
BORDER = [[0, 0], [1, 1], [1, 1], [0, 0]]


@keras.saving.register_keras_serializable("common.fast")
class EvenSums(keras.constraints.Constraint):
    """Gives the kernels of the four pixels equal sums, so that a flat map stays flat.

    Sugawara, Shiota and Kiya 2018, Super-Resolution Using Convolutional Neural Networks Without
    Any Checkerboard Artifacts: unequal sums paint a grid wherever the map is flat.

    Example:
        >>> kernel = EvenSums()(tf.random.normal((6, 6, 3, 16)))
        >>> sums = tf.reduce_sum(tf.reshape(kernel, (3, 2, 3, 2, 3, 16)), axis=(0, 2))
        >>> bool(tf.reduce_all(abs(sums - sums[:1, :1]) < 1e-5))
        True
    """

    def __call__(self, w):
        """Move the kernel (6, 6, D, C) to the nearest one with equal sums."""
        by_pixel = ops.reshape(w, (3, 2, 3, 2, *w.shape[2:]))
        means = ops.mean(by_pixel, axis=(0, 2), keepdims=True)  # (1, 2, 1, 2, D, C)
        even = by_pixel - means + ops.mean(means, axis=(1, 3), keepdims=True)
        return ops.reshape(even, w.shape)


@keras.saving.register_keras_serializable("common.fast")
class SubpixelConv2D(layers.Conv2DTranspose):
    """`plain_subpixel_convolution` as one convolution to blocks of 2x2 pixels, with its weights.

    Shi et al. 2016, Real-Time Single Image and Video Super-Resolution Using an Efficient
    Sub-Pixel Convolutional Neural Network, section 3.2: a transposed convolution spends most of
    its time on the zeros between the places; a convolution of the small map to the channels of
    four pixels has none. Its kernel keeps `EvenSums`, which the plain form leaves to whoever
    trains it.

    Example:
        >>> SubpixelConv2D(3)(tf.ones((1, 8, 8, 16))).shape
        TensorShape([1, 16, 16, 3])
    """

    def __init__(self, filters, kernel_size=KERNEL, strides=2, **options):
        options = {"kernel_constraint": EvenSums(), **options}
        super().__init__(filters, kernel_size, strides, **options)

    def build(self, input_shape):
        super().build(input_shape)
        self.kernel.assign(self.kernel_constraint(self.kernel))  # from the first step

    def compute_output_shape(self, input_shape):
        batch, *sides, _ = input_shape
        return (batch, *(None if side is None else 2 * side for side in sides), self.filters)

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), self.compute_dtype)

    def call(self, inputs):
        kernel = tf.convert_to_tensor(self.kernel)  # (6, 6, D, C)
        filters, channels = kernel.shape[2:]
        # row 2k + i of the kernel belongs to row i of a block, and k counts the places from below
        taps = tf.reverse(tf.reshape(kernel, (3, 2, 3, 2, filters, channels)), axis=[0, 2])
        taps = tf.transpose(taps, (0, 2, 5, 1, 3, 4))  # (3, 3, C, 2, 2, D)
        taps = tf.reshape(taps, (3, 3, channels, 4 * filters))
        outputs = tf.nn.conv2d(tf.pad(inputs, BORDER, "REFLECT"), taps, 1, "VALID")
        outputs = tf.nn.depth_to_space(outputs, 2)  # (B, 2H, 2W, D)
        return (
            tf.nn.bias_add(outputs, tf.convert_to_tensor(self.bias)) if self.use_bias else outputs
        )


def plain_subpixel_convolution(
    filters: int, name: str, **options
) -> Callable[[keras.KerasTensor], keras.KerasTensor]:
    """Return a transposed convolution with a stride of 2, of stock Keras layers.

    The kernel's side of 6 is a multiple of the stride, so that all pixels are the sums of as many
    terms (Odena et al. 2016, Deconvolution and Checkerboard Artifacts).

    Args:
        filters: Channels of the result, D.
        name: Of the convolution.
        **options: Of the convolution.

    Returns:
        A function from (B, H, W, C) to (B, 2H, 2W, D), H and W at least 2. The border is
        reflected.
    """
    convolve = layers.Conv2DTranspose(filters, KERNEL, strides=2, name=name, **options)
    cut = layers.Cropping2D(KERNEL - 2)

    def apply(values: keras.KerasTensor) -> keras.KerasTensor:
        return cut(convolve(ops.pad(values, BORDER, mode="reflect")))

    return apply
