"""Bounds of configuration fields, declared with the field and checked by one loop."""

import dataclasses
import math
import typing
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import tyro

from common import overrides
from common.errors import InputError, printable
from common.registry import did_you_mean

T = TypeVar("T")
Hidden = Annotated[T, tyro.conf.Fixed]
"""A field without a flag: set it in Python, or by `--set FIELD=VALUE`."""


def bounded(
    default: Any,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
) -> Any:
    """Declare a number, or a tuple of numbers, whose bounds `check_bounds` checks.

    Args:
        default: The field's default. A value of None is always accepted.
        low: Smallest value.
        high: Largest value.
        above: Every value is larger than this.

    Example:
        >>> @dataclass(frozen=True)
        ... class Config:
        ...     size: int = bounded(512, 16, 16384)
    """
    return dataclasses.field(default=default, metadata={"min": low, "max": high, "above": above})


class Setting(NamedTuple):
    """One field of a configuration.

    Attributes:
        flag: How a command line sets it, such as "--size" or
            "--set optimization.tolerance".
        value: Its value.
        kind: Its annotated type.
        bounds: The field's metadata: "min", "max" and "above", or nothing.
        path: Its dotted path, such as "optimization.tolerance".
    """

    flag: str
    value: Any
    kind: Any
    bounds: Mapping[str, float | None]
    path: str


def settings(
    config: Any, path: str = "", prefix: str = "", hidden: bool = False
) -> Iterator[Setting]:
    """Iterate over the fields of a configuration and of those nested in it.

    Args:
        config: A dataclass instance.
        path: Dotted path of `config` in the root configuration, with a final dot.
        prefix: What flags of its fields start with.
        hidden: Whether none of its fields is a flag.

    Returns:
        An iterator over a `Setting` for each field that is not a dataclass.

    Example:
        >>> [setting.flag for setting in settings(Config())][:2]
        ['--content', '--style']
    """
    hints = typing.get_type_hints(type(config), include_extras=True)
    for field in dataclasses.fields(config):
        kind, markers = hints[field.name], ()
        if typing.get_origin(kind) is typing.Annotated:
            kind, markers = kind.__origin__, kind.__metadata__
        value = getattr(config, field.name)
        fixed = hidden or tyro.conf.Fixed in markers
        if dataclasses.is_dataclass(kind):
            omitted = tyro.conf.OmitArgPrefixes in markers
            below = "" if omitted else f"{prefix}{field.name}."
            yield from settings(value, f"{path}{field.name}.", below, fixed)
            continue
        names = [marker.name for marker in markers if getattr(marker, "name", None)]
        flag = f"--{names[0] if names else prefix + field.name}".replace("_", "-")
        path_of = f"{path}{field.name}"
        yield Setting(f"--set {path_of}" if fixed else flag, value, kind, field.metadata, path_of)


def check_bounds(config: Any, file: str = "") -> None:
    """Check every field of a configuration against its bounds and choices.

    A command line checks choices while it parses; this also covers
    configurations made in Python.

    Args:
        config: A dataclass instance; nested dataclasses are included.
        file: The file that it was read from; errors name it and the field's path
            instead of a flag.

    Raises:
        InputError: A number is out of its bounds or not finite, or a value is
            not one of the choices of a Literal.

    Example:
        >>> check_bounds(Config(size=3))
        InputError: --size: expected 16 to 16384, got 3
    """
    for setting in settings(config):
        name = f"{file}: {setting.path}" if file else setting.flag
        kind, values = setting.kind, [setting.value]
        if typing.get_origin(kind) is tuple:
            kind, values = typing.get_args(kind)[0], setting.value
        for value in values:
            if typing.get_origin(kind) is Literal:
                _check_choice(name, value, typing.get_args(kind))
            elif setting.bounds and value is not None:
                _check_number(name, value, setting.bounds)


def _check_choice(flag: str, value: Any, choices: tuple) -> None:
    if value not in choices:
        raise InputError(
            f"{flag}: expected one of {', '.join(map(str, choices))}, got {printable(str(value))}"
            f"{did_you_mean(str(value), map(str, choices))}"
        )


def _check_number(flag: str, value: float, bounds: Mapping[str, float | None]) -> None:
    low, high, above = (bounds[name] for name in ("min", "max", "above"))
    try:
        value = float(value)
    except OverflowError:  # a whole number of hundreds of digits
        value = math.inf
    inside = (
        math.isfinite(value)
        and (low is None or value >= low)
        and (high is None or value <= high)
        and (above is None or value > above)
    )
    if inside:
        return
    if above is not None:
        expected = f"more than {above:g}" + (f", at most {high:g}" if high is not None else "")
    else:
        expected = f"at least {low:g}" if high is None else f"{low:g} to {high:g}"
    raise InputError(f"{flag}: expected {expected}, got {value:g}")


def restored(kind: type[T], fields: dict[str, Any], file: str) -> T:
    """Read a configuration that a run has written, and check its bounds.

    Args:
        kind: The dataclass.
        fields: What the file holds.
        file: How errors name it.

    Raises:
        InputError: A field is unknown, has another type or is out of its bounds.
    """
    config = overrides.from_plain(kind, fields, file)
    try:
        check_bounds(config, file)
    except InputError as error:
        raise InputError(f"{error}\nrestore the value that the run was trained with") from None
    return config
