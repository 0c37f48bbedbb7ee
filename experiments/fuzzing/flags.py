"""Random words of a command line: flags of a configuration with valid and odd values."""

import typing
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from common.bounds import Setting
from experiments.fuzzing.images import pick

NUMBERS = (
    *("0", "-0", "-1", "1", "2", "0.5", "1.5", "1e-320", "1e308", "1e999", "-1e999", "nan", "inf"),
    *("-inf", "99999999999999999999", "2147483648", "-2147483649", "abc", "", " 7", "0x10"),
    *("1_000", "\u0663", "1e3", "True", "None", "1,5", "--", "-", "1/0", "[]", "{}", "\udce9"),
    *("1\n2", "\n", "9" * 400),
)
TEXTS = (
    *("", " ", "x", "auto", "Auto", "none", "a=b", "=", "a=", "=b", "\u00e9", "\udcff"),
    *("a\nb", "\x1b[2J"),
)
UNKNOWN = (
    *("--bath-size", "--dataste", "--seeed", "--no-such-flag", "--content-", "-s", "-", "--", "x"),
    *("---", "--set=", "--=1", "--styles", "--learning-rate", "--\u00e9", "--horizontal_flip"),
    *("--latent-size", "--run_dir", "--no-preview", "--no-preview=1", "--set.x", "--\udce9"),
    *("--line\nbreak", "line\nbreak", "\x1b[31m"),
)


def words(
    rng: np.random.Generator, setting: Setting, paths: Sequence[str], valid: float = 0.5
) -> list[str]:
    """Draw a flag and its value.

    Args:
        rng: The source of all randomness.
        setting: A field of the configuration.
        paths: What a field that holds a path may be set to.
        valid: Probability of a value that has the field's type.

    Example:
        >>> words(rng, setting, paths=[])
        ['--batch-size', '-1']
    """
    flag, _, field = setting.flag.partition(" ")
    values = _values(rng, setting.kind, paths, setting.bounds if rng.random() < valid else None)
    if field:
        text = f"{field}={','.join(values)}"
        broken = (field, f"{field}==", f"={text}", f"{field}.x=1", text.replace(".", ""))
        return [flag, text if rng.random() < 0.9 else pick(rng, broken)]
    if setting.kind is bool:
        negative = f"--no-{flag[2:]}"
        return [pick(rng, (flag, flag, negative))] + (values if rng.random() < 0.1 else [])
    return [flag, *values]


def _values(
    rng: np.random.Generator, kind: typing.Any, paths: Sequence[str], bounds: typing.Any
) -> list[str]:
    """Draw the words of one value; without bounds an odd one."""
    arguments = typing.get_args(kind)
    origin = typing.get_origin(kind)
    if origin is tuple:
        count = int(rng.integers(0, 4))
        return [word for _ in range(count) for word in _values(rng, arguments[0], paths, bounds)]
    if origin is typing.Literal:
        choice = str(pick(rng, arguments))
        return [choice if bounds is not None else pick(rng, (choice[:-1], choice.upper(), *TEXTS))]
    if type(None) in arguments:
        kind = next(each for each in arguments if each is not type(None))
    if kind is Path:
        return [pick(rng, paths)]
    if kind is bool:
        return [pick(rng, ("True", "False") if bounds is not None else NUMBERS)]
    if kind in (int, float):
        return [_number(rng, kind, bounds) if bounds is not None else pick(rng, NUMBERS)]
    return [pick(rng, (*TEXTS, *paths))]


def _number(rng: np.random.Generator, kind: type, bounds: typing.Any) -> str:
    low, high = bounds.get("min"), bounds.get("max")
    low = bounds.get("above") if low is None else low
    low = 0 if low is None else low
    high = low + pick(rng, (1, 10, 1000)) if high is None else high
    value = low + (high - low) * rng.random() ** 3
    return str(kind(value)) if rng.random() < 0.8 else str(pick(rng, (low, high)))


def unknown(rng: np.random.Generator) -> list[str]:
    """Draw a flag that does not exist, or a word without a flag."""
    return [pick(rng, UNKNOWN)] + ([pick(rng, NUMBERS)] if rng.random() < 0.5 else [])
