"""Options given as `key=value` words, for parts that the configuration does not know."""

import ast
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from common.errors import InputError, printable


def parse_options(
    options: Iterable[str], flag: str = "--networks.options"
) -> dict[str, bool | int | float | str | tuple | None]:
    """Parse `key=value` pairs whose values are Python literals.

    Args:
        options: The pairs. A value that is no literal is taken as a string.
        flag: Named in the error message.

    Raises:
        InputError: A pair has no key or no value.

    Example:
        >>> parse_options(("depth=2", "norm=batch", "sides=(4, 8)"))
        {'depth': 2, 'norm': 'batch', 'sides': (4, 8)}
    """
    parsed = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not (key.strip() and equals and value.strip()):
            raise InputError(f"{flag} {printable(option)}: no value; expected key=value")
        try:
            parsed[key.strip()] = ast.literal_eval(value.strip())
        except (SyntaxError, ValueError):
            parsed[key.strip()] = value.strip()
    return parsed


def check_number(option: str, value: Any, least: int, whole: bool = True) -> None:
    """Check the value of an option that is a number.

    Args:
        option: Its name.
        value: Of `parse_options`.
        least: Smallest number that is allowed.
        whole: Whether it must be an integer.

    Raises:
        InputError: It is not such a number.

    Example:
        >>> check_number("depth", 2, 1)
    """
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or value < least:
        kind = "an integer" if whole else "a number"
        raise InputError(
            f"--networks.options {option}={printable(str(value))}: expected {kind} of at least "
            f"{least}"
        )


def accepted(function: Callable[..., Any], options: dict[str, Any]) -> dict[str, Any]:
    """Select the options that a function has among its keyword-only arguments.

    Example:
        >>> accepted(lambda spec, config, *, depth=1: None, {"depth": 2, "norm": "none"})
        {'depth': 2}
    """
    parameters = inspect.signature(function).parameters.values()
    own = {each.name for each in parameters if each.kind is each.KEYWORD_ONLY}
    return {key: value for key, value in options.items() if key in own}
