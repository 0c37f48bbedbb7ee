"""Named configurations: what `--preset NAME` changes of the defaults.

Keys are dotted names of fields of `gan.config.Config`. Flags that are given on
the command line override a preset. Importable without TensorFlow.
"""

import dataclasses
from typing import TYPE_CHECKING, Any

from common import registry
from common.errors import InputError

if TYPE_CHECKING:
    from gan.config import Config

PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "few_images": {  # adaptive augmentation, Karras et al. 2020: for hundreds of images
        "balance.augment_target": 0.6,
    },
    "pytorch_example": {  # https://github.com/pytorch/examples/tree/main/dcgan
        "networks.name": "pytorch_example",
        "data.resolution": 64,
        "batch_size": 128,
        "generator.learning_rate": 2e-4,
        "generator.beta_2": 0.999,
        "discriminator.learning_rate": 2e-4,
        "discriminator.beta_2": 0.999,
    },
    "resnet": {  # residual networks without normalization in the discriminator
        "networks.name": "resnet",
        "networks.normalization": "none",
        "loss": "hinge",
        "generator.learning_rate": 1e-3,
        "generator.beta_1": 0.0,
        "discriminator.learning_rate": 1e-3,
        "discriminator.beta_1": 0.0,
    },
    "tutorial": {  # https://www.tensorflow.org/tutorials/generative/dcgan
        "networks.name": "tutorial",
        "data.resolution": 28,
        "update": "simultaneous",
        "generator.learning_rate": 1e-4,
        "generator.beta_1": 0.9,
        "generator.beta_2": 0.999,
        "discriminator.learning_rate": 1e-4,
        "discriminator.beta_1": 0.9,
        "discriminator.beta_2": 0.999,
    },
}


def default_preset(networks: str) -> str:
    """Name the preset that `--networks` implies if `--preset` is not given.

    Args:
        networks: Name of an architecture family.

    Returns:
        The preset of the same name if there is one, otherwise "default".

    Example:
        >>> default_preset("tutorial"), default_preset("dcgan")
        ('tutorial', 'default')
    """
    return networks if networks in PRESETS else "default"


def apply(config: "Config", name: str) -> "Config":
    """Set the fields that a preset names.

    Args:
        config: Start of the new configuration.
        name: Of the preset; hyphens count as underscores.

    Returns:
        A new configuration whose field `preset` is `name`.

    Raises:
        InputError: There is no such preset; the message suggests the nearest.

    Example:
        >>> apply(Config(), "tutorial").generator.learning_rate
        0.0001
    """
    key = name.replace("-", "_")
    if key not in PRESETS:
        raise InputError(
            f"--preset {name}: unknown preset; expected one of {', '.join(PRESETS)}"
            f"{registry.did_you_mean(key, PRESETS)}"
        )
    for path, value in {**PRESETS[key], "preset": key}.items():
        config = _replace(config, path.split("."), value)
    return config


def _replace(config: Any, path: list[str], value: Any) -> Any:
    """Copy a nested dataclass with one field changed."""
    field, *rest = path
    return dataclasses.replace(
        config, **{field: _replace(getattr(config, field), rest, value) if rest else value}
    )
