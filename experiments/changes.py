"""Named changes of a configuration, as data."""

import functools
import operator
from collections.abc import Callable, Mapping

from common import overrides, registry
from common.errors import InputError
from gan.config import Config

Change = Mapping[str, object]  # dotted names of fields to values or functions of the old value


def times(factor: float) -> Callable[[float], float]:
    """Return a function that multiplies, for a field to be multiplied instead of set.

    Example:
        >>> change(Config(), {"generator.learning_rate": times(10)})
    """
    return functools.partial(operator.mul, factor)


def change(config: Config, fields: Change) -> Config:
    """Replace fields of a configuration.

    Args:
        config: A configuration.
        fields: Dotted names to new values, or to functions of the old value.

    Returns:
        A copy with other values.

    Raises:
        InputError: A field that does not exist.

    Example:
        >>> change(Config(), {"networks.width": 8, "seed": 1}).networks.width
        8
    """
    known = overrides.paths(type(config))
    for path, value in fields.items():
        if path not in known:
            raise InputError(f"{path}: no such field{registry.did_you_mean(path, known)}")
        if callable(value):
            value = value(functools.reduce(getattr, path.split("."), config))
        config = overrides.replace(config, path, value)
    return config
