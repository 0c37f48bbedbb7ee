"""`--kernels fast` and `--kernels keras` give the same results, layer by layer."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from common import fast
from common.fast.convolution_layers import Conv2D
from common.fast.optimizers import Adam
from common.fast.xla import compile_options

RANDOM = np.random.default_rng(0)
LAYERS = ("Conv2D", "Conv2DTranspose", "BatchNormalization", "ReLU", "LeakyReLU", "DepthToSpace")


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
    ours, theirs = (getattr(fast.layers(kernels), name)(**options) for kernels in fast.KERNELS)
    for layer in (ours, theirs):
        layer.build(inputs.shape)
    ours.set_weights(theirs.get_weights())
    results = [first_and_second_gradients(layer, inputs) for layer in (ours, theirs)]
    assert len(results[0]) == len(results[1]) >= 2
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_both_kernels_have_the_same_names_and_only_one_has_code_of_ours():
    ours, theirs = (vars(fast.layers(kernels)) for kernels in fast.KERNELS)
    assert tuple(ours) == tuple(theirs) == LAYERS
    assert ours["Conv2D"] is Conv2D
    assert fast.adam("fast") is Adam
    assert fast.adam("keras") is keras.optimizers.Adam
    for name in LAYERS[:-1]:
        built = theirs[name](4, 3) if name.startswith("Conv") else theirs[name]()
        assert type(built).__module__.startswith("keras."), name
    outputs = theirs["DepthToSpace"]()(inputs := keras.Input((4, 4, 8)))
    model = keras.Model(inputs, outputs)
    assert all(type(layer).__module__.startswith("keras.") for layer in model.layers)


def test_an_unknown_kind_of_kernels_is_refused():
    for choose in (fast.layers, fast.adam):
        with pytest.raises(ValueError, match=r"expected one of fast, keras, got 'quick'"):
            choose("quick")


def test_stock_batch_normalization_spans_the_replicas_of_a_strategy(monkeypatch):
    assert not fast.layers("keras").BatchNormalization().synchronized
    strategy = tf.distribute.get_strategy()
    monkeypatch.setattr(type(strategy.extended), "_num_replicas_in_sync", property(lambda _: 2))
    assert fast.layers("keras").BatchNormalization().synchronized


@pytest.mark.parametrize("enabled", [True, False])
def test_xla_is_switched_by_an_argument_of_compile(enabled):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", **compile_options(enabled))
    assert model.jit_compile is enabled
