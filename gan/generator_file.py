"""The file generator.keras of a run: where it is, what it says, and when it is read.

It holds the EMA generator as stock Keras layers in float32, so that
`keras.saving.load_model` reads it in programs that do not have this code. One
more member of the archive, generator.json, says what the network expects and
makes; Keras ignores it.

A run's last generator is read from this file unless the run has a newer
checkpoint, because it was killed or is still training. The best one is always
rebuilt from its checkpoint.
"""

import dataclasses
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.checkpoints import Checkpoints
from common.errors import InputError
from common.exporting import formats
from common.priors import PRIORS, Mixture
from gan import description
from gan.description import Description

NAME = "generator.keras"
MEMBER = "generator.json"  # of the archive
FIELDS = {"images_seen": int, "latent": dict, "classes": list, "images": dict, "fingerprint": str}


@dataclass(frozen=True)
class Source:
    """Where the generator of a run is read from.

    Attributes:
        description: Of the run.
        file: Its generator.keras; None if the generator is rebuilt from a checkpoint.
        images_seen: Real images seen in training.
    """

    description: Description
    file: Path | None
    images_seen: int


def find(run: Path, checkpoint: str = "last", own: bool = False) -> Source:
    """Find the generator of a run, and check that it can be read, without TensorFlow.

    Args:
        run: The run's folder.
        checkpoint: "last", or "best" by the monitored metric.
        own: Whether the caller brings a `build` function for the networks. They are
            then rebuilt from the checkpoint.

    Returns:
        Its generator.keras, if the last one is asked for and no checkpoint has seen
        more images; otherwise the checkpoint.

    Raises:
        InputError: Not a run, a generator.keras that is damaged or of another run, or
            neither such a file nor a checkpoint that can be used.

    Example:
        >>> find(Path("runs/glyphs")).file
        PosixPath('runs/glyphs/generator.keras')
    """
    path = run / NAME
    if checkpoint == "last" and not own and path.exists():
        saved, about = description.read(run, own=True), read(path)
        if about["fingerprint"] != saved.fingerprint:
            raise InputError(
                f"{path}: its networks have the fingerprint {about['fingerprint']}, the run's have "
                f"{saved.fingerprint}\nit belongs to another run; remove it"
            )
        if about["images_seen"] >= newest(run):
            return Source(saved, path, about["images_seen"])
    saved = description.read(run, own=own)
    arrays, _ = Checkpoints(run).load(checkpoint)
    seen = next((int(value) for name, value in arrays.items() if name.endswith("images_seen")), 0)
    return Source(saved, None, seen)


def newest(run: Path) -> int:
    """Return how many images the newest checkpoint of a run has seen; -1 without one."""
    paths = Checkpoints(run).paths("last")
    return int(Checkpoints.PATTERN.fullmatch(paths[0].name)["images"]) if paths else -1


def describe(saved: Description, images_seen: int, latent_size: int) -> dict[str, Any]:
    """Describe a generator: what it takes, what it makes and where it is from.

    Args:
        saved: Description of its run.
        images_seen: Real images seen in training.
        latent_size: Dimensionality of the latent vectors that the network takes.

    Returns:
        What generator.json holds: `latent` (size, prior and its parameters),
        `classes` (names in the order of the labels; empty without), `images`
        (height, width, channels and range of the values), and their origin.

    Example:
        >>> describe(description.read(Path("runs/glyphs")), 10_000, 64)["latent"]
        {'size': 64, 'prior': 'normal', 'deviation': 1.0}
    """
    spec, config = saved.spec, saved.config
    return {
        "images_seen": images_seen,
        "latent": _describe_latent(config.prior, latent_size),
        "classes": list(saved.class_names) if spec.classes else [],
        "images": {
            "height": spec.height,
            "width": spec.width,
            "channels": spec.channels,
            "range": [-1, 1],
        },
        "dataset": Path(config.data.dataset).name,
        "networks": saved.family,
        "seed": config.seed,
        "fingerprint": saved.fingerprint,
    }


def _describe_latent(name: str, size: int) -> dict[str, Any]:
    prior = PRIORS[name]
    found = {"size": size, "prior": name, **dataclasses.asdict(prior)}
    if isinstance(prior, Mixture):
        found["means"] = prior.means(size).tolist()
    return found


def add(path: Path, about: Mapping[str, Any]) -> None:
    """Add generator.json to a file that `keras.Model.save` has written.

    Args:
        path: A .keras file.
        about: What `describe` returned.
    """
    formats.add_member(path, about, MEMBER)


def inputs(conditional: bool) -> list[str]:
    """Return the names of a generator's inputs.

    Example:
        >>> inputs(conditional=True)
        ['latent', 'label']
    """
    return ["latent", "label"] if conditional else ["latent"]


def read(path: Path) -> dict[str, Any]:
    """Read generator.json of a .keras file.

    Args:
        path: As `add` has written it.

    Raises:
        InputError: The file is damaged, or from another program.

    Example:
        >>> read(Path("runs/glyphs/generator.keras"))["images"]
        {'height': 32, 'width': 32, 'channels': 1, 'range': [-1, 1]}
    """
    try:
        with zipfile.ZipFile(path) as archive:
            torn = archive.testzip()
            if torn:
                raise ValueError(f"its member {torn} is torn")
            about = json.loads(archive.read(MEMBER))
        if not isinstance(about, dict):
            raise ValueError(f"{MEMBER} is no JSON object")
        for name, kind in FIELDS.items():
            if not isinstance(about.get(name), kind):
                raise ValueError(f"{MEMBER} has no field {name}")
    except (zipfile.BadZipFile, OSError, KeyError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{path}: cannot be read ({reason})\nremove it, then the checkpoint is used"
        ) from None
    return about
