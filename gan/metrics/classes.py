"""Which classes a set of images holds, in which shares."""

import numpy as np


def class_shares(labels: np.ndarray, classes: int) -> np.ndarray:
    """Count the share of each class.

    Args:
        labels: int (N,) in [0, classes).
        classes: Number of classes.

    Returns:
        float64 (classes,), summing to 1.

    Example:
        >>> class_shares(np.array([0, 0, 2, 2]), 3)
        array([0.5, 0. , 0.5])
    """
    return np.bincount(np.asarray(labels), minlength=classes) / len(labels)


def entropy(shares: np.ndarray) -> float:
    """Compute the entropy -sum p log p in nats.

    Args:
        shares: (classes,), summing to 1.

    Returns:
        log(classes) if all classes are equally frequent, 0 if there is only one.

    Example:
        >>> round(entropy(np.array([0.5, 0.5])), 4)
        0.6931
    """
    present = shares[shares > 0.0]
    return float(-(present * np.log(present)).sum() + 0.0)


def labels_by_shares(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Draw labels with the shares that they have in a dataset.

    Every image's label is drawn equally often, and the rest at random, so that
    the shares are exact if `count` is a multiple of N.

    Args:
        labels: int (N,), those of the dataset.
        count: Labels to draw.
        seed: Seed of the draw.

    Returns:
        int (count,), in random order.

    Example:
        >>> np.bincount(labels_by_shares(np.array([0, 0, 0, 1]), 8, seed=0))
        array([6, 2])
    """
    random, labels = np.random.default_rng(seed), np.asarray(labels)
    passes = -(-count // len(labels))
    return np.concatenate([random.permutation(labels) for _ in range(passes)])[:count]
