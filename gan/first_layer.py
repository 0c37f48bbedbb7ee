"""Principal directions of a latent space, from the weights of the generator's first layer.

SeFa: Shen and Zhou 2021, Closed-Form Factorization of Latent Semantics in GANs.
"""

from typing import NamedTuple

import keras
import numpy as np

from common.errors import InputError

SMALL = 1e-3  # relative error up to which a network counts as affine


class Directions(NamedTuple):
    """Directions of a latent space, the most influential first.

    Attributes:
        vectors: float32 (Z, Z), one direction of length 1 per row.
        shares: float (Z,), the share of the first layer's variance along each.
    """

    vectors: np.ndarray
    shares: np.ndarray


def directions(generator: keras.Model, name: str = "generator") -> Directions:
    """Find the directions in which the first layer changes most.

    With A the matrix of the first layer, Shen and Zhou 2021 take the eigenvectors
    of A^T A with the largest eigenvalues (equation 4). A batch normalization after
    the layer belongs to A here: it scales each unit by gamma / sigma. The weights of
    a label's embedding do not: they belong to the bias.

    Deviation: their program first divides the weights of each unit by their norm,
    which makes units count equally and cancels gamma / sigma.

    Args:
        generator: A stock model of latents (N, Z) [and labels (N,)] to images.
        name: How the error names it.

    Raises:
        InputError: No layer with weights is an affine function of the latents.

    Example:
        >>> directions(stock_generator(Path("runs/glyphs"))[0]).vectors.shape
        (64, 64)
    """
    return principal(matrix(generator, name))


def principal(weights: np.ndarray) -> Directions:
    """Return the eigenvectors of W W^T by falling eigenvalue.

    Args:
        weights: W, (Z, U): one column per unit.

    Example:
        >>> principal(np.diag([1.0, 3.0])).shares
        array([0.9, 0.1])
    """
    weights = weights.astype(np.float64)
    values, vectors = np.linalg.eigh(weights @ weights.T)  # rising
    shares = np.maximum(values[::-1], 0.0)
    return Directions(vectors.T[::-1].astype(np.float32), shares / shares.sum())


def matrix(generator: keras.Model, name: str = "generator") -> np.ndarray:
    """Return the matrix of the first layer, with the batch normalization that follows it.

    It is read off what the layers do to the unit vectors, so that any order of
    reshaping, concatenation with a label's embedding, dense layers and transposed
    convolutions is possible.

    Args:
        generator: As of `directions`.
        name: How the error names it.

    Returns:
        float32 (Z, U), one row per latent number.

    Raises:
        InputError: No layer with weights is an affine function of the latents.
    """
    found, last = None, None
    for layer in _after_the_latents(generator):
        normalizes = isinstance(layer, keras.layers.BatchNormalization)
        if found is not None and (layer.input is not last or (_weights(layer) and not normalizes)):
            continue  # on another branch, or a second layer
        affine = _affine(keras.Model(generator.inputs, layer.output))
        if affine is None:
            break  # the first activation
        if found is not None or _weights(layer):
            found, last = affine, layer.output
    if found is None:
        raise InputError(
            f"{name}: its generator has no first layer with a matrix: no layer with weights is "
            "an affine function of the latents\n"
            "directions need such a family, for example --networks dcgan"
        )
    return found


def _after_the_latents(generator: keras.Model) -> list[keras.Operation]:
    """List the layers and operations that depend on the latents, as they are called."""
    known, layers = {id(generator.inputs[0])}, []
    for layer in getattr(generator, "operations", ()):
        if isinstance(layer, keras.layers.InputLayer):
            continue
        if any(id(tensor) in known for tensor in keras.tree.flatten(layer.input)):
            known |= {id(tensor) for tensor in keras.tree.flatten(layer.output)}
            layers.append(layer)
    return layers


def _weights(layer: keras.Operation) -> list[keras.Variable]:
    return getattr(layer, "weights", [])  # a function of keras.ops has none


def _affine(model: keras.Model) -> np.ndarray | None:
    """Return the matrix (Z, U) of a model that is an affine function of the latents, else None."""
    size = model.inputs[0].shape[-1]
    points = np.random.default_rng(0).normal(size=(4, size))
    rows = np.concatenate([np.zeros((1, size)), np.eye(size), points]).astype(np.float32)
    inputs = [rows, np.zeros(len(rows), np.int32)][: len(model.inputs)]
    values = np.asarray(model(inputs, training=False))
    values = values.reshape(len(rows), -1)  # (1 + Z + 4, U)
    found = values[1 : size + 1] - values[0]
    expected, real = points @ found, values[size + 1 :] - values[0]
    return found if np.abs(expected - real).max() <= SMALL * np.abs(real).max() else None
