"""Options of balance controls that have no field in `BalanceConfig`.

A control added as one file reads its numbers with `option(config, "name.key",
default)`, where `name` is that of its file. This module does not import
TensorFlow.
"""

import re
from collections.abc import Iterable
from typing import Any

from common import registry
from common.errors import InputError, printable
from common.key_values import parse_options
from gan.config import BalanceConfig

PACKAGE = "gan.balance"
FLAG = "--set balance.options"
NOT_CONTROLS = ("base", "build", "options")
READ = re.compile(r'\boption\(\s*config,\s*"(\w+\.\w+)"')


def names() -> tuple[str, ...]:
    """List the modules that define controls, in alphabetical order."""
    return registry.module_names(PACKAGE, exclude=NOT_CONTROLS)


def known() -> tuple[str, ...]:
    """List the options that the controls read, found in their source."""
    folder = registry.ROOT / PACKAGE.replace(".", "/")
    sources = ((folder / f"{name}.py").read_text() for name in names())
    return tuple(sorted({found for source in sources for found in READ.findall(source)}))


def option(config: BalanceConfig, name: str, default: Any) -> Any:
    """Read an option of a control.

    Args:
        config: Its field `options` holds pairs "name.key=value".
        name: "name.key", a string literal, so that `known` finds it.
        default: Returned if the option is not set.

    Returns:
        The value, a Python literal.

    Raises:
        InputError: The value is of another type than the default.

    Example:
        >>> option(BalanceConfig(options=("fade.kimg=50",)), "fade.kimg", 20.0)
        50.0
    """
    value = parse_options(config.options, FLAG).get(name, default)
    if isinstance(default, float) and type(value) is int:
        value = float(value)
    if default is not None and type(value) is not type(default):
        raise InputError(
            f"{FLAG} {name}={printable(str(value))}: got {type(value).__name__}; expected "
            f"{type(default).__name__}"
        )
    return value


def check_options(options: Iterable[str]) -> None:
    """Check that every option is one that a control reads.

    Raises:
        InputError: One is not; the message lists those that exist.
    """
    for name in parse_options(options, FLAG):
        if name not in known():
            expected = f"expected one of {', '.join(known())}" if known() else "there are none"
            raise InputError(
                f"{FLAG} {printable(name)}: unknown option; {expected}"
                f"{registry.did_you_mean(name, known())}"
            )
