"""What a run folder records of a GAN's training, read without TensorFlow."""

import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import overrides, runs
from gan import config as configuration
from gan import presets
from gan.config import Config
from gan.description import Description

EVALUATION = "evaluation.json"  # as gan.evaluate writes it


@dataclass(frozen=True)
class Record:
    """The files of a run, without its networks.

    Attributes:
        folder: The run's folder.
        about: All of config.json.
        described: Its configuration and images.
        summary: All of summary.json; empty while the run trains or if it was killed.
        metrics: One row per tick, {"images": images seen, name: value}.
        snapshots: (images seen, grid of samples) in the order of training.
        evaluation: What `gan.evaluate` measured last, if anything.
    """

    folder: Path
    about: dict[str, Any]
    described: Description
    summary: dict[str, Any]
    metrics: list[dict[str, float]]
    snapshots: list[tuple[int, Path]]
    evaluation: dict[str, Any]

    @property
    def config(self) -> Config:
        """The run's configuration."""
        return self.described.config


def read(folder: Path, described: Description) -> Record:
    """Read the record of a run.

    Files that are missing or torn, as a killed process leaves them, count as empty.

    Args:
        folder: The run's folder.
        described: The description in its config.json.

    Raises:
        InputError: Not a run.

    Example:
        >>> folder = Path("runs/glyphs")
        >>> read(folder, description.read(folder)).summary["status"]
        'finished'
    """
    about = runs.read_config(folder, "--run")
    rows = runs.read_rows(folder / runs.METRICS)
    samples = (folder / "samples").glob("[0-9]*.png")
    return Record(
        folder=folder,
        about=about,
        described=described,
        summary=runs.read_object(folder / runs.SUMMARY),
        metrics=[row for row in rows if _is_number(row.get("images"))],
        snapshots=sorted((int(path.stem), path) for path in samples if path.stem.isdigit()),
        evaluation=runs.read_object(folder / EVALUATION),
    )


def series(metrics: list[dict[str, float]], name: str) -> list[tuple[int, float]]:
    """Return the values of one metric over training.

    Args:
        metrics: Rows as of `Record.metrics`.
        name: Of the metric.

    Returns:
        (images seen, value) of the rows that hold a finite one.

    Example:
        >>> series([{"images": 10, "loss": 0.5}, {"images": 20}], "loss")
        [(10, 0.5)]
    """
    return [(int(row["images"]), row[name]) for row in metrics if _is_number(row.get(name))]


def training_command(config: Config) -> str:
    """Write the command line that trains with a configuration.

    Args:
        config: Of a run.

    Returns:
        `python -m gan.train` with the preset, and `--set` for every other field
        that differs from it, quoted for a shell.

    Example:
        >>> training_command(Config(preset="default", seed=3))
        'python -m gan.train --preset default --set seed=3'
    """
    changed = [f"{path}={_as_text(value)}" for path, value, _ in changes(config)]
    words = ["python", "-m", "gan.train", "--preset", preset_of(config)]
    return shlex.join([*words, *(["--set", *changed] if changed else [])])


def changes(config: Config) -> list[tuple[str, Any, Any]]:
    """List the fields in which a configuration differs from its preset.

    Args:
        config: Of a run.

    Returns:
        (dotted path, value, the preset's value) of each.

    Example:
        >>> changes(Config(preset="default", seed=3))
        [('seed', 3, 0)]
    """
    preset = presets.apply(Config(), preset_of(config))
    found = []
    for path in overrides.paths(Config):
        value, default = overrides.get(config, path), overrides.get(preset, path)
        if value != default and path not in ("preset", "run.run_dir", "run.resume"):
            found.append((path, value, default))
    return found


def preset_of(config: Config) -> str:
    """Name the preset that a configuration is compared with.

    Args:
        config: Of a run. Its preset may be "auto" if it was given in Python, or
            unknown to this version.

    Returns:
        The configuration's own if it exists, otherwise "default".

    Example:
        >>> preset_of(Config(preset="auto"))
        'default'
    """
    return config.preset if config.preset in presets.PRESETS else "default"


def settings(config: Config) -> dict[str, Any]:
    """Return all fields of a configuration by their dotted paths, as JSON values."""
    fields = configuration.to_dict(config)
    known = overrides.paths(Config)
    return {path: _within(fields, path) for path in known if _within(fields, path, True)}


def _within(fields: Mapping[str, Any], path: str, exists: bool = False) -> Any:
    *groups, name = path.split(".")
    for group in groups:
        fields = fields[group]
    return name in fields if exists else fields[name]


def _as_text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
