"""The folder of a run: opened, described, checked on a resume and summarized."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from common import images as image_io
from common import runs
from common.checkpoints import Checkpoints
from common.distribution.replicas import Replicas
from common.errors import InputError
from common.files import remove_temporaries
from common.summaries import SummaryWriter, flatten
from common.transparency import over_checker
from gan import config as configuration
from gan import description, presets, resume
from gan.config import Config
from gan.data import crop
from gan.data.base import MIN_PER_CLASS, ImageDataset
from gan.metrics.reference import ReferenceStatistics
from gan.model import GAN
from gan.networks.base import ImageSpec
from gan.plan import Plan
from gan.resolution import plain, shown


@dataclass(frozen=True)
class Run:
    """What is resolved once, before the first training step.

    Attributes:
        config: The run's configuration.
        dataset: Real images.
        spec: Images to generate.
        train_index: Images to train on; None: all.
        held_out_index: Images held out to measure overfitting; None: none.
        precision: "float32", "bfloat16" or "float16".
        plan: When to log and when to end.
        replicas: Processes and devices that train.
        folder: Where everything is written.
        start: Images seen before this part of the run.
        state: What the last checkpoint holds besides variables.
        reference: Statistics of the real images; None without evaluation, and
            in processes other than the chief.
    """

    config: Config
    dataset: ImageDataset
    spec: ImageSpec
    train_index: np.ndarray | None
    held_out_index: np.ndarray | None
    precision: str
    plan: Plan
    replicas: Replicas
    folder: Path
    start: int
    state: dict[str, Any]
    reference: ReferenceStatistics | None = None


def check_workers(replicas: Replicas, config: Config, dataset: ImageDataset) -> None:
    """Check that all workers have the same configuration, dataset and precision.

    Raises:
        InputError: One differs.
    """
    fields = configuration.to_dict(config)
    for name in ("cache_dir", "strategy", "compile"):
        del fields["run"][name]
    precision = resume.precision_of(config)
    facts = json.dumps([fields, dataset.fingerprint, precision], sort_keys=True)
    if len(set(replicas.gather(hashlib.sha256(facts.encode()).hexdigest()))) > 1:
        raise InputError(
            "the workers differ in their arguments, their images or their precision\n"
            f"give all the same arguments and folders; {dataset.name} has the fingerprint "
            f"{dataset.fingerprint} here, --precision is {precision}"
        )


def create(config: Config, dataset: ImageDataset, replicas: Replicas) -> Path:
    """Return the run's folder in all processes; the chief creates a new one.

    Raises:
        InputError: The folder cannot be created or holds a run.
    """
    folder = config.run.resume
    if replicas.chief:
        folder = folder or runs.create(config.run.run_dir, Path(dataset.name).name)
        remove_temporaries(folder)  # of a process that was killed
    return Path(replicas.gather(str(folder))[0])


def open_writer(run: Run, gan: GAN, networks: dict[str, Any], resumed: bool) -> SummaryWriter:
    """Write what describes a run, print it, and open its TensorBoard log.

    Args:
        run: The run.
        gan: Its networks.
        networks: Their description for config.json.
        resumed: Whether an earlier part of the run is in the folder. What it
            logged after its last checkpoint is removed.
    """
    if resumed:
        runs.rewind_metrics(run.folder, run.start)
    fields = configuration.to_dict(run.config)
    runs.write_config(
        run.folder,
        fields,
        data=description.describe_data(run.dataset, run.spec),
        networks=networks,
        machine=_machine(run),
    )
    _print_header(run, gan, networks["family"])
    writer = SummaryWriter(run.folder)
    if not resumed:
        writer.text("config", _as_table(flatten(fields)))
        writer.hyperparameters(_hyperparameters(run, fields), run.folder.name, "gan.train")
        writer.image("training_images/real", _real_grid(run.dataset), step=0)
    return writer


def restored_state(checkpoints: Checkpoints) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read the last checkpoint of a run.

    Returns:
        Its arrays by name, empty if the run ended before its first checkpoint,
        and its state.
    """
    if not checkpoints.paths("last"):
        return {}, {
            "elapsed": 0.0,
            "best": None,
            "patience": {"best": None, "waited": 0},
            "health": {"lasted": {}, "raised": [], "alarms": []},
        }
    arrays, state = checkpoints.load("last")
    if not checkpoints.paths("best"):
        state["best"] = None
    return arrays, state


def _hyperparameters(run: Run, fields: dict[str, Any]) -> dict[str, bool | int | float | str]:
    """Return what can make a difference between runs: no folders, and `auto` resolved."""
    known = flatten({name: value for name, value in fields.items() if name != "run"})
    resolution = plain((run.spec.height, run.spec.width))
    return {
        **known,
        "data.dataset": Path(run.dataset.name).name,
        "data.resolution": resolution if isinstance(resolution, int) else shown(resolution),
        "data.channels": run.spec.channels,
        "data.conditional": "on" if run.spec.classes else "off",
        "precision": run.precision,
    }


def _machine(run: Run) -> dict[str, Any]:
    return {
        "precision": run.precision,
        "devices": [device.device_type for device in tf.config.list_logical_devices()],
        "replicas": run.replicas.count,
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__},
    }


def _real_grid(dataset: ImageDataset) -> np.ndarray:
    chosen = np.random.default_rng(0).choice(len(dataset), min(100, len(dataset)), False)
    return over_checker(image_io.grid(dataset.images[np.sort(chosen)]))


def _as_table(fields: dict[str, object]) -> str:
    return "| field | value |\n|---|---|\n" + "\n".join(f"| {k} | {v} |" for k, v in fields.items())


def _reason(preset: str) -> str:
    return f" (for {presets.REASONS[preset]})" if preset in presets.REASONS else ""


def _print_header(run: Run, gan: GAN, family: str | None) -> None:
    spec, skipped = run.spec, run.dataset.skipped
    classes = f", {spec.classes} classes" if spec.classes else ""
    layers = gan.discriminator.layers
    fixed = sum(layer.count_params() for layer in layers if not layer.trainable)
    discriminator = f"{gan.discriminator.count_params():,} parameters"
    discriminator += f" ({fixed:,} of them frozen)" if fixed else ""
    sides = ", ".join(str(each.side) for each in gan.stages[:-1])
    stages = f", grown from {sides} pixels" if sides else ""
    count = len(run.dataset.class_names)
    if (
        run.config.data.conditional == configuration.AUTO
        and len(run.dataset) < MIN_PER_CLASS * count
    ):
        classes = f", {count} classes of few images, not used (--conditional on uses them)"
    print(
        f"{run.dataset.name}: {len(run.dataset):,} images of "
        f"{spec.height}x{spec.width}x{spec.channels}{classes} | "
        f"{family or 'networks of build='}{stages}: generator {gan.generator.count_params():,} and "
        f"discriminator {discriminator}, {gan.compute_dtype} | "
        f"preset {run.config.preset}{_reason(run.config.preset)}"
    )
    size, asked = (spec.height, spec.width), run.config.data.resolution
    for line in crop.describe(run.dataset.fitting, len(run.dataset), size, spec.channels, asked):
        print(line)
    if skipped:
        (run.folder / "skipped.txt").write_text("\n".join(skipped) + "\n")
        print(f"skipped {len(skipped)} unreadable images ({run.folder}/skipped.txt): {skipped[0]}")
    print(f"run folder: {run.folder} (Ctrl-C saves the run and ends it)")
