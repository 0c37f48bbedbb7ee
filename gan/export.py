"""Export a trained generator to Keras, TensorFlow, ONNX or LiteRT, and test the result.

python -m gan.export --run runs/NAME --format onnx
python -m gan.export --run runs/NAME --card --out my_model/    for the Hugging Face Hub
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from common import cli
from common.errors import InputError
from common.exporting import formats
from common.exporting.formats import FORMATS
from common.files import atomic_folder, atomic_path, check_outputs
from gan import generator_file
from gan.exporting import model_card

if TYPE_CHECKING:
    import keras

PROGRAM = "python -m gan.export"


@dataclass(frozen=True)
class Config:
    """Export the EMA generator of a run, and test the result in a new process."""

    run: Path
    """Folder of the run."""
    format: Literal["keras", "savedmodel", "onnx", "litert"] = "keras"
    """onnx and litert need the packages of requirements-extra.txt."""
    out: Path | None = None
    """File to write, or folder of --format savedmodel and --card. Default: in the run's folder."""
    checkpoint: Literal["last", "best"] = "last"
    """Checkpoint of the run."""
    card: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Write a folder for the Hugging Face Hub: a model card, the Keras model, and the export in
    another format if one is given."""
    license: str = "unknown"
    """License of the weights in the model card, as the Hub names it, such as apache-2.0."""


def check(config: Config) -> None:
    """Check what can be known without TensorFlow.

    Raises:
        InputError: A package is missing, the run has no generator, or the target
            cannot be written.
    """
    formats.check_packages(config.format)
    generator_file.find(config.run, config.checkpoint)
    if not config.license.strip() or not config.license.isprintable():
        raise InputError(f"--license {config.license!r}: expected a name such as apache-2.0")
    path = output(config)
    nearest = next(each for each in path.absolute().parents if each.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise InputError(
            f"--out {path}: cannot be written, {nearest} is no folder to write in\n"
            "name another file with --out"
        )
    if not is_folder(config):
        check_outputs({"--out": path})
    elif path.exists() or path.is_symlink():
        raise InputError(f"--out {path}: exists already\nremove it, or name another folder")


def is_folder(config: Config) -> bool:
    """Return whether the export is a folder."""
    return config.card or not FORMATS[config.format].suffix


def output(config: Config) -> Path:
    """Return the file or folder to write: --out, or one in the run's folder.

    Example:
        >>> output(Config(run=Path("runs/glyphs"), format="onnx"))
        PosixPath('runs/glyphs/generator.onnx')
    """
    suffix = "" if config.card else FORMATS[config.format].suffix
    if config.out is not None:
        if not config.out.name:
            raise InputError(f"--out {config.out}: expected a name")
        return config.out.with_suffix(suffix) if suffix else config.out
    name = "hub" if config.card else "generator" if suffix else config.format
    best = "" if config.checkpoint == "last" else f"-{config.checkpoint}"
    return config.run / f"{name}{best}{suffix}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Export as the command line says and return the exit code."""
    config = cli.parse(Config, PROGRAM, arguments)
    check(config)
    cli.import_tensorflow()
    from gan import generate
    from gan.exporting import hub

    path = output(config)
    generator, about = generate.stock_generator(config.run, config.checkpoint)
    if config.card:
        extra = config.format if config.format != "keras" else None
        readme = model_card.readme(config.run, about, config.license, extra)
        with atomic_folder(path) as folder:
            hub.write_folder(folder, generator, about, readme)
            _test(generator, folder, "keras", about)
            if extra:
                exported = folder / model_card.exported_name(extra)
                formats.write(extra, generator, exported, about, generator_file.MEMBER)
                _test(generator, exported, extra, about)
        print(f"folder with a model card: {path} | upload it: hf upload USER/NAME {path}")
    else:
        with (atomic_folder if is_folder(config) else atomic_path)(path) as exported:
            formats.write(config.format, generator, exported, about, generator_file.MEMBER)
            _test(generator, exported, config.format, about)
        print(f"generator: {path} | how to load it: docs/export.md")
    return 0


def _test(generator: "keras.Model", exported: Path, name: str, about: Mapping[str, Any]) -> None:
    from gan.exporting import verification

    print(f"{name}: written; loading it in a new process without this code ...", flush=True)
    difference = verification.check(generator, exported, name, len(about["classes"]))
    print(
        f"{name}: {verification.COUNT} images agree; the largest difference of a value in [-1, 1] "
        f"is {difference:.2g}"
    )


if __name__ == "__main__":
    cli.run(main)
