import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import pytest
import tyro

from common import overrides
from common.errors import InputError


@dataclasses.dataclass(frozen=True)
class Inner:
    rate: float = 0.1
    names: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Outer:
    inner: Annotated[Inner, tyro.conf.OmitArgPrefixes] = Inner()
    seed: tyro.conf.Fixed[int] = 0


def test_paths_of_nested_fields():
    assert overrides.paths(Outer) == {
        "inner.rate": float,
        "inner.names": tuple[str, ...],
        "seed": int,
    }


def test_replace_copies():
    before = Outer()
    after = overrides.replace(before, "inner.rate", 0.5)
    assert after == Outer(Inner(0.5))
    assert before == Outer()


def test_apply_in_order_and_by_flag():
    assert overrides.apply(Outer(), ["seed=1", "inner.names=a,b", "seed=2"]) == Outer(
        Inner(names=("a", "b")), 2
    )
    with pytest.raises(InputError, match=r"^--options seed=a: expected an integer$"):
        overrides.apply(Outer(), ["seed=a"], flag="--options")


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("3", int, 3),
        ("-1e-3", float, -0.001),
        ("3", float, 3.0),
        ("true", bool, True),
        ("False", bool, False),
        ("3", str, "3"),
        ("'a b'", str, "a b"),
        ("a=b", str, "a=b"),
        ("~/x", Path, Path("~/x")),
        ("none", int | None, None),
        ("4", int | None, 4),
        ("None", str | None, None),
        ("b", Literal["a", "b"], "b"),
        ("2", Literal[1, 2], 2),
        ("", tuple[int, ...], ()),
        ("1,2,", tuple[int, ...], (1, 2)),
        ("(1, 2)", tuple[int, int], (1, 2)),
        ("['a', \"b\"]", tuple[str, ...], ("a", "b")),
        ("a,b", tuple[Literal["a", "b"], ...], ("a", "b")),
    ],
)
def test_values_are_read_by_their_type(text, kind, expected):
    found = overrides.convert(text, kind)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("1.5", int, "an integer"),
        ("x", float, "a number"),
        ("1", bool, "True or False"),
        ("x", int | None, "an integer or None"),
        ("c", Literal["a", "b"], "one of a, b"),
        ("1", tuple[int, int], "2 values separated by commas"),
    ],
)
def test_other_values_say_what_was_expected(text, kind, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        overrides.convert(text, kind)


def test_paths_come_back_from_json_also_within_tuples():
    @dataclasses.dataclass(frozen=True)
    class Files:
        one: Path | None = None
        several: tuple[Path, ...] = ()
        names: tuple[str, ...] = ()

    found = overrides.from_plain(Files, {"one": "a", "several": ["b"], "names": ["c"]}, "x.json")
    assert found == Files(Path("a"), (Path("b"),), ("c",))
