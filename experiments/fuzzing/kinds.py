"""The kinds of cases, and a draw from them."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiments.fuzzing import heavy as heavy_cases
from experiments.fuzzing import light
from experiments.fuzzing.case import Case, World


def make(rng: np.random.Generator, world: World, folder: Path, heavy: float) -> Case:
    """Make a case and its files.

    Args:
        rng: The source of all randomness.
        world: What cases copy from.
        folder: Where the case runs; it exists and is empty.
        heavy: Probability of a case that trains, samples, measures or paints.

    Example:
        >>> make(np.random.default_rng([0, 17]), world, Path("case"), heavy=0.02)
    """
    table = heavy_cases.KINDS if rng.random() < heavy else light.KINDS
    weights = np.array([weight for _, weight in table.values()], float)
    name = _draw(rng, table, weights)
    case = table[name][0](rng, world, folder)
    return dataclasses.replace(case, kind=name, heavy=table is heavy_cases.KINDS)


def _draw(rng: np.random.Generator, table: Mapping[str, Any], weights: np.ndarray) -> str:
    """Draw a key of a table with these weights."""
    return list(table)[int(rng.choice(len(table), p=weights / weights.sum()))]
