"""Directions of networks whose matrices are known."""

import keras
import numpy as np
import pytest

from common.errors import InputError
from gan import first_layer
from gan.config import NetworkConfig
from gan.networks import base as families
from gan.networks.base import ImageSpec

SIZE = 3


def network(*layers, classes=0):
    latent = keras.Input((SIZE,))
    inputs, x = latent, latent
    if classes:
        label = keras.Input((), dtype="int32")
        embedded = keras.layers.Embedding(classes, SIZE)(label)
        inputs, x = [latent, label], keras.layers.Concatenate()([embedded, latent])
    for layer in layers:
        x = layer(x)
    return keras.Model(inputs, keras.layers.Dense(2)(x))


def test_the_matrix_of_a_dense_layer_is_its_kernel():
    dense = keras.layers.Dense(5)
    matrix = first_layer.matrix(network(dense, keras.layers.ReLU()))
    np.testing.assert_allclose(matrix, dense.kernel, atol=1e-6)


def test_batch_normalization_scales_each_unit_and_a_label_does_not_count():
    dense, normalization = keras.layers.Dense(4), keras.layers.BatchNormalization(epsilon=0.5)
    reshape = keras.layers.Reshape((2, 2))
    model = network(dense, reshape, normalization, keras.layers.ReLU(), classes=2)
    normalization.gamma.assign([3.0, 4.0])
    normalization.moving_variance.assign([8.5, 3.5])  # deviations 3 and 2
    matrix = first_layer.matrix(model)
    expected = dense.kernel.numpy()[SIZE:] * [1.0, 2.0, 1.0, 2.0]
    np.testing.assert_allclose(matrix, expected, rtol=1e-5)


def test_a_transposed_convolution_is_a_matrix_too():
    layer = keras.layers.Conv2DTranspose(2, 3, use_bias=False)
    matrix = first_layer.matrix(
        network(
            keras.layers.Reshape((1, 1, SIZE)), layer, keras.layers.ReLU(), keras.layers.Flatten()
        )
    )
    np.testing.assert_allclose(  # the kernel is (height, width, units, latents)
        matrix.reshape(SIZE, 3, 3, 2), layer.kernel.numpy().transpose(3, 0, 1, 2), atol=1e-6
    )


def test_only_the_first_layer_counts():
    first = keras.layers.Dense(5)
    matrix = first_layer.matrix(network(first, keras.layers.Dense(7)))
    np.testing.assert_allclose(matrix, first.kernel, atol=1e-6)


def test_directions_are_the_eigenvectors_by_falling_eigenvalue():
    weights = np.diag([1.0, 3.0, 2.0])[:, :2] @ np.eye(2, 4)
    found = first_layer.principal(weights)
    np.testing.assert_allclose(np.abs(found.vectors), np.eye(3)[[1, 0, 2]], atol=1e-6)
    np.testing.assert_allclose(found.shares, [0.9, 0.1, 0.0])
    values = np.linalg.eigvalsh(weights @ weights.T)[::-1]
    np.testing.assert_allclose(found.shares, values / values.sum(), atol=1e-9)


@pytest.mark.parametrize(
    "layers",
    [("tanh", "linear"), ("relu",)],
    ids=["activation first", "activation only"],
)
def test_a_generator_without_a_first_matrix_is_refused(layers):
    layers = [keras.layers.Activation(name) for name in layers]
    with pytest.raises(InputError, match="--run x: its generator has no first") as error:
        first_layer.directions(network(*layers, keras.layers.ReLU()), "--run x")
    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize(
    "family", ["dcgan", "pytorch_example", "resnet", "style_based", "tutorial"]
)
@pytest.mark.parametrize("classes", [0, 3])
def test_a_family_has_directions(family, classes):
    side = families.resolutions(family)[0]
    config = NetworkConfig(name=family, latent_size=6, width=4, kernels="keras")
    generator = families.get(family).build_generator(ImageSpec(side, side, 1, classes), config)
    found = first_layer.directions(generator)
    size = generator.inputs[0].shape[-1]
    np.testing.assert_allclose(found.vectors @ found.vectors.T, np.eye(size), atol=1e-5)
    assert found.shares.sum() == pytest.approx(1.0)
    assert (np.diff(found.shares) <= 1e-9).all()
