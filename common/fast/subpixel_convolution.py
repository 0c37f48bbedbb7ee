"""A transposed convolution that doubles a map, computed as a convolution of the small map."""

from collections.abc import Callable

import keras
import tensorflow as tf
from keras import layers, ops

from common.fast.convolution import by_cells
from common.fast.doubling import BORDER, Doubling, convolve_to_blocks

KERNEL = 6  # 3x3 positions of the small map for each pixel


@keras.saving.register_keras_serializable("common.fast")
class EvenSums(keras.constraints.Constraint):
    """Gives the weights of the four pixels equal sums, so that a constant map stays constant.

    Sugawara, Shiota and Kiya 2018, Super-Resolution Using Convolutional Neural Networks Without
    Any Checkerboard Artifacts: with unequal sums a constant map becomes a checkerboard. Deviation:
    they append a fixed kernel; here the weights are projected after each step.

    Example:
        >>> kernel = EvenSums()(tf.random.normal((6, 6, 3, 16)))
        >>> sums = tf.reduce_sum(tf.reshape(kernel, (3, 2, 3, 2, 3, 16)), axis=(0, 2))
        >>> bool(tf.reduce_all(abs(sums - sums[:1, :1]) < 1e-5))
        True
    """

    def __call__(self, w):
        """Return the nearest kernel with equal sums.

        Args:
            w: Kernel, (6, 6, D, C).

        Returns:
            The same shape; for each input and output channel the mean is unchanged.
        """
        by_pixel = ops.reshape(w, (3, 2, 3, 2, *w.shape[2:]))
        means = ops.mean(by_pixel, axis=(0, 2), keepdims=True)  # (1, 2, 1, 2, D, C)
        even = by_pixel - means + ops.mean(means, axis=(1, 3), keepdims=True)
        return ops.reshape(even, w.shape)


@keras.saving.register_keras_serializable("common.fast")
class SubpixelConv2D(Doubling, layers.Conv2DTranspose):
    """`plain_subpixel_convolution`, computed as one convolution of the small map.

    Shi et al. 2016, Real-Time Single Image and Video Super-Resolution Using an Efficient
    Sub-Pixel Convolutional Neural Network, section 3.2: the convolution computes the channels of
    four pixels at each position, and these are rearranged. The kernel is constrained by
    `EvenSums`; the plain form has no constraint. Both have the same weights.

    Raises:
        ValueError: The kernel size, the strides or the activation are others than these.

    Example:
        >>> SubpixelConv2D(3)(tf.ones((1, 8, 8, 16))).shape
        TensorShape([1, 16, 16, 3])
    """

    def __init__(self, filters, kernel_size=KERNEL, strides=2, **options):
        options = {"kernel_constraint": EvenSums(), **options}
        super().__init__(filters, kernel_size, strides, **options)
        if (self.kernel_size, self.strides) != ((KERNEL, KERNEL), (2, 2)):
            raise ValueError(f"expected kernels of {KERNEL} and strides of 2")
        if self.activation is not keras.activations.linear:
            raise ValueError("expected no activation")

    def build(self, input_shape):
        super().build(input_shape)
        if self.kernel_constraint is not None:
            self.kernel.assign(self.kernel_constraint(self.kernel))  # from the first step

    def call(self, inputs):
        cells = by_cells(tf.convert_to_tensor(self.kernel), 2)  # (3, 3, 4 D, C)
        # in a transposed convolution the first row of cells is that of the lowest position
        blocks = tf.transpose(tf.reverse(cells, axis=[0, 1]), (0, 1, 3, 2))  # (3, 3, C, 4 D)
        bias = tf.convert_to_tensor(self.bias) if self.use_bias else None
        return convolve_to_blocks(inputs, blocks, bias, "REFLECT")


def plain_subpixel_convolution(
    filters: int, name: str, **options
) -> Callable[[keras.KerasTensor], keras.KerasTensor]:
    """Return a transposed convolution with a stride of 2, of stock Keras layers.

    The kernel size is a multiple of the stride, so each pixel is a sum of equally many terms
    (Odena et al. 2016, Deconvolution and Checkerboard Artifacts).

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
