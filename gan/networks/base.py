"""The contract of an architecture family, and the families that exist.

A family is one module of this package, found by its file name. It defines

- `RESOLUTIONS`: a literal tuple of the sides in pixels that it can make, or of
  (height, width) pairs;
- optionally `MAX_ASPECT`: a literal number; rectangles with any two of these sides
  can be made if the longer is at most this many times the shorter. Without it,
  squares only;
- `build_generator(spec, config, **options)`: a Keras model from latent vectors
  (B, Z), or a list of them and labels (B,), to float32 images (B, H, W, C) in
  [-1, 1], or to a nest of images whose last leaf is full size;
- `build_discriminator(spec, config, **options)`: a Keras model from such images,
  or a flat list of them and labels, to float32 logits (B,), positive for real;
- optionally `FIXED`: a literal {field of `NetworkConfig`: value} of what the family
  does not let the configuration choose;
- optionally `NORMALIZATIONS`: a literal tuple of the `normalization` that its
  discriminator can have, its own default first. Without it, all;
- optionally `CHANNELS`: a literal tuple of the channels that its images can have.
  Without it, 1, 3 or 4;
- optionally `HAS_MAPPING = True`: the generator maps latent vectors to others, w, the
  output of its layer `MAPPED`; truncation then acts on w;
- optionally `generator_regularizer(spec, config, **options)`: a term of the generator's
  loss (`gan.path_length.PathLength`), or None;
- optionally `real_inputs(images)`: a nest of images like the generator's, made
  from real images (B, H, W, C). Without it, the images themselves;
- optionally, all three or none, `stages(spec, **options)`: sides in pixels that are
  trained in turn, full size last, and `generator_at(generator, side)` and
  `discriminator_at(discriminator, side)`: the part of a full-size network that a
  stage trains, made of the same layers. What a stage does not train must not
  contribute yet: the full-size networks then compute what the part does, for images
  enlarged by repeating pixels.

`spec` is an `ImageSpec`, `config` a `gan.config.NetworkConfig`. Options of the
family are keyword-only arguments of these functions, set by
`--networks.options key=value`. The layers come from
`common.fast.layers(config.kernels)`. A layer named "features" marks the
activations in which `health/` metrics are computed.

This module does not import TensorFlow: what exists is read from source files.
"""

import ast
import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from common import registry
from common.errors import InputError, printable
from common.key_values import parse_options
from gan.config import NORMALIZATIONS
from gan.resolution import Resolution, pair, shapes, shown

PACKAGE = "gan.networks"
BUILDERS = ("build_generator", "build_discriminator")
WITH_OPTIONS = (*BUILDERS, "generator_regularizer")
MAPPED = "mapped"  # name of the layer whose output is the mapped latent vector w


@dataclass(frozen=True)
class ImageSpec:
    """Shape of the images that a pair of networks is built for.

    Attributes:
        height: Pixels.
        width: Pixels.
        channels: 1, 3 or 4.
        classes: Number of classes to condition on; 0 without.
    """

    height: int
    width: int
    channels: int
    classes: int = 0


def names() -> tuple[str, ...]:
    """List the architecture families, in alphabetical order.

    Example:
        >>> names()
        ('dcgan', 'multi_scale', 'progressive', 'pytorch_example', 'resnet', 'style_based', ...)
    """
    return registry.module_names(PACKAGE, exclude=["base"])


def check_name(name: str) -> None:
    """Check that a family exists.

    Raises:
        InputError: It does not; the message suggests the nearest.
    """
    if name not in names():
        raise InputError(
            f"--networks {printable(name)}: unknown architecture family; expected one of "
            f"{', '.join(names())}{registry.did_you_mean(name, names())}"
        )


def get(name: str) -> ModuleType:
    """Import a family, and TensorFlow with it.

    Raises:
        InputError: There is no such family; the message suggests the nearest.

    Example:
        >>> generator = get("dcgan").build_generator(ImageSpec(32, 32, 3), NetworkConfig())
    """
    check_name(name)
    return importlib.import_module(f"{PACKAGE}.{name}")


def resolutions(name: str) -> tuple[Resolution, ...]:
    """List what a family names: sides of squares, or (height, width) pairs, in pixels.

    Raises:
        InputError: There is no such family.

    Example:
        >>> resolutions("tutorial")
        (28,)
    """
    check_name(name)
    return registry.constant(f"{PACKAGE}.{name}", "RESOLUTIONS")


def max_aspect(name: str) -> float:
    """Return how many times as long as the shorter side the longer one can be; 1: squares only.

    Raises:
        InputError: There is no such family.

    Example:
        >>> max_aspect("dcgan"), max_aspect("tutorial")
        (2, 1)
    """
    check_name(name)
    return registry.constant(f"{PACKAGE}.{name}", "MAX_ASPECT") or 1


def supported(name: str) -> tuple[tuple[int, int], ...]:
    """List all sizes that a family can make, as (height, width) in pixels.

    Raises:
        InputError: There is no such family.

    Example:
        >>> (64, 96) in supported("dcgan"), supported("tutorial")
        (True, ((28, 28),))
    """
    return shapes(resolutions(name), max_aspect(name))


def check_resolution(name: str, resolution: Resolution) -> None:
    """Check that a family can make images of a resolution.

    Args:
        name: Of the family.
        resolution: Side of a square, or (height, width), in pixels. 0 stands for
            the dataset's own resolution and passes.

    Raises:
        InputError: It cannot; the message lists what it can make.

    Example:
        >>> check_resolution("dcgan", 32)
    """
    if resolution and pair(resolution) not in supported(name):
        raise InputError(
            f"--resolution {shown(resolution)}: {name} cannot make it; expected one of "
            f"{', '.join(map(shown, resolutions(name)))}{_rectangles(name)}, or 0 for the "
            "dataset's own"
        )


def _rectangles(name: str) -> str:
    aspect = max_aspect(name)
    return f", HEIGHTxWIDTH of two of these with an aspect of at most {aspect}" * (aspect > 1)


def fixed(name: str) -> dict[str, Any]:
    """List the fields of `NetworkConfig` that a family fixes, with their values.

    Raises:
        InputError: There is no such family.

    Example:
        >>> fixed("resnet")
        {'upsampling': 'resize'}
    """
    check_name(name)
    return registry.constant(f"{PACKAGE}.{name}", "FIXED") or {}


def normalizations(name: str) -> tuple[str, ...]:
    """List the normalizations that a family's discriminator can have, its default first.

    Raises:
        InputError: There is no such family.

    Example:
        >>> normalizations("resnet"), normalizations("tutorial")
        (('none', 'spectral'), ('none',))
    """
    if "normalization" in fixed(name):
        return (fixed(name)["normalization"],)
    return registry.constant(f"{PACKAGE}.{name}", "NORMALIZATIONS") or NORMALIZATIONS


def check_normalization(name: str, normalization: str) -> None:
    """Check that a family's discriminator can have a normalization.

    Raises:
        InputError: It cannot, or there is no such family.

    Example:
        >>> check_normalization("resnet", "spectral")
    """
    expected = normalizations(name)
    if normalization not in expected:
        raise InputError(
            f"--set networks.normalization={normalization}: --networks {name} does not have it; "
            f"expected one of {', '.join(expected)}"
        )


def has_mapping(name: str) -> bool:
    """Return whether the generators of a family have a mapping network.

    Args:
        name: Of the family; without such a family, the answer is no.

    Example:
        >>> has_mapping("dcgan")
        False
    """
    return name in names() and bool(registry.constant(f"{PACKAGE}.{name}", "HAS_MAPPING"))


def require_square(name: str, spec: ImageSpec) -> int:
    """Return the side of square images, in pixels.

    Raises:
        InputError: Height and width differ.
    """
    if spec.height != spec.width:
        raise InputError(
            f"--networks {name}: got images of {spec.height}x{spec.width} pixels; expected squares"
        )
    return spec.height


def option_names(name: str) -> tuple[str, ...]:
    """List the options of a family: the keyword-only arguments of its functions.

    Raises:
        InputError: There is no such family.
    """
    functions = (each for each in _functions(name) if each.name in WITH_OPTIONS)
    found = [argument.arg for function in functions for argument in function.args.kwonlyargs]
    return tuple(dict.fromkeys(found))


def check_options(name: str, options: Iterable[str]) -> None:
    """Check that a family has the options that are given as `key=value`.

    Raises:
        InputError: One of them is unknown; the message lists those that exist.
    """
    known = option_names(name)
    for key in parse_options(options):
        if key not in known:
            expected = f"expected one of {', '.join(known)}" if known else "it has no options"
            raise InputError(
                f"--networks.options {printable(key)}: unknown to {name}; {expected}"
                f"{registry.did_you_mean(key, known)}"
            )


def grows(name: str) -> bool:
    """Return whether a family is trained in stages of growing resolution.

    Raises:
        InputError: There is no such family.

    Example:
        >>> grows("progressive")
        True
    """
    return any(function.name == "stages" for function in _functions(name))


def _functions(name: str) -> list[ast.FunctionDef]:
    check_name(name)
    source = (registry.ROOT / PACKAGE.replace(".", "/") / f"{name}.py").read_text()
    return [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
