"""Named configurations: what `--preset NAME` changes of the defaults.

Keys are dotted names of fields of `gan.config.Config`. Flags that are given on
the command line override a preset. Importable without TensorFlow.
"""

import dataclasses
from pathlib import Path
from typing import Any

from common import overrides, registry
from common.errors import InputError, printable
from gan.config import AUTO, Config, NetworkConfig
from gan.data import folder
from gan.data.base import ImageDataset, Request, dataset_names, is_folder
from gan.networks import base as families
from gan.resolution import pair

SMALL = 32  # pixels; up to this the defaults are best

PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "color": {  # color images above 32 pixels
        "batch_size": 64,
        "generator.optimizer": "muon",
        "generator.learning_rate": 1e-3,
        "discriminator.learning_rate": 1e-3,
        "balance.augment": 0.3,
        "networks.options": ("final_width=16",),
        "reconstruction.weight": 10.0,
        "run.tick_kimg": 5.0,  # a minute of one core at 64 pixels, three at 128
    },
    "few_images": {  # adaptive augmentation, Karras et al. 2020: for hundreds of images
        "balance.augment_target": 0.6,
    },
    "multi_scale": {  # as for color images: the family is for them
        "networks.name": "multi_scale",
        "batch_size": 64,
        "generator.optimizer": "muon",
        "generator.learning_rate": 1e-3,
        "discriminator.learning_rate": 1e-3,
        "balance.augment": 0.3,
    },
    "progressive": {  # as for color images: the family is for them
        "networks.name": "progressive",
        "batch_size": 64,
        "generator.optimizer": "muon",
        "generator.learning_rate": 1e-3,
        "discriminator.learning_rate": 1e-3,
        "balance.augment": 0.3,
    },
    "projected": {  # frozen features, Sauer et al. 2021
        "networks.name": "projected",
        "networks.options": ("final_width=16",),
        "loss": "hinge",
        "batch_size": 64,
        "generator.optimizer": "muon",
        "generator.learning_rate": 1e-3,
        "generator.beta_1": 0.0,
        "discriminator.learning_rate": 2e-4,
        "discriminator.beta_1": 0.0,
        "balance.augment": 0.3,
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
    "r3gan": {  # residual networks without normalization, Huang et al. 2024
        "networks.name": "resnet",
        "networks.normalization": "none",
        "networks.width": 16,  # a quarter of the multiplications of 32
        "networks.options": ("generator_normalization=none",),
        "loss": "relativistic",
        "penalty": "r1_r2",
        "penalty_interval": 4,  # every update would be several times slower on a CPU
        "batch_size": 64,
        "generator.optimizer": "muon",
        "generator.learning_rate": 5e-4,
        "generator.beta_1": 0.0,
        "discriminator.learning_rate": 5e-4,
        "discriminator.beta_1": 0.0,
    },
    "resnet": {  # residual networks without normalization in the discriminator
        "networks.name": "resnet",
        "networks.normalization": "none",
        "loss": "hinge",
        "batch_size": 64,
        "generator.optimizer": "muon",
        "generator.learning_rate": 1e-3,
        "generator.beta_1": 0.0,
        "discriminator.learning_rate": 1e-3,
        "discriminator.beta_1": 0.0,
    },
    "style_based": {  # StyleGAN2, Karras et al. 2020
        "networks.name": "style_based",
        "networks.minibatch_deviation": 4,
        "prior": "spherical",
        "penalty": "r1",
        "penalty_weight": 0.1,
        "penalty_interval": 8,
        "batch_size": 64,
        "generator.learning_rate": 5e-4,
        "generator.beta_1": 0.0,
        "discriminator.learning_rate": 5e-4,
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

REASONS = {  # why `choose` takes a preset; printed when a run starts
    "color": f"color images above {SMALL} pixels",
}


def choose(config: Config, dataset: ImageDataset | None = None) -> str:
    """Name the preset of a configuration that leaves it open.

    Args:
        config: `networks.name` and `data` are used. The headers of a folder's images
            are read.
        dataset: The images, if they are known already.

    Returns:
        The preset named like the family, unless that is the default one; "color"
        for color images above `SMALL` pixels, if they are a folder or given;
        otherwise "default".

    Raises:
        InputError: The dataset is a folder without images.

    Example:
        >>> choose(Config(data=DataConfig("my_images/", resolution=64)))
        'color'
    """
    name, data = config.networks.name, config.data
    if name != Config().networks.name:
        return default_preset(name)
    if dataset is not None:
        *size, channels = dataset.images.shape[1:]
    elif data.dataset in dataset_names() or not data.dataset or not is_folder(data.dataset):
        return "default"
    else:
        sizes = families.supported(name)
        request = Request(data.dataset, Path(), data.resolution, data.channels, supported=sizes)
        resolution, channels = folder.shape(request)
        size = pair(resolution)
    return "color" if channels > 1 and max(size) > SMALL else "default"


def fill(config: Config, name: str) -> Config:
    """Set what a preset names wherever a configuration has the default.

    Args:
        config: Its own values stay.
        name: Of the preset. With "auto" nothing changes.

    Example:
        >>> fill(Config(seed=3), "color").batch_size
        64
    """
    if name not in PRESETS:
        return config
    default, preset = Config(), apply(Config(), name)
    if config.networks.name != default.networks.name:
        preset = fitted(preset, config.networks.name)
    for path in overrides.paths(Config):
        if overrides.get(config, path) == overrides.get(default, path):
            config = overrides.replace(config, path, overrides.get(preset, path))
    return config


def fitted(preset: Config, family: str) -> Config:
    """Adapt a preset to the networks of another family.

    Args:
        preset: What `apply` returned.
        family: Name of an architecture family.

    Returns:
        The configuration with those options of `networks` that `family` has too, the
        fields of `networks` that it fixes, and a normalization that it can have.

    Raises:
        InputError: There is no such family.

    Example:
        >>> networks = fitted(apply(Config(), "color"), "resnet").networks
        >>> networks.options, networks.normalization
        ((), 'none')
        >>> fitted(apply(Config(), "color"), "progressive").networks.options
        ('final_width=16',)
    """
    networks = preset.networks
    if networks.name == family:
        return preset
    changes = {
        field: value
        for field, value in families.fixed(family).items()
        if getattr(networks, field) != getattr(NetworkConfig(), field)
    }
    normalizations = families.normalizations(family)
    if networks.normalization not in normalizations:
        changes["normalization"] = normalizations[0]
    known = families.option_names(family)
    options = tuple(each for each in networks.options if each.partition("=")[0] in known)
    networks = dataclasses.replace(networks, options=options, **changes)
    return dataclasses.replace(preset, networks=networks)


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


def apply(config: Config, name: str) -> Config:
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
        raise _unknown(name)
    for path, value in {**PRESETS[key], "preset": key}.items():
        config = overrides.replace(config, path, value)
    return config


def check(config: Config) -> None:
    """Check that the preset of a new run exists, and is more than a name.

    Args:
        config: Of the run; its preset may be "auto".

    Raises:
        InputError: There is no such preset, or all that it sets has the default: in
            Python the field `preset` is a record, and `apply` sets the others.

    Example:
        >>> check(apply(Config(), "color"))
    """
    name = config.preset
    if name == AUTO:
        return
    if name not in PRESETS:
        raise _unknown(name)
    fields, default = PRESETS[name], Config()
    if fields and all(
        overrides.get(config, each) == overrides.get(default, each) for each in fields
    ):
        raise InputError(
            f"--preset {name}: found the defaults of all that it sets; choose --preset default\n"
            f'in Python, start with gan.presets.apply(Config(), "{name}")'
        )


def _unknown(name: str) -> InputError:
    return InputError(
        f"--preset {printable(name)}: unknown preset; expected one of {', '.join(PRESETS)}"
        f"{registry.did_you_mean(name, PRESETS)}"
    )
