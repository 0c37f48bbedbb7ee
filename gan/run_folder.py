"""Trains a DCGAN.

python -m gan.train                                 letters and digits, nothing to download
python -m gan.train --dataset mnist                 any image dataset of TensorFlow Datasets
python -m gan.train --dataset my_pictures/          a folder
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import runs
from common.errors import InputError
from common.files import remove_temporaries
from gan import config as configuration
from gan.config import Config
from gan.data import base

if TYPE_CHECKING:
    from common.distribution.replicas import Replicas
    from common.summaries import SummaryWriter
    from gan.model import GAN
from gan.build import _precision


def _open_folder(
    config: Config,
    folder: Path,
    gan: "GAN",
    pictures: base.Pictures,
    about: dict[str, Any],
    team: "Replicas",
    before: dict[str, Any] | None,
) -> "SummaryWriter":
    """Writes what describes the run, tidies up after an earlier part of it, and says both."""
    from common.summaries import SummaryWriter, flatten

    if before:
        runs.rewind_metrics(folder, int(gan.images_seen.numpy()))
        remove_temporaries(folder)
    fields = configuration.to_dict(config)
    runs.write_config(folder, fields, data=about, machine=_machine(config, team))
    _print_header(pictures, gan, about, folder)
    writer = SummaryWriter(folder)
    if not before:
        writer.text("config", _as_table(flatten(fields)))
        writer.hyperparameters(flatten(fields), trial=folder.name)
        writer.image("data/real", _real_grid(pictures), step=0)
    return writer


def _describe(config: Config, pictures: base.Pictures) -> dict[str, Any]:
    """What config.json says of the data."""
    resolution, channels = pictures.images.shape[2:]
    if len(pictures) < 2:
        raise InputError(f"--dataset {pictures.name}: expected at least 2 pictures, found 1")
    return {
        "name": pictures.name,
        "pictures": len(pictures),
        "skipped": len(pictures.skipped),
        "resolution": resolution,
        "channels": channels,
        "classes": _classes(config, pictures),
        "class_names": list(pictures.class_names),
        "fingerprint": pictures.fingerprint,
    }


def _machine(config: Config, team: "Replicas") -> dict[str, Any]:
    """What config.json says of the machine."""
    import keras
    import tensorflow as tf

    return {
        "precision": _precision(config),
        "devices": [device.device_type for device in tf.config.list_logical_devices()],
        "replicas": team.count,
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__},
    }


def _classes(config: Config, pictures: base.Pictures) -> int:
    """The number of classes to condition on; 0 for none."""
    classes = len(pictures.class_names)
    if config.data.conditional == "on" and classes < 2:
        raise InputError(
            f"--conditional on: {pictures.name} has no classes; expected sub-folders or labels"
        )
    enough = len(pictures) >= base.MIN_PER_CLASS * classes
    wanted = config.data.conditional == "on" or (config.data.conditional == "auto" and enough)
    return classes if wanted and classes > 1 else 0


def _real_grid(pictures: base.Pictures):
    import numpy as np

    from common import images as image_io

    chosen = np.random.default_rng(0).choice(len(pictures), min(100, len(pictures)), False)
    return image_io.grid(pictures.images[np.sort(chosen)])


def _as_table(fields: dict[str, object]) -> str:
    return "| field | value |\n|---|---|\n" + "\n".join(f"| {k} | {v} |" for k, v in fields.items())


def _print_header(pictures: base.Pictures, gan: "GAN", about: dict[str, Any], folder: Path) -> None:
    side, channels = about["resolution"], about["channels"]
    by_class = f", {about['classes']} classes" if about["classes"] else ""
    print(
        f"{pictures.name}: {len(pictures):,} pictures of {side}x{side}x{channels}{by_class} | "
        f"generator {gan.generator.count_params():,} and discriminator "
        f"{gan.discriminator.count_params():,} parameters, {gan.compute_dtype}"
    )
    if pictures.skipped:
        first = pictures.skipped[0]
        (folder / "skipped.txt").write_text("\n".join(pictures.skipped) + "\n")
        print(
            f"skipped {len(pictures.skipped)} unreadable pictures ({folder}/skipped.txt): {first}"
        )
    print(f"run: {folder}  (Ctrl-C saves and ends it)")
