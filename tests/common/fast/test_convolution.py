"""Every way to compute a convolution and its gradients gives TensorFlow's own results."""

import numpy as np
import pytest
import tensorflow as tf

from common.fast import convolution

RANDOM = np.random.default_rng(0)
GEOMETRIES = [  # side or (height, width), size, stride, padding
    (8, 4, 2, "SAME"),
    pytest.param(*(16, 4, 2, "SAME"), marks=pytest.mark.slow),
    pytest.param(*(6, 5, 2, "SAME"), marks=pytest.mark.slow),
    pytest.param(*(5, 2, 3, "SAME"), marks=pytest.mark.slow),
    (4, 4, 1, "VALID"),
    (4, 3, 1, "SAME"),
    pytest.param(*(7, 5, 1, "SAME"), marks=pytest.mark.slow),
    (9, 4, 2, "SAME"),
    pytest.param(*(9, 3, 3, "VALID"), marks=pytest.mark.slow),
    (10, 3, 3, "VALID"),
    ((8, 12), 4, 2, "SAME"),
    ((16, 6), 4, 2, "SAME"),
    ((4, 7), 3, 1, "SAME"),
    ((9, 4), 3, 1, "VALID"),
]


def normal(*shape):
    return tf.constant(RANDOM.normal(size=shape), tf.float32)


def relative_error(found, expected):
    assert found.shape == expected.shape
    return float(tf.norm(tf.cast(found, tf.float32) - expected) / tf.norm(expected))


def outputs_and_gradients(function, inputs, kernel, weights=None):
    with tf.GradientTape() as tape:
        tape.watch([inputs, kernel])
        outputs = function(inputs, kernel)
        weights = normal(*outputs.shape) if weights is None else weights
        loss = tf.reduce_sum(tf.cast(outputs, tf.float32) * weights)
    return [outputs, *tape.gradient(loss, [inputs, kernel])], weights


@pytest.mark.parametrize(("side", "size", "stride", "padding"), GEOMETRIES)
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("channels", [
    pytest.param(1, marks=pytest.mark.slow), 4,
    pytest.param(convolution.MANY_CHANNELS, marks=pytest.mark.slow),
])  # fmt: skip
def test_a_convolution_and_its_gradients_are_those_of_tensorflow(
    monkeypatch, side, size, stride, padding, transposed, channels
):
    monkeypatch.setattr(convolution, "MANY_WEIGHTS", 0)
    kernel = normal(size, size, channels, 8)
    size_in = (side, side) if isinstance(side, int) else side
    inputs = normal(3, *size_in, channels)
    if transposed:
        inputs = normal(*tf.nn.conv2d(inputs, kernel, stride, padding).shape)

    def ours(inputs, kernel):
        if transposed:
            return convolution.convolve_transposed(inputs, kernel, size_in, stride, padding)
        return convolution.convolve(inputs, kernel, stride, padding)

    def theirs(inputs, kernel):
        if transposed:
            shape = (3, *size_in, channels)
            return tf.nn.conv2d_transpose(inputs, kernel, shape, stride, padding)
        return tf.nn.conv2d(inputs, kernel, stride, padding)

    expected, weights = outputs_and_gradients(theirs, inputs, kernel)
    for dtype, tolerance in ((tf.float32, 1e-5), (tf.bfloat16, 1e-2)):
        found, _ = outputs_and_gradients(
            ours, tf.cast(inputs, dtype), tf.cast(kernel, dtype), weights
        )
        for one, other in zip(found, expected, strict=True):
            assert one.dtype == dtype
            assert relative_error(one, other) < tolerance


def test_windows_are_made_where_they_pay():
    taken = []
    for dtype, channels, side in (("bfloat16", 256, 8), ("float32", 256, 8), ("bfloat16", 64, 8)):
        function = tf.function(lambda x, k: convolution.convolve(x, k, 2, "SAME"))
        graph = function.get_concrete_function(
            tf.TensorSpec((1, side, side, channels), dtype),
            tf.TensorSpec((4, 4, channels, 256), dtype),
        ).graph
        taken.append(any(operation.type == "GatherV2" for operation in graph.get_operations()))
    on_gpu = bool(tf.config.list_physical_devices("GPU"))
    assert taken == [not on_gpu, False, False]
