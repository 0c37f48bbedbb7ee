"""Description of a run's data and networks in config.json, readable without TensorFlow.

A trained network is only rebuilt from this description if the rebuilt one is
the same: its fingerprint covers every layer's settings, not only the shapes of
the weights.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common import runs
from common.errors import InputError
from gan import config as configuration
from gan.config import Config, DataConfig
from gan.data.base import MIN_PER_CLASS, ImageDataset
from gan.networks import base as families
from gan.networks.base import ImageSpec

MOST = {"height": 8192, "width": 8192, "channels": 4, "classes": 2**20}  # what can be real
IGNORED = {"build_config", "dtype", "module", "name", "registered_name", "trainable"}


@dataclass(frozen=True)
class Description:
    """What is needed to rebuild the networks of a run.

    Attributes:
        config: The run's configuration.
        spec: Size, channels and classes of its images.
        class_names: Names of the classes of the dataset; empty without labels.
        family: Architecture family; None for networks given in Python.
        fingerprint: `fingerprint` of the networks that were trained.
    """

    config: Config
    spec: ImageSpec
    class_names: tuple[str, ...]
    family: str | None
    fingerprint: str


def image_spec(dataset: ImageDataset, data: DataConfig) -> ImageSpec:
    """Determine the images to generate and whether to condition on classes.

    Args:
        dataset: Real images.
        data: The configuration; `conditional` decides on the classes.

    Raises:
        InputError: Fewer than 2 images, or `conditional` is "on" and the dataset
            has no classes.

    Example:
        >>> image_spec(glyphs, DataConfig())
        ImageSpec(height=32, width=32, channels=1, classes=36)
    """
    if len(dataset) < 2:
        raise InputError(f"--dataset {dataset.name}: expected at least 2 images, found 1")
    classes = len(dataset.class_names)
    if data.conditional == "on" and classes < 2:
        raise InputError(
            f"--conditional on: {dataset.name} has no classes; expected subfolders or labels"
        )
    enough = len(dataset) >= MIN_PER_CLASS * classes
    wanted = data.conditional == "on" or (data.conditional == "auto" and enough)
    height, width, channels = dataset.images.shape[1:]
    return ImageSpec(height, width, channels, classes if wanted and classes > 1 else 0)


def describe_data(dataset: ImageDataset, spec: ImageSpec) -> dict[str, Any]:
    """Describe the training images for config.json."""
    return {
        "name": dataset.name,
        "images": len(dataset),
        "skipped": len(dataset.skipped),
        **asdict(spec),
        "class_names": list(dataset.class_names),
        "fingerprint": dataset.fingerprint,
        "fitting": asdict(dataset.fitting) if dataset.fitting else None,
    }


def describe_networks(family: str | None, *networks: Any) -> dict[str, Any]:
    """Describe the networks for config.json.

    Args:
        family: Architecture family; None for networks given in Python.
        *networks: The generator and the discriminator, Keras models.
    """
    return {"family": family, "fingerprint": fingerprint(*networks)}


def fingerprint(*networks: Any) -> str:
    """Hash the architecture of networks.

    Args:
        *networks: Keras models.

    Returns:
        16 hexadecimal digits. They are equal for networks with the same layers,
        connected in the same way and with the same settings. The layers' names
        and the precision do not count: they depend on the process and machine.

    Example:
        >>> fingerprint(gan.generator, gan.discriminator)
        '5f0b...'
    """
    parts = [_normalized(network) for network in networks]
    text = json.dumps(parts, sort_keys=True, default=lambda value: type(value).__name__)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read(run: Path, flag: str = "--run", own: bool = False) -> Description:
    """Read the description of a run.

    Args:
        run: The run's folder.
        flag: How error messages name its source.
        own: Whether the caller brings a `build` function for the networks.

    Raises:
        InputError: Not a run, a field of its description is missing, its networks
            were given in Python and `own` is false, or the file of their family
            no longer exists.
    """
    about = runs.read_config(run, flag)
    config = configuration.from_dict(about["config"], file=f"{flag} {run}: {runs.CONFIG}")
    for name in ("machine.precision", "data.fingerprint"):
        _field(about, name, run, flag)
    family = _field(about, "networks.family", run, flag, str | None)
    class_names = tuple(map(str, _field(about, "data.class_names", run, flag, list)))
    saved = Description(
        config,
        _spec(about, class_names, run, flag),
        class_names,
        family,
        _field(about, "networks.fingerprint", run, flag),
    )
    if own:
        return saved
    if family is None:
        raise InputError(
            f"{flag} {run}: this run trained networks that were given in Python\n"
            "rebuild them in Python: pass the same function as build="
        )
    if family not in families.names():
        raise InputError(
            f"{flag} {run}: its networks cannot be rebuilt, gan/networks/{family}.py is missing\n"
            "restore this file, or pass build= to gan.generate.load_generator in Python"
        )
    return saved


def check_fingerprint(saved: str, run: Path, flag: str, *networks: Any) -> None:
    """Check that rebuilt networks are those that were trained.

    Args:
        saved: Fingerprint of the networks that were trained.
        run: The run's folder.
        flag: How the error names its source.
        *networks: The rebuilt generator and discriminator.

    Raises:
        InputError: The fingerprints differ.
    """
    found = fingerprint(*networks)
    if found != saved:
        raise InputError(
            f"{flag} {run}: expected networks with the fingerprint {saved}, rebuilt {found}\n"
            "use the version of the code and of Keras that trained this run, or, in Python, pass "
            "the function that built its networks as build="
        )


def _spec(about: Mapping[str, Any], class_names: Sequence[str], run: Path, flag: str) -> ImageSpec:
    spec = {name: _field(about, f"data.{name}", run, flag, int) for name in MOST}
    for name, value in spec.items():
        most = len(class_names) if name == "classes" else MOST[name]
        least = 0 if name == "classes" else 1
        if not least <= value <= most:
            raise InputError(
                f"{flag} {run}: {runs.CONFIG}: data.{name}: expected {least} to {most}, got "
                f"{value}\nrestore the value that the run was trained with"
            )
    return ImageSpec(**spec)


def _field(about: Mapping[str, Any], path: str, run: Path, flag: str, kind: Any = str) -> Any:
    part, name = path.split(".")
    try:
        value = about[part][name]
    except (KeyError, TypeError):
        raise InputError(
            f"{flag} {run}: its networks cannot be rebuilt, config.json has no field {path}\n"
            "it was written by another version, use that one"
        ) from None
    if not isinstance(value, kind):
        raise InputError(
            f"{flag} {run}: its networks cannot be rebuilt, config.json holds {value!r} as {path}"
        )
    return value


def _places(config: Mapping[str, Any]) -> dict[str, int]:
    """Number the layers by their names, which depend on the process, also in nested networks."""
    found = {}
    for place, layer in enumerate(config.get("layers", [])):
        name = layer.get("name") or layer["config"]["name"]  # an operation's is not in its config
        found |= {**_places(layer["config"]), name: place}
    return found


def _normalized(network: Any) -> Any:
    """Return a network's configuration without what depends on the process or machine."""
    try:
        config = network.get_config()
    except NotImplementedError:  # a subclassed model: its weights are all that is known
        return [type(network).__name__, [list(weight.shape) for weight in network.weights]]
    places = _places(config)

    def normalize(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(k): normalize(v) for k, v in value.items() if k not in IGNORED}
        if isinstance(value, list | tuple):
            return [normalize(each) for each in value]
        if isinstance(value, np.generic):
            return value.item()
        return places.get(value, value) if isinstance(value, str) else value

    return normalize(config)
