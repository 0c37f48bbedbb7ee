"""Find anomalies: train on normal images, then score others.

python -m gan.anomaly --normal screws/train --test screws/test
python -m gan.anomaly --normal screws/train --test new/ --run-dir runs/DETECTOR --out found/
"""

import dataclasses
import json
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from common import cli, files, runs
from common.bounds import bounded, check_bounds
from common.errors import InputError, printable
from gan.anomalies import conformal, folders
from gan.config import CACHE
from gan.networks import base as families
from gan.resolution import ARGUMENT, Resolution, plain, shown

PROGRAM = "python -m gan.anomaly"
FAMILY = "dcgan"
STATE = "anomaly.json"  # in the folder of the detectors: what they were trained on
RESULTS = "results"  # the folder of the results, in that of the detectors
DEFAULT_MINUTES = 4.0


@dataclass(frozen=True)
class Config:
    """Train detectors on normal images, and score others: scores, p-values, heat maps."""

    normal: Path
    """Folder of normal images, at least 20. A fifth is held out to calibrate the p-values."""
    test: Path
    """Folder of images to test. With a subfolder `good` or `normal`, the other subfolders hold
    anomalies, and the detectors are rated."""
    fdr: float = bounded(0.1, above=0, high=0.99)
    """False discovery rate: highest expected share of normal images among the flagged ones."""
    max_minutes: float | None = bounded(None, above=0)
    """Training time of each seed in minutes, three quarters for the GAN and the rest for the
    encoder. Default: 4, or that of the detectors in --run-dir."""
    seeds: int = bounded(1, 1, 100)
    """Detectors to train. Their scores are averaged, and the table shows their spread."""
    resolution: Annotated[Resolution, ARGUMENT] = 0
    """Side of a square, or HEIGHTxWIDTH, in pixels. 0: the largest that fits the images, at most
    64; a rectangle if they are clearly not square."""
    draws: int = bounded(8, 1)
    """Draws of the encoder's weights; a score is their mean."""
    run_dir: Path | None = None
    """Folder of the detectors. Those that it has are used, or continued, the others are trained.
    Default: a new runs/anomaly-FOLDER-DATE-TIME."""
    out: Path | None = None
    """New folder of the results. Default: `results` in the folder of the detectors."""
    cache_dir: Path = CACHE
    """Folder of prepared images."""


def check(config: Config) -> Config:
    """Check everything that is known without TensorFlow.

    Returns:
        The configuration, with resolution and minutes of the detectors in `run_dir`.

    Raises:
        InputError: A value is out of its bounds, a folder is missing, empty, too
            small or cannot be written, or the two share images.
    """
    check_bounds(config)
    families.check_resolution(FAMILY, config.resolution)
    normal, _ = folders.files(config.normal, "--normal"), folders.files(config.test, "--test")
    folders.check_apart(config.normal, config.test)
    folders.check_count(len(normal), config.normal)
    _check_new("--out", output(config, config.run_dir or Path("runs/anomaly")))
    _check_writable("--run-dir", config.run_dir or Path("runs"))
    state = read_state(config.run_dir)
    for name, written in (("max_minutes", "{:g}".format), ("resolution", shown)):
        given, had = getattr(config, name), state.get(name)
        had = tuple(had) if isinstance(had, list) else had  # JSON has no tuples
        if given and had and given != had:
            raise InputError(
                f"--{name.replace('_', '-')} {written(given)}: the detectors in --run-dir "
                f"{config.run_dir} have {written(had)}\n"
                "leave the flag out, or name a new --run-dir"
            )
        config = dataclasses.replace(config, **{name: given or had or 0})
    minutes = config.max_minutes or DEFAULT_MINUTES
    return dataclasses.replace(config, max_minutes=minutes)


def output(config: Config, run_dir: Path) -> Path:
    """Return the folder of the results: --out, or `results` in the folder of the detectors."""
    return config.out or run_dir / RESULTS


def read_state(run_dir: Path | None) -> dict:
    """Read what the detectors in a folder were trained on; nothing if there are none.

    Raises:
        InputError: The folder holds something else.
    """
    if run_dir is None:
        return {}
    if (run_dir / runs.CONFIG).exists():
        raise InputError(
            f"--run-dir {printable(str(run_dir))}: holds a run of another command\n"
            "name the folder of a detector, or a new one"
        )
    if not (run_dir / STATE).exists():
        return {}
    try:
        return dict(json.loads((run_dir / STATE).read_text()))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"--run-dir {run_dir}: {STATE} is not valid ({error})\nname a new folder"
        ) from None


def write_state(run_dir: Path, **state: object) -> None:
    """Record what the detectors of a folder are trained on, or check that it is the same.

    Raises:
        InputError: The detectors in the folder were trained on other images.
    """
    before = read_state(run_dir)
    if before and before.get("fingerprint") != state["fingerprint"]:
        raise InputError(
            f"--run-dir {run_dir}: its detectors were trained on other images than --normal has "
            "now\nname a new folder"
        )
    files.write_json(run_dir / STATE, state)


def _check_new(flag: str, folder: Path) -> None:
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError(
            f"{flag} {printable(str(folder))}: exists already\nname a new folder for the results "
            f"with --out"
        )
    _check_writable(flag, folder)


def _check_writable(flag: str, folder: Path) -> None:
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise InputError(
            f"{flag} {printable(str(folder))}: cannot be made, {nearest} is no folder to write in"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and score as the command line says and return the exit code."""
    config = check(cli.parse(Config, PROGRAM, arguments))
    cli.import_tensorflow()
    from gan.anomalies import detection

    sizes = families.supported(FAMILY)
    normal = folders.read_normal(config.normal, config.cache_dir, config.resolution, sizes)
    height, width, channels = normal.images.shape[1:]
    resolution = plain((height, width))
    test = folders.read_test(config.test, config.cache_dir, resolution, channels)
    run_dir = config.run_dir or runs.create(None, f"anomaly-{config.normal.resolve().name}")
    run_dir.mkdir(parents=True, exist_ok=True)
    write_state(
        run_dir,
        fingerprint=normal.fingerprint,
        resolution=resolution,
        max_minutes=config.max_minutes,
    )
    try:
        found = detection.detect(
            normal,
            test,
            run_dir,
            minutes=config.max_minutes,
            seeds=config.seeds,
            draws=config.draws,
            fdr=config.fdr,
            cache=config.cache_dir,
        )
    except KeyboardInterrupt:
        again = _command(config, run_dir, config.test)
        print(f"\ninterrupted: what is trained is saved; continue with: {again}")
        return 130
    print(found.table)
    least = conformal.least_calibration(config.fdr)
    if found.calibration < least:
        print(
            f"nothing can be flagged at --fdr {config.fdr:g}: {found.calibration} calibration "
            f"images give no p-value below {1 / (found.calibration + 1):.2g}; {5 * least} normal "
            "images would"
        )
    folder = output(config, run_dir)
    detection.write(found, folder)
    print(
        f"results: {folder}/anomalies.csv, anomalies.png and heat_maps/ | other images: "
        f"{_command(config, run_dir, 'FOLDER')} --out NEW"
    )
    return 0


def _command(config: Config, run_dir: Path, test: Path | str) -> str:
    """Return the command that uses or continues the detectors of a folder."""
    words = ["-m", "gan.anomaly", "--normal", config.normal, "--test", test, "--run-dir", run_dir]
    words += ["--seeds", config.seeds] if config.seeds > 1 else []
    return f"{cli.python_to_type()} {shlex.join(map(str, words))}"


if __name__ == "__main__":
    cli.run(main)
