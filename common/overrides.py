"""Set fields of nested configurations by their dotted paths."""

import ast
import dataclasses
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from common.errors import InputError, printable
from common.registry import did_you_mean

T = TypeVar("T")
EXPECTED = {bool: "True or False", int: "an integer", float: "a number", type(None): "None"}


def paths(config: type) -> dict[str, Any]:
    """List the fields of a dataclass, those of nested dataclasses with dots.

    Args:
        config: A dataclass type.

    Returns:
        Dotted path -> annotated type, in the order of the fields.

    Example:
        >>> paths(Config)["run.histograms"]
        <class 'bool'>
    """
    found = {}
    hints = typing.get_type_hints(config)
    for field in dataclasses.fields(config):
        kind = hints[field.name]
        if dataclasses.is_dataclass(kind):
            found |= {f"{field.name}.{path}": below for path, below in paths(kind).items()}
        else:
            found[field.name] = kind
    return found


def get(config: Any, path: str) -> Any:
    """Return the field of a configuration with a dotted path.

    Example:
        >>> get(Config(), "run.histograms")
        False
    """
    for name in path.split("."):
        config = getattr(config, name)
    return config


def replace(config: T, path: str, value: Any) -> T:
    """Return a copy of a configuration in which one field has another value.

    Args:
        config: A dataclass instance.
        path: Dotted path of an existing field. The value is not checked.
        value: The new value.

    Example:
        >>> replace(Config(), "run.histograms", True).run.histograms
        True
    """
    name, _, below = path.partition(".")
    new = replace(getattr(config, name), below, value) if below else value
    return dataclasses.replace(config, **{name: new})


def from_plain(config: type[T], fields: Any, source: str, prefix: str = "") -> T:
    """Build a configuration from what JSON made of it: tuples are lists, paths are text.

    Args:
        config: A dataclass type.
        fields: {field: value}, nested for nested dataclasses. Fields that are
            missing have their defaults.
        source: How error messages name the file.
        prefix: Dotted path of `config` in the root configuration, with a final dot.

    Raises:
        InputError: A field is unknown or its value does not have its type.

    Example:
        >>> from_plain(Config, {"run": {"histograms": True}}, "config.json").run.histograms
        True
    """
    if not isinstance(fields, Mapping):
        raise InputError(f"{source}: expected the fields of {prefix or 'a configuration'}, got "
                         f"{str(fields)[:100]!r}")  # fmt: skip
    hints, values = typing.get_type_hints(config), {}
    for name, value in fields.items():
        if name not in hints:
            raise InputError(f"{source}: unknown field {prefix}{name}, written by another version")
        if dataclasses.is_dataclass(hints[name]):
            value = from_plain(hints[name], value, source, f"{prefix}{name}.")
        elif isinstance(value, list):
            value = tuple(_as_path(each, hints[name]) for each in value)
        else:
            value = _as_path(value, hints[name])
        if not _has_type(value, hints[name]):
            raise InputError(f"{source}: {prefix}{name} has the value {str(value)[:100]!r}, which "
                             "does not have its type")  # fmt: skip
        values[name] = value
    return config(**values)


def _as_path(value: Any, kind: Any) -> Any:
    """Return a text as a path if `kind` is or holds paths."""
    paths = Path in (kind, *typing.get_args(kind))
    return Path(value) if paths and isinstance(value, str) else value


def _has_type(value: Any, kind: Any) -> bool:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return value in arguments
    if origin in (typing.Union, types.UnionType):
        return any(_has_type(value, each) for each in arguments)
    if origin is tuple:
        return isinstance(value, tuple) and all(_has_type(each, arguments[0]) for each in value)
    if kind in (int, float):
        return isinstance(value, (int, kind)) and not isinstance(value, bool)
    return isinstance(value, kind)


def apply(config: T, assignments: Iterable[str], flag: str = "--set") -> T:
    """Return a copy of a configuration after assignments such as `run.histograms=True`.

    Args:
        config: A dataclass instance.
        assignments: Each `FIELD=VALUE`, where FIELD is a dotted path. VALUE is
            read by the type of the field; values of a tuple are separated by
            commas.
        flag: How error messages name the source of the assignments.

    Raises:
        InputError: A field is unknown, or a value does not have its type.

    Example:
        >>> apply(Config(), ["balance.pause_loss=0.3", "generator.learning_rate=1e-4"])
    """
    known = paths(type(config))
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if path not in known:
            raise InputError(
                f"{flag} {printable(assignment)}: unknown field{_suggestion(path, known)}"
            )
        if not equals:
            raise InputError(f"{flag} {printable(assignment)}: expected FIELD=VALUE")
        try:
            value = convert(text, known[path])
        except ValueError as error:
            raise InputError(f"{flag} {printable(assignment)}: expected {error}") from None
        config = replace(config, path, value)
    return config


def convert(text: str, kind: Any) -> Any:
    """Read a value by its annotated type.

    Args:
        text: A Python literal or a bare string.
        kind: bool, int, float, str, Path, a Literal, an optional of these or a
            tuple of these.

    Raises:
        ValueError: The text is not of this type; the message is what was
            expected.

    Example:
        >>> convert("translate,flip", tuple[str, ...])
        ('translate', 'flip')
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        for choice in arguments:
            if _unquote(text) == str(choice):
                return choice
        raise ValueError(f"one of {', '.join(map(str, arguments))}{did_you_mean(text, arguments)}")
    if origin in (typing.Union, types.UnionType):
        return _first_that_fits(text, sorted(arguments, key=lambda each: each is not type(None)))
    if origin is tuple:
        return _tuple(text, arguments)
    if kind in (bool, type(None)):
        values = {"true": True, "false": False} if kind is bool else {"none": None}
        if text.lower() not in values:
            raise ValueError(EXPECTED[kind])
        return values[text.lower()]
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            raise ValueError(EXPECTED[kind]) from None
    return kind(_unquote(text)) if kind in (str, Path) else ast.literal_eval(text)


def _first_that_fits(text: str, kinds: Iterable[Any]) -> Any:
    expected = []
    for kind in kinds:
        try:
            return convert(text, kind)
        except ValueError as error:
            expected.append(str(error))
    raise ValueError(" or ".join(reversed(expected)))


def _tuple(text: str, kinds: tuple) -> tuple:
    parts = [part.strip() for part in text.strip("()[] ").split(",")]
    parts = [part for part in parts if part]  # a trailing comma, an empty tuple
    if kinds[-1] is Ellipsis:
        kinds = kinds[:1] * len(parts)
    if len(parts) != len(kinds):
        raise ValueError(f"{len(kinds)} values separated by commas")
    return tuple(convert(part, kind) for part, kind in zip(parts, kinds, strict=True))


def _unquote(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if quoted else text


def _suggestion(path: str, known: Iterable[str]) -> str:
    """Name the fields of a group, the fields that end in `path`, or the nearest ones."""
    fields = [each for each in known if each.startswith(f"{path}.")]
    if fields:
        return f"; {path} is a group with the fields {', '.join(fields)}"
    last = path.rpartition(".")[2]
    same = [each for each in known if each.rpartition(".")[2] == last]
    return f"; did you mean {', '.join(same)}?" if same else did_you_mean(path, known)
