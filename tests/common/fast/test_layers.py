"""Our layers and optimizer do what Keras's do."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.fast import layers
from common.fast.adam import Adam

RANDOM = np.random.default_rng(0)


def normal(*shape, dtype="float32"):
    return tf.cast(RANDOM.normal(size=shape), dtype)


def first_and_second_gradients(layer, inputs):
    """The outputs, both gradients of a sum over them, and that of a gradient penalty."""
    with tf.GradientTape() as outer:
        outer.watch(inputs)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(inputs)
            outputs = layer(inputs)
            loss = tf.reduce_sum(tf.sin(outputs))
        by_inputs = tape.gradient(loss, inputs)
        penalty = tf.reduce_sum(tf.square(by_inputs))
    by_weights = tape.gradient(loss, layer.trainable_variables)
    of_penalty = outer.gradient(penalty, [inputs, *layer.trainable_variables])
    return [outputs, by_inputs, *by_weights, *of_penalty]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("Conv2D", {"filters": 5, "kernel_size": 4, "strides": 2, "padding": "same"}),
        ("Conv2D", {"filters": 5, "kernel_size": 3, "padding": "same", "use_bias": False}),
        ("Conv2D", {"filters": 2, "kernel_size": 4, "padding": "valid"}),
        (
            "Conv2DTranspose",
            {"filters": 5, "kernel_size": 4, "strides": 2, "padding": "same", "use_bias": False},
        ),
        ("Conv2DTranspose", {"filters": 5, "kernel_size": 4, "activation": "tanh"}),
        ("ReLU", {}),
        ("LeakyReLU", {"negative_slope": 0.2}),
    ],
)
def test_a_layer_and_its_gradients_are_those_of_keras(name, options):
    inputs = normal(2, 6, 6, 3)
    ours, theirs = (getattr(source, name)(**options) for source in (layers, keras.layers))
    for layer in (ours, theirs):
        layer.build(inputs.shape)
    ours.set_weights(theirs.get_weights())
    results = [first_and_second_gradients(layer, inputs) for layer in (ours, theirs)]
    assert len(results[0]) == len(results[1]) >= 2
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_a_leak_in_bfloat16_is_that_of_keras():
    inputs = normal(2, 4, 4, 3, dtype="bfloat16")
    for autograph in (lambda f: f, tf.function):
        results = []
        for source in (layers, keras.layers):
            layer = source.LeakyReLU(0.25, dtype="bfloat16")  # a slope without rounding
            results.append(autograph(first_and_second_gradients)(layer, inputs))
        for one, other in zip(*results, strict=True):
            np.testing.assert_array_equal(tf.cast(one, "float32"), tf.cast(other, "float32"))


@pytest.mark.parametrize("shape", [(8, 5), (4, 3, 3, 5)])
def test_fused_batch_normalization_is_batch_normalization(shape):
    inputs = tf.constant(np.random.default_rng(0).normal(2.0, 3.0, shape).astype(np.float32))
    ours, theirs = (
        layer(momentum=0.9, epsilon=1e-5)
        for layer in (layers.BatchNormalization, keras.layers.BatchNormalization)
    )
    results = []
    for layer in (ours, theirs):
        layer.build(shape)
        layer.gamma.assign([1.0, 2.0, 0.5, 1.0, 3.0])
        layer.beta.assign([0.0, 1.0, 0.0, -1.0, 0.0])
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
            loss = tf.reduce_sum(tf.sin(outputs))
        variables = [inputs, layer.gamma.value, layer.beta.value]
        results.append([outputs, *tape.gradient(loss, variables), layer.moving_mean.value])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    count = np.prod(shape[:-1])
    batch = np.var(inputs.numpy().reshape(-1, 5), axis=0) * count / (count - 1)
    np.testing.assert_allclose(ours.moving_variance, 0.9 + 0.1 * batch, rtol=1e-4)
    np.testing.assert_allclose(
        ours(inputs, training=False),
        (inputs - ours.moving_mean) / np.sqrt(ours.moving_variance + 1e-5) * ours.gamma + ours.beta,
        rtol=1e-3,
        atol=1e-4,
    )


@pytest.mark.parametrize("clip", [None, 0.1])
def test_the_fused_optimizer_is_that_of_keras(clip):
    start = [normal(3, 4), normal(5)]
    results = []
    gradients = [[normal(3, 4), normal(5)] for _ in range(4)]
    for kind in (Adam, keras.optimizers.Adam):
        variables = [keras.Variable(value) for value in start]
        optimizer = kind(0.01, beta_1=0.5, beta_2=0.9, global_clipnorm=clip)
        for step in gradients:
            optimizer.apply(step, variables)
        results.append([*variables, *optimizer.variables])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_the_gradient_of_a_label_that_repeats_is_that_of_the_sum():
    rows = tf.IndexedSlices(tf.constant([[1.0], [2.0], [4.0]]), tf.constant([0, 2, 0]), (3, 1))
    found = []
    for gradient in (rows, tf.constant([[5.0], [0.0], [2.0]])):
        variable, optimizer = keras.Variable(tf.zeros((3, 1))), Adam(0.1)
        optimizer.apply([gradient], [variable])
        found.append([np.array(v) for v in (variable, *optimizer.variables)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
