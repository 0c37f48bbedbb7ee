"""Checks of a configuration before TensorFlow is imported."""

import math
import os
import re
import socket
from collections import Counter
from pathlib import Path

from common import npz
from common.bounds import check_bounds
from common.errors import InputError
from common.files import check_outputs, with_suffix
from common.images import check_writable, image_files
from common.registry import did_you_mean
from common.runs import check_new
from style_transfer import mask_files
from style_transfer.config import EMBEDDED, KERAS_FILES, LEAST_STRENGTH, Config
from style_transfer.instant import unsupported

KERAS_HOST = ("storage.googleapis.com", 443)
KERAS_SUFFIXES = (".h5", ".hdf5", ".keras")  # that Keras loads weights from
HDF5 = b"\x89HDF\r\n\x1a\n"  # the first bytes of a file
DEEP = (".png", ".tif", ".tiff")  # formats of 16 bits per channel
STYLE_LAYERS, CONTENT_LAYERS = "--set appearance.style_layers", "--set appearance.content_layers"


def check(config: Config) -> None:
    """Check everything that is known without TensorFlow.

    Raises:
        InputError: A value is out of its bounds or not a choice, two values
            contradict each other, or a file or folder cannot be used.
    """
    unsupported.check(config)
    check_settings(config, max(1, len(config.style)))
    _check_files(config)
    mask_files.check(config, contents(config))
    check_output(config)
    check_extractor(config.extractor)
    if config.output.run_dir is not None:
        check_new(config.output.run_dir)


def check_settings(config: Config, styles: int) -> None:
    """Check the fields that are neither files nor an extractor.

    Args:
        config: A configuration, from a command line or made in Python.
        styles: Number of style images.

    Raises:
        InputError: A value is out of its bounds or not a choice, or two values
            contradict each other.
    """
    check_bounds(config)
    if config.optimization.precision == "float16":
        raise InputError(
            "--set optimization.precision=float16: expected auto, float32 or bfloat16\n"
            "sums over a layer's squares, which Gram matrices are, exceed the range of float16"
        )
    strength = config.appearance.strength
    if 0 < strength < LEAST_STRENGTH:
        raise InputError(f"--strength: expected 0, or {LEAST_STRENGTH:g} to 1, got {strength:g}")
    weights = config.appearance.style_weights
    if weights and len(weights) != styles:
        raise InputError(
            f"--style-weights: expected one for each of the {styles} styles, got {len(weights)}"
        )
    if weights and not any(weights):
        raise InputError("--style-weights: expected at least one above 0")
    parse_layers(STYLE_LAYERS, config.appearance.style_layers)
    parse_layers(CONTENT_LAYERS, config.appearance.content_layers)


def parse_layers(flag: str, layers: tuple[str, ...]) -> dict[str, float]:
    """Parse LAYER and LAYER=WEIGHT.

    Args:
        flag: How an error names the source.
        layers: Such as ("relu1_1", "relu2_1=0.5").

    Returns:
        {layer: weight}; a weight that is not given is 1.

    Raises:
        InputError: A weight is not a finite number of at least 0.
    """
    weights = {}
    for text in layers:
        layer, _, weight = text.partition("=")
        try:
            weights[layer] = float(weight or 1.0)
        except ValueError:
            weights[layer] = math.nan
        if not 0 <= weights[layer] < math.inf:
            raise InputError(f"{flag}: expected LAYER or LAYER=WEIGHT, got {text!r}")
    return weights


def contents(config: Config) -> list[Path]:
    """List the content images: one, or this shard's part of a folder, in the order of names."""
    if config.content is None or not config.content.is_dir():
        return [config.content]
    index, count = parse_shard(config.output.shard)
    return image_files(config.content)[index::count]


def results(config: Config) -> list[Path]:
    """Name the result of each of `contents` in the folder of results.

    photo.jpg becomes photo.png; of several images with this stem, photo.jpg.png,
    in capitals or not, since some file systems do not tell them apart.

    Raises:
        InputError: Two images would have the same result.
    """
    index, count = parse_shard(config.output.shard)
    paths = image_files(config.content)
    stems = Counter(path.stem.casefold() for path in paths)
    alone = [stems[path.stem.casefold()] == 1 for path in paths]
    names = [
        f"{path.stem if one else path.name}.png" for path, one in zip(paths, alone, strict=True)
    ]
    for name, times in Counter(name.casefold() for name in names).items():
        if times > 1:
            raise InputError(
                f"--content {config.content}: {times} images would have the result {name}\n"
                "rename one of them"
            )
    return [config.output.out / name for name in names[index::count]]


def parse_shard(text: str) -> tuple[int, int]:
    """Parse INDEX/COUNT.

    Raises:
        InputError: The text has another form, or the index is not below the count.
    """
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found or int(found[1]) >= int(found[2]):
        raise InputError(
            "--set output.shard: expected INDEX/COUNT with an index from 0 to COUNT - 1, "
            f"got {text!r}"
        )
    return int(found[1]), int(found[2])


def _check_files(config: Config) -> None:
    if config.content is None and config.style:
        raise InputError("--content: missing; name the photo to stylize")
    if config.content is not None and not config.style:
        raise InputError("--style: missing; name one or more paintings")
    folder = config.content is not None and config.content.is_dir()
    if parse_shard(config.output.shard) != (0, 1) and not folder:
        raise InputError("--set output.shard: expected --content to be a folder")
    if folder and not image_files(config.content):
        raise InputError(f"--content {config.content}: no images in this folder")
    for flag, path in (("--content", config.content), *(("--style", p) for p in config.style)):
        if path is None:
            continue
        if not path.exists():
            raise InputError(f"{flag} {path}: no such file")
        if flag == "--style" and path.is_dir():
            raise InputError(f"{flag} {path}: a folder; expected an image file")
        if not path.is_dir() and not path.is_file():
            raise InputError(f"{flag} {path}: expected an image file, found a pipe or device")


def check_output(config: Config) -> None:
    """Check where results are written, and print which files will be replaced.

    Raises:
        InputError: There cannot be results.
    """
    out, folder = config.output.out, config.content is not None and config.content.is_dir()
    if folder and out is None:
        raise InputError("--out: missing; name a folder for the results of a folder of contents")
    if out is not None:
        (_check_out_folder if folder else _check_out_file)(config, out)
        nearest = next(path for path in out.absolute().parents if path.exists())
        if not nearest.is_dir() or not os.access(nearest, os.W_OK):
            raise InputError(f"--out {out}: {nearest} is not a writable folder")
    if config.output.animation is not None and folder:
        raise InputError("--animation: expected --content to be a file, not a folder")
    animation = with_suffix("--animation", config.output.animation, ".gif")
    outputs = {"--out": None if folder else out, "--animation": animation}
    check_outputs(outputs, _inputs(config))


def _check_out_folder(config: Config, out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise InputError(f"--out {out}: expected a folder, for a folder of contents")
    if out.resolve() == config.content.resolve():
        raise InputError(f"--out {out}: is the folder of contents; name another")
    results(config)


def _check_out_file(config: Config, out: Path) -> None:
    if out.is_dir():
        raise InputError(f"--out {out}: a folder; expected the name of an image file")
    check_writable(out, "--out")
    if any(_same(out, path) for path in _inputs(config)):
        raise InputError(f"--out {out}: would overwrite the image it is made from")
    if config.output.bits == 16 and out.suffix.lower() not in DEEP:
        raise InputError(
            f"--set output.bits=16: expected --out to end in .png or .tif, got {out.name}"
        )


def _inputs(config: Config) -> list[Path]:
    named = (config.content, *config.style, *config.masks, config.keep)
    return [path for path in named if path is not None]


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def check_extractor(name: str, flag: str = "--extractor") -> None:
    """Check that an extractor's weights can probably be loaded.

    Args:
        name: A name or a file.
        flag: Named in error messages.

    Raises:
        InputError: The name is unknown, the file is missing, or weights have to
            be downloaded and there is no network.
    """
    if name in EMBEDDED:
        return
    if name in KERAS_FILES:
        home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
        cached = home / "models" / KERAS_FILES[name]
        if not cached.is_file() and not _reachable(KERAS_HOST):
            advice = "--extractor compact is embedded and works without a network"
            if flag != "--extractor":
                advice = "name a file of its weights, .npz or .h5"
            raise InputError(
                f"{flag} {name}: its weights are not in {cached} and {KERAS_HOST[0]} "
                f"cannot be reached\n{advice}"
            )
        return
    path, names = Path(name), (*EMBEDDED, *KERAS_FILES)
    if not path.is_file():
        raise InputError(
            f"{flag} {name}: expected {', '.join(names)} or a file of weights"
            f"{did_you_mean(name, names)}"
        )
    if path.suffix == ".npz":
        npz.read(path)
    elif path.suffix not in KERAS_SUFFIXES:
        raise InputError(f"{flag} {name}: expected weights in an .npz file or in Keras's .h5")
    elif path.suffix != ".keras":
        with path.open("rb") as file:
            if file.read(len(HDF5)) != HDF5:
                raise InputError(f"{flag} {name}: not a file of weights (it is no HDF5 file)")


def _reachable(address: tuple[str, int], seconds: float = 4.0) -> bool:
    try:
        with socket.create_connection(address, timeout=seconds):
            return True
    except OSError:
        return False
