"""Distances between sets of pictures or of their features, and what a set lacks.

Everything here is NumPy in float64 on arrays that fit into memory; `real` and
`fake` are (N, D) features unless said otherwise. Which features, how many and of
which pictures decides what a number means: see `gan.evaluate`.
"""

import numpy as np


def class_shares(labels: np.ndarray, classes: int) -> np.ndarray:
    """The share of each class among labels (N,): (classes,), summing to 1."""
    return np.bincount(np.asarray(labels), minlength=classes) / len(labels)


def entropy(shares: np.ndarray) -> float:
    """-sum p log p in nats; log(classes) when all are alike, 0 when there is only one."""
    present = shares[shares > 0.0]
    return float(-(present * np.log(present)).sum() + 0.0)
