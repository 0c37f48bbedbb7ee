"""What a stylization is told; checked before TensorFlow is imported."""

import math
import os
import re
import socket
from pathlib import Path

from common import npz
from common.errors import InputError
from common.images import SUFFIXES, image_files
from common.runs import check_new
from style_transfer.config import EMBEDDED, KERAS_FILES, SMALLEST_SIDE, Config

KERAS_HOST = ("storage.googleapis.com", 443)


def check(config: Config) -> None:
    """Raises InputError for everything that can be known without TensorFlow."""
    look, search, output = config.appearance, config.optimization, config.output
    for flag, value, low, high in (
        ("--size", config.size, SMALLEST_SIDE, 16384),
        ("--seed", config.seed, 0, 2**31 - 100),
        ("--strength", look.strength, 0, 1),
        ("--style-scale", look.style_scale, 0.05, 10),
        ("--total-variation", look.total_variation, 0, math.inf),
        ("--iterations", search.iterations, 1, 1_000_000),
        ("--learning-rate", search.learning_rate, 1e-6, 1),
        ("--smallest", search.smallest, SMALLEST_SIDE, 16384),
        ("--tolerance", search.tolerance, 0, 1),
        ("--refine", search.refine, 0, 1),
        ("--correct", search.correct, 0, math.inf),
    ):
        if not low <= value <= high:
            raise InputError(f"{flag}: expected {low:g} to {high:g}, got {value:g}")
    if search.precision == "float16":
        raise InputError(
            "--precision float16: expected auto, float32 or bfloat16; sums over a layer's squares, "
            "which Gram matrices are, leave float16's range"
        )
    if search.max_minutes is not None and not 0 < search.max_minutes < math.inf:
        raise InputError(f"--max-minutes: expected more than 0, got {search.max_minutes:g}")
    if look.style_weights and len(look.style_weights) != max(1, len(config.style)):
        raise InputError(
            f"--style-weights: expected one for each of the {len(config.style)} styles, "
            f"got {len(look.style_weights)}"
        )
    if any(not 0 <= weight < math.inf for weight in look.style_weights) or (
        look.style_weights and not any(look.style_weights)
    ):
        raise InputError("--style-weights: expected numbers of at least 0, and one above")
    for flag, layers in (
        ("--style-layers", look.style_layers),
        ("--content-layers", look.content_layers),
    ):
        parse_layers(flag, layers)
    _check_files(config)
    _check_output(config)
    check_extractor(config.extractor)
    if output.run_dir is not None:
        check_new(output.run_dir)


def parse_layers(flag: str, layers: tuple[str, ...]) -> dict[str, float]:
    """LAYER and LAYER=WEIGHT as {layer: weight}.

    Raises:
        InputError: a weight that is none.
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
    """The pictures to paint: one, or this shard's of a folder, in the order of their names."""
    if config.content is None or not config.content.is_dir():
        return [config.content]
    index, count = parse_shard(config.output.shard)
    return image_files(config.content)[index::count]


def parse_shard(text: str) -> tuple[int, int]:
    """INDEX/COUNT as numbers.

    Raises:
        InputError: it is not that.
    """
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found or int(found[1]) >= int(found[2]):
        raise InputError(
            f"--shard: expected INDEX/COUNT with an index from 0 to COUNT - 1, got {text!r}"
        )
    return int(found[1]), int(found[2])


def _check_files(config: Config) -> None:
    if config.content is None and config.style:
        raise InputError("--content: missing; name the picture to paint")
    if config.content is not None and not config.style:
        raise InputError("--style: missing; name one or more pictures to take the style from")
    folder = config.content is not None and config.content.is_dir()
    if parse_shard(config.output.shard) != (0, 1) and not folder:
        raise InputError("--shard: expected --content to be a folder")
    if folder and not image_files(config.content):
        raise InputError(f"--content {config.content}: no pictures in this folder")
    for flag, path in (("--content", config.content), *(("--style", p) for p in config.style)):
        if path is None:
            continue
        if not path.exists():
            raise InputError(f"{flag} {path}: no such file")
        if flag == "--style" and path.is_dir():
            raise InputError(f"{flag} {path}: a folder; expected a picture")


def _check_output(config: Config) -> None:
    out, bits = config.output.out, config.output.bits
    folder = config.content is not None and config.content.is_dir()
    if folder and out is None:
        raise InputError("--out: missing; name a folder for the results of a folder of contents")
    if out is not None:
        if folder and out.exists() and not out.is_dir():
            raise InputError(f"--out {out}: expected a folder, for a folder of contents")
        if folder and out.resolve() == config.content.resolve():
            raise InputError(f"--out {out}: is the folder of contents; name another")
        if not folder and out.is_dir():
            raise InputError(f"--out {out}: a folder; expected the name of a picture")
        if not folder and out.suffix.lower() not in SUFFIXES:
            raise InputError(
                f"--out {out}: expected a name that ends in one of {', '.join(sorted(SUFFIXES))}"
            )
        if not folder and any(_same(out, p) for p in (config.content, *config.style) if p):
            raise InputError(f"--out {out}: would overwrite the picture it is made from")
        nearest = next(path for path in out.absolute().parents if path.exists())
        if not nearest.is_dir() or not os.access(nearest, os.W_OK):
            raise InputError(f"--out {out}: {nearest} is no folder to write in")
        if bits == 16 and not folder and out.suffix.lower() not in (".png", ".tif", ".tiff"):
            raise InputError(f"--bits 16: expected --out to end in .png or .tif, got {out.name}")
    if config.output.animation is not None and folder:
        raise InputError("--animation: expected one content, not a folder")


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def check_extractor(name: str) -> None:
    """Raises InputError if the weights are certainly not to be had."""
    if name in EMBEDDED:
        return
    if name in KERAS_FILES:
        home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
        cached = home / "models" / KERAS_FILES[name]
        if not cached.is_file() and not _reachable(KERAS_HOST):
            raise InputError(
                f"--extractor {name}: its weights are not in {cached} and {KERAS_HOST[0]} "
                "cannot be reached\n--extractor compact is embedded and works without a network"
            )
        return
    path = Path(name)
    if not path.is_file():
        names = ", ".join((*EMBEDDED, *KERAS_FILES))
        raise InputError(f"--extractor {name}: expected {names} or a file of weights")
    if path.suffix == ".npz":
        npz.read(path)


def _reachable(address: tuple[str, int], seconds: float = 4.0) -> bool:
    try:
        with socket.create_connection(address, timeout=seconds):
            return True
    except OSError:
        return False
