"""Export a trained network to Keras, TensorFlow, ONNX or LiteRT, and test the result.

python -m style_transfer.feedforward.export_network --run runs/style-NAME --format onnx
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from common import cli
from common.checkpoints import Checkpoints
from common.errors import InputError
from common.exporting import formats
from common.exporting.formats import FORMATS
from common.files import atomic_folder, atomic_path, check_outputs
from style_transfer.feedforward import config as configuration
from style_transfer.feedforward import saved as saved_runs
from style_transfer.feedforward.saved import Saved

PROGRAM = "python -m style_transfer.feedforward.export_network"
MEMBER = "network.json"  # the description in the export
MULTIPLE, SMALLEST = 8, 16  # of an image's sides in pixels


@dataclass(frozen=True)
class Config:
    """Export the network of a run, and test the result in a new process."""

    run: Path
    """Run folder of the network."""
    format: Literal["keras", "savedmodel", "onnx", "litert"] = "keras"
    """onnx and litert need the packages of requirements-extra.txt."""
    out: Path | None = None
    """File to write, or folder of --format savedmodel. Default: in the run's folder."""


def check(config: Config) -> Saved:
    """Check what can be known without TensorFlow.

    Raises:
        InputError: A package is missing, the run has no network, or the target cannot be
            written.
    """
    formats.check_packages(config.format)
    saved = saved_runs.read(config.run, "--run")
    saved_runs.check_trained(saved, "--run")
    path = output(config)
    nearest = next(each for each in path.absolute().parents if each.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise InputError(f"--out {path}: cannot be written, {nearest} is no folder to write in")
    if FORMATS[config.format].suffix:
        check_outputs({"--out": path})
    elif os.path.lexists(path):
        raise InputError(f"--out {path}: exists already\nremove it, or name another folder")
    return saved


def output(config: Config) -> Path:
    """Return the file or folder to write: --out, or one in the run's folder.

    Example:
        >>> output(Config(run=Path("runs/style-wave"), format="onnx"))
        PosixPath('runs/style-wave/network.onnx')
    """
    suffix = FORMATS[config.format].suffix
    if config.out is None:
        return config.run / (f"network{suffix}" if suffix else config.format)
    if not config.out.name:
        raise InputError(f"--out {config.out}: expected a name")
    return config.out.with_suffix(suffix) if suffix else config.out


def describe(saved: Saved) -> dict[str, Any]:
    """Describe a network: what it takes and makes, and where it is from.

    Args:
        saved: Its run.

    Returns:
        What network.json in the export holds.
    """
    newest = Checkpoints(saved.folder).paths("last")[0]
    return {
        "styles": list(saved.styles),
        "image": {
            "channels": 3,
            "range": [0, 1],
            "sides_are_multiples_of": MULTIPLE,
            "smallest_side": SMALLEST,
        },
        "trained_for_longer_side": saved.config.size,
        "width": saved.config.network.width,
        "depth": saved.config.network.depth,
        "waves": configuration.resolved(saved.config).network.waves,
        "upsampling": saved.config.network.upsampling,
        "images_seen": int(Checkpoints.PATTERN.fullmatch(newest.name)["images"]),
        "seed": saved.config.seed,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Export as the command line says and return the exit code."""
    config = cli.parse(Config, PROGRAM, arguments)
    saved, path = check(config), output(config)
    cli.import_tensorflow()
    from style_transfer.feedforward import build, exported, palette_layers

    network = palette_layers.with_palettes(build.load(saved, kernels="keras"), saved.palettes)
    with (atomic_path if FORMATS[config.format].suffix else atomic_folder)(path) as target:
        formats.write(config.format, network, target, describe(saved), MEMBER)
        print(f"{config.format}: written; loading it in a new process without this code ...")
        difference = exported.check(network, target, config.format)
    print(
        f"{config.format}: images of {len(exported.SIZES)} sizes agree; the largest difference of "
        f"a value in [0, 1] is {difference:.2g}\n"
        f"network: {path} | how to load it: docs/feedforward.md"
    )
    return 0


if __name__ == "__main__":
    cli.run(main)
