"""Checks of a training configuration before TensorFlow is imported."""

import dataclasses
from pathlib import Path

from common import runs
from common.bounds import check_bounds
from common.checkpoints import Checkpoints
from common.distribution import devices
from common.errors import InputError
from style_transfer.config import MASKABLE
from style_transfer.feedforward import config as configuration
from style_transfer.feedforward import contents
from style_transfer.feedforward import saved as saved_runs
from style_transfer.feedforward.config import Config
from style_transfer.feedforward.saved import Saved
from style_transfer.prepare import read_styles
from style_transfer.validation import check_extractor, parse_layers

MOST_STYLES = 64
LAYERS = "--set training.style_layers", "--set training.content_layers"


def check(config: Config) -> None:
    """Check everything that is known without TensorFlow.

    Raises:
        InputError: A value is out of its bounds, a file or folder cannot be used, or a
            resume changes what decides on the result.
    """
    check_bounds(config)
    training = config.training
    if training.precision == "float16":
        raise InputError(
            "--set training.precision=float16: expected auto, float32 or bfloat16\n"
            "sums over a layer's squares, which Gram matrices are, exceed the range of float16"
        )
    if configuration.crop_side(config) % configuration.MULTIPLE:
        raise InputError(
            f"--set training.crop={training.crop}: expected a multiple of "
            f"{configuration.MULTIPLE} pixels"
        )
    for flag, layers in zip(LAYERS, (training.style_layers, training.content_layers), strict=True):
        parse_layers(flag, layers)
    _check_files(config)
    if len(config.style) > 1 and config.statistic not in MASKABLE:
        raise InputError(
            f"--statistic {config.statistic}: reads more than moments, which only a single --style "
            f"allows\nexpected one of {', '.join(MASKABLE)}, or add the styles one by one"
        )
    check_extractor(config.extractor)
    if config.resume is not None:
        if config.run_dir is not None:
            raise InputError("--run-dir: a resumed run stays in its folder; leave this flag out")
        _check_unchanged(config, saved_runs.read(config.resume, "--resume"))
    elif config.run_dir is not None:
        runs.check_new(config.run_dir)
    if needs_base(config):
        _check_addition(config, saved_runs.read(config.add_style, "--add-style"))
    _check_readable(config)


def needs_base(config: Config) -> bool:
    """Return whether a run copies weights from that of `add_style`.

    A resumed run with a checkpoint has all weights in it.
    """
    if config.add_style is None:
        return False
    return config.resume is None or not Checkpoints(config.resume).paths("last")


def _check_files(config: Config) -> None:
    if not config.style:
        raise InputError("--style: missing; name one or more paintings")
    for path in config.style:
        check_file("--style", path)
    if len(config.style) > MOST_STYLES:
        raise InputError(f"--style: expected at most {MOST_STYLES}, got {len(config.style)}")
    if config.photos is not None and not config.photos.is_dir():
        raise InputError(f"--photos {config.photos}: expected a folder of photos")


def _check_readable(config: Config) -> None:
    untrimmed = dataclasses.replace(config, trim_style=False)  # trimming prints
    read_styles(config.style, configuration.as_stylization(untrimmed))
    if config.photos is not None:
        contents.check_readable(config.photos)


def check_file(flag: str, path: Path) -> None:
    """Check that an image file exists.

    Raises:
        InputError: It does not, or is a folder, a pipe or a device.
    """
    if not path.exists():
        raise InputError(f"{flag} {path}: no such file")
    if not path.is_file():
        kind = "a folder" if path.is_dir() else "a pipe or device"
        raise InputError(f"{flag} {path}: expected an image file, found {kind}")


def _check_unchanged(config: Config, saved: Saved) -> None:
    both = saved.config, config
    before, now = (configuration.to_dict(configuration.resolved(each)) for each in both)
    changed = [
        line
        for line in runs.differences(before, now)
        if not line.startswith(configuration.CHANGEABLE)
    ]
    precision = devices.resolve_precision(config.training.precision)
    had = saved.about["machine"].get("precision")
    if precision != had:
        changed.append(f"precision on this machine: {had} -> {precision}")
    if changed:
        raise InputError(
            f"--resume {config.resume}: the run was started differently: {'; '.join(changed)}\n"
            "leave these changes out, or start a new run"
        )


def _check_addition(config: Config, base: Saved) -> None:
    saved_runs.check_trained(base, "--add-style")
    asked, wanted = (configuration.resolved(each).network for each in (config, base.config))
    if asked != wanted:
        raise InputError(
            f"--add-style {config.add_style}: its network has a width of {wanted.width}, a "
            f"depth of {wanted.depth}, {wanted.waves} waves and {wanted.upsampling} upsampling\n"
            "leave out --width, --depth, --set network.waves and --set network.upsampling"
        )
    if len(config.style) + len(base.styles) > MOST_STYLES:
        raise InputError(
            f"--add-style {config.add_style}: has {len(base.styles)} styles already; a "
            f"network holds at most {MOST_STYLES}"
        )
