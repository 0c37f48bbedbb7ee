from dataclasses import dataclass
from typing import Annotated, Literal

import pytest
import tyro

from common.bounds import bounded, check_bounds, settings
from common.errors import InputError


@dataclass(frozen=True)
class Inner:
    rate: float = bounded(0.1, above=0, high=1)
    hidden: Annotated[int, tyro.conf.Fixed] = bounded(1, 1)
    weights: tuple[float, ...] = bounded((), 0)


@dataclass(frozen=True)
class Outer:
    size: int = bounded(64, 16, 128)
    kind: Literal["one", "two"] = "one"
    minutes: float | None = bounded(None, above=0)
    inner: Inner = Inner()
    flat: Annotated[Inner, tyro.conf.OmitArgPrefixes] = Inner()


def test_settings_are_named_as_on_the_command_line():
    assert [setting.flag for setting in settings(Outer())] == [
        *("--size", "--kind", "--minutes"),
        *("--inner.rate", "--set inner.hidden", "--inner.weights"),
        *("--rate", "--set flat.hidden", "--weights"),
    ]


def test_the_defaults_are_within_their_bounds():
    check_bounds(Outer())


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (Outer(size=15), "--size: expected 16 to 128, got 15"),
        (Outer(size=10**400), "--size: expected 16 to 128, got inf"),
        (Outer(size=129), "--size: expected 16 to 128, got 129"),
        (Outer(kind="twos"), "--kind: expected one of one, two, got twos; did you mean two?"),
        (Outer(minutes=0.0), "--minutes: expected more than 0, got 0"),
        (Outer(minutes=float("inf")), "--minutes: expected more than 0, got inf"),
        (Outer(inner=Inner(rate=2.0)), "--inner.rate: expected more than 0, at most 1, got 2"),
        (Outer(flat=Inner(rate=float("nan"))), "--rate: expected more than 0, at most 1, got nan"),
        (Outer(inner=Inner(hidden=0)), "--set inner.hidden: expected at least 1, got 0"),
        (Outer(flat=Inner(weights=(1.0, -1.0))), "--weights: expected at least 0, got -1"),
    ],
)
def test_a_value_out_of_its_bounds_is_named(config, message):
    with pytest.raises(InputError) as caught:
        check_bounds(config)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (Outer(flat=Inner(hidden=0)), "config.json: flat.hidden: expected at least 1, got 0"),
        (Outer(kind="2"), "config.json: kind: expected one of one, two, got 2"),
    ],
)
def test_a_value_of_a_file_is_named_by_the_file_and_its_path(config, message):
    with pytest.raises(InputError) as caught:
        check_bounds(config, "config.json")
    assert str(caught.value) == message
