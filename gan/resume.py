"""Checks before a run is resumed, most of them before TensorFlow is imported."""

from pathlib import Path
from typing import Any

from common import runs
from common.distribution import devices
from common.errors import InputError
from gan import config as configuration
from gan import description
from gan.config import Config
from gan.data.base import ImageDataset
from gan.plan import Plan


def read(config: Config, own: bool = False) -> dict[str, Any] | None:
    """Read config.json of the run to resume, and check that it can be resumed.

    Args:
        config: Configuration of the resumed run.
        own: Whether the caller brings a `build` function for the networks.

    Returns:
        The content of config.json; None if `config` starts a new run.

    Raises:
        InputError: Not a run, networks that cannot be rebuilt, or a field or the
            precision that differs from the run's.
    """
    if config.run.resume is None:
        return None
    saved = runs.read_config(config.run.resume, "--resume")
    description.read(config.run.resume, "--resume", own)
    check_unchanged(config, saved)
    return saved


def preset_of(config: Config) -> str:
    """Return the preset of the run to resume; "auto" if it has none.

    Raises:
        InputError: Not a run.
    """
    saved = runs.read_config(config.run.resume, "--resume")["config"]
    return saved.get("preset", configuration.AUTO)


def precision_of(config: Config) -> str:
    """Resolve `config.precision` for this machine: "float32", "bfloat16" or "float16"."""
    return devices.resolve_precision(config.precision, float16=True)


def check_unchanged(config: Config, saved: dict[str, Any]) -> None:
    """Check that a resume changes nothing that decides on the result.

    Args:
        config: Configuration of the resumed run.
        saved: config.json of the run. Fields that it does not know are compared
            with their defaults.

    Raises:
        InputError: A field or the precision differs.
    """
    before = configuration.to_dict(configuration.from_dict(saved["config"]))
    changed = [
        line
        for line in runs.differences(before, configuration.to_dict(config))
        if not line.startswith(configuration.CHANGEABLE)
    ]
    precision, had = precision_of(config), saved["machine"]["precision"]
    if precision != had:
        changed.append(f"precision on this machine: {had} -> {precision}")
    if changed:
        raise InputError(
            f"--resume {config.run.resume}: the run was started differently: {'; '.join(changed)}\n"
            "leave these changes out, or start a new run"
        )


def check_same_data(config: Config, dataset: ImageDataset, saved: dict[str, Any]) -> None:
    """Check that the dataset is the one that the run was started with.

    Raises:
        InputError: It has changed.
    """
    if saved["data"]["fingerprint"] != dataset.fingerprint:
        raise InputError(
            f"--resume {config.run.resume}: {dataset.name} has changed since the run began; "
            "start a new run"
        )


def check_unfinished(folder: Path, plan: Plan, images: int, elapsed: float) -> None:
    """Check that a run has images or minutes left.

    Args:
        folder: The run's folder.
        plan: When it ends.
        images: Images seen so far.
        elapsed: Seconds of training so far.

    Raises:
        InputError: It has reached one of its limits.
    """
    if plan.target_images and images >= plan.target_images:
        had = f"{plan.target_images} images"
    elif plan.minutes and elapsed >= 60 * plan.minutes:
        had = f"{plan.minutes:g} minutes"
    else:
        return
    raise InputError(
        f"--resume {folder}: the run has had its {had}\nask for more with --epochs or --max-minutes"
    )
