"""A generator as stock Keras layers in float32, which programs without this code can load."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras

from common.errors import InputError
from common.files import atomic_path
from gan import description, generator_file
from gan.build import build_gan
from gan.config import Config
from gan.model import GAN
from gan.networks.base import ImageSpec

Build = Callable[[Config, ImageSpec], GAN]


def to_stock(
    generator: keras.Model, config: Config, spec: ImageSpec, build: Build = build_gan
) -> keras.Model:
    """Rebuild a generator from stock Keras layers in float32, with the same weights.

    Args:
        generator: As trained, with the layers of either `kernels` and in any precision.
        config: Of its run.
        spec: Of its images.
        build: Builds the networks of the run.

    Returns:
        A model of the same latents [and labels] to images (N, H, W, C); of a family
        with images of several sizes only the full size.

    Example:
        >>> to_stock(result.gan.ema_generator, Config(), ImageSpec(32, 32, 1)).dtype_policy.name
        'float32'
    """
    networks = dataclasses.replace(config.networks, kernels="keras")
    config = dataclasses.replace(config, networks=networks, precision="float32")
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        stock = build(config, spec).ema_generator
    finally:
        keras.config.set_dtype_policy(policy)
    stock.set_weights(generator.get_weights())
    stock = _without_own_layers(stock)
    if len(stock.outputs) > 1:
        return keras.Model(stock.input, stock.outputs[-1], name=stock.name)
    return stock


def _without_own_layers(network: keras.Model) -> keras.Model:
    """Replace layers of `gan.layers` by what their method `as_stock` returns."""
    layers = getattr(network, "layers", ())
    if not any(hasattr(layer, "as_stock") for layer in layers):
        return network

    def call(layer: keras.layers.Layer, inputs: Any, **kwargs: Any) -> Any:
        return layer.as_stock(inputs) if hasattr(layer, "as_stock") else layer(inputs, **kwargs)

    return keras.models.clone_model(network, clone_function=lambda layer: layer, call_function=call)


def save(generator: keras.Model, path: Path, about: Mapping[str, Any]) -> None:
    """Write a generator and its description to a .keras file, atomically.

    Args:
        generator: What `to_stock` returned.
        path: The file. An existing one is replaced.
        about: What `generator_file.describe` returned.

    Raises:
        Exception: Keras cannot serialize a layer. No file is written.
    """
    with atomic_path(path) as temporary:
        generator.save(temporary)
        generator_file.add(temporary, about)


def save_final(folder: Path, gan: GAN, build: Build = build_gan) -> None:
    """Write generator.keras at the end of a run whose last state is saved as a checkpoint.

    A failure is reported in one line: the checkpoint holds the same generator.

    Args:
        folder: The run's folder.
        gan: In the state of the last checkpoint; with another state, nothing is written.
        build: Builds the networks of the run.
    """
    images_seen = int(gan.images_seen.numpy())
    if generator_file.newest(folder) != images_seen:
        return
    try:
        saved = description.read(folder, own=True)
        stock = to_stock(gan.ema_generator, saved.config, saved.spec, build)
        about = generator_file.describe(saved, images_seen, stock.inputs[0].shape[-1])
        save(stock, folder / generator_file.NAME, about)
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        print(
            f"{generator_file.NAME} is not written, the checkpoint holds the generator ({reason})"
        )


def load(path: Path) -> keras.Model:
    """Load a .keras file that `save` has written.

    Raises:
        InputError: Keras cannot load it, for instance because it has custom layers.
    """
    try:
        return keras.saving.load_model(path, compile=False)
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise InputError(
            f"{path}: Keras cannot load it ({reason})\nimport the classes of its layers first; in "
            "Python, pass the function that built the networks as build= to use the checkpoint"
        ) from error
