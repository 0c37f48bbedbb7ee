"""The contract of an architecture family, and the families that exist.

A family is one module of this package, found by its file name. It defines

- `RESOLUTIONS`: a literal tuple of the sides in pixels that it can make, or of
  (height, width) pairs;
- `build_generator(spec, config, **options)`: a Keras model from latent vectors
  (B, Z), or a list of them and labels (B,), to float32 images (B, H, W, C) in
  [-1, 1], or to a nest of images whose last leaf is full size;
- `build_discriminator(spec, config, **options)`: a Keras model from such images,
  or a flat list of them and labels, to float32 logits (B,), positive for real;
- optionally `FIXED`: a literal {field of `NetworkConfig`: value} of what the family
  does not let the configuration choose;
- optionally `HAS_MAPPING = True`: the generator maps latent vectors to others, w, the
  output of its layer `MAPPED`; truncation then acts on w;
- optionally `generator_regularizer(spec, config, **options)`: a term of the generator's
  loss (`gan.path_length.PathLength`), or None;
- optionally `real_inputs(images)`: a nest of images like the generator's, made
  from real images (B, H, W, C). Without it, the images themselves.

`spec` is an `ImageSpec`, `config` a `gan.config.NetworkConfig`. Options of the
family are keyword-only arguments of these functions, set by
`--networks.options key=value`. The layers come from
`common.fast.layers(config.kernels)`. A layer named "features" marks the
activations in which `health/` metrics are computed.

This module does not import TensorFlow: what exists is read from source files.
"""

import ast
import importlib
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from common import registry
from common.errors import InputError, printable

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
        ('dcgan', 'pytorch_example', 'resnet', 'style_based', 'tutorial')
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


def resolutions(name: str) -> tuple[int | tuple[int, int], ...]:
    """List what a family can make: sides of squares, or (height, width) pairs, in pixels.

    Raises:
        InputError: There is no such family.

    Example:
        >>> resolutions("tutorial")
        (28,)
    """
    check_name(name)
    return registry.constant(f"{PACKAGE}.{name}", "RESOLUTIONS")


def check_resolution(name: str, resolution: int | tuple[int, int]) -> None:
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
    known = [_pair(each) for each in resolutions(name)]
    if resolution and _pair(resolution) not in known:
        raise InputError(
            f"--resolution {_shown(resolution)}: {name} cannot make it; expected one of "
            f"{', '.join(_shown(each) for each in resolutions(name))}, or 0 for the dataset's own"
        )


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


def parse_options(
    options: Iterable[str], flag: str = "--networks.options"
) -> dict[str, bool | int | float | str | tuple | None]:
    """Parse `key=value` pairs whose values are Python literals.

    Args:
        options: The pairs. A value that is no literal is taken as a string.
        flag: Named in the error message.

    Raises:
        InputError: A pair has no key or no value.

    Example:
        >>> parse_options(("depth=2", "norm=batch", "sides=(4, 8)"))
        {'depth': 2, 'norm': 'batch', 'sides': (4, 8)}
    """
    parsed = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not (key.strip() and equals and value.strip()):
            raise InputError(f"{flag} {printable(option)}: no value; expected key=value")
        try:
            parsed[key.strip()] = ast.literal_eval(value.strip())
        except (SyntaxError, ValueError):
            parsed[key.strip()] = value.strip()
    return parsed


def option_names(name: str) -> tuple[str, ...]:
    """List the options of a family: the keyword-only arguments of its functions.

    Raises:
        InputError: There is no such family.
    """
    check_name(name)
    source = (registry.ROOT / PACKAGE.replace(".", "/") / f"{name}.py").read_text()
    functions = (
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name in WITH_OPTIONS
    )
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


def check_number(option: str, value: Any, least: int, whole: bool = True) -> None:
    """Check the value of an option that is a number.

    Args:
        option: Its name.
        value: Of `parse_options`.
        least: Smallest number that is allowed.
        whole: Whether it must be an integer.

    Raises:
        InputError: It is not such a number.

    Example:
        >>> check_number("depth", 2, 1)
    """
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or value < least:
        kind = "an integer" if whole else "a number"
        raise InputError(
            f"--networks.options {option}={printable(str(value))}: expected {kind} of at least "
            f"{least}"
        )


def accepted(function: Callable[..., Any], options: dict[str, Any]) -> dict[str, Any]:
    """Select the options that a function has among its keyword-only arguments.

    Example:
        >>> accepted(lambda spec, config, *, depth=1: None, {"depth": 2, "norm": "none"})
        {'depth': 2}
    """
    parameters = inspect.signature(function).parameters.values()
    own = {each.name for each in parameters if each.kind is each.KEYWORD_ONLY}
    return {key: value for key, value in options.items() if key in own}


def _pair(resolution: int | tuple[int, int]) -> tuple[int, int]:
    return (resolution, resolution) if isinstance(resolution, int) else tuple(resolution)


def _shown(resolution: int | tuple[int, int]) -> str:
    return str(resolution) if isinstance(resolution, int) else "x".join(map(str, resolution))
