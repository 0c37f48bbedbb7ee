"""What `--method instant` refuses, checked before TensorFlow is imported."""

import dataclasses
from collections.abc import Sequence

from common.bounds import settings
from common.errors import InputError
from style_transfer.config import Config, OutputConfig

USED = {
    "content",
    "style",
    "keep",
    "size",
    "method",
    "seed",
    "appearance.strength",
    "appearance.style_weights",
    "appearance.style_scale",
    "appearance.trim_style",
    "appearance.colors",
    "output.out",
    "output.bits",
    "output.run_dir",
    "output.shard",
}
REASONS = {  # the rest are settings of the optimization
    "masks": "the moments are those of whole images",
    "extractor": "its decoder belongs to the embedded extractor",
    "preview": "it takes no iterations; name a smaller --size",
}
USUAL = "it optimizes nothing"


def check(config: Config) -> None:
    """Check that every setting that the instant method does not use has its default.

    Args:
        config: A configuration, from a command line or made in Python.

    Raises:
        InputError: One has not. Of another method nothing is checked.

    Example:
        >>> check(Config(method="instant", preview=True))
        InputError: --preview: not with --method instant: it takes no iterations; ...
    """
    if config.method != "instant":
        return
    defaults = {setting.path: setting.value for setting in settings(Config())}
    for setting in settings(config):
        if setting.path not in USED and setting.value != defaults[setting.path]:
            reason = REASONS.get(setting.path, USUAL)
            raise InputError(
                f"{setting.flag}: not with --method instant: {reason}\n"
                "leave it out, or use --method optimize"
            )


def check_arguments(config: Config, **arguments: object) -> None:
    """Check a call in Python, whose configuration's files are not used.

    Args:
        config: The configuration.
        **arguments: Callbacks, masks and an extractor, by name; empty or None if not given.

    Raises:
        InputError: A setting or an argument has no use.
    """
    if config.method != "instant":
        return
    check(dataclasses.replace(config, masks=(), keep=None, output=OutputConfig()))
    for name, value in arguments.items():
        if value is not None and not (isinstance(value, Sequence) and not value):
            raise InputError(
                f'{name}: not with method="instant": {REASONS.get(name, USUAL)}\n'
                'leave it out, or use method="optimize"'
            )
