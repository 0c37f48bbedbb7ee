"""Detection of a GAN that has collapsed or diverged, from a few metrics of every tick.

Pure functions of cheap metrics, so that a finished run's metrics.jsonl is judged
by the same rules as a run in training.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from gan.metrics.classes import class_shares, entropy
from gan.metrics.neighbors import squared_distances

Metrics = Mapping[str, float]
PATIENCE = 3  # consecutive ticks before an alarm
WARMUP = 3000  # images; before, every generator shows failure modes
VITALS = ("health/spread", "health/neighbors", "health/class_entropy")


@dataclass(frozen=True)
class FailureMode:
    """A way in which training fails.

    Attributes:
        seen: Whether the metrics of a tick show it.
        says: What was found.
        advice: The balance control to try.
    """

    seen: Callable[[Metrics], bool]
    says: str
    advice: str


def _between(metric: str, low: float, high: float) -> Callable[[Metrics], bool]:
    return lambda metrics: metric in metrics and low <= metrics[metric] <= high


def _all(*conditions: Callable[[Metrics], bool]) -> Callable[[Metrics], bool]:
    return lambda metrics: all(condition(metrics) for condition in conditions)


INFINITY = float("inf")
FAILURE_MODES = {
    "saturated": FailureMode(
        _all(
            _between("discriminator/accuracy", 0.97, 1.0),
            _between("discriminator/r_t", 0.95, 1.0),
        ),
        "the discriminator tells real from generated images almost without error",
        "--balance auto, or a lower --discriminator.learning-rate",
    ),
    "far ahead": FailureMode(
        _all(
            _between("discriminator/accuracy", 0.9, 1.0),
            _between("discriminator/r_t", 0.75, 1.0),
            _between("health/neighbors", 0.0, 0.6),
        ),
        "the discriminator is far ahead, and the generated images become similar to each other",
        "--balance auto, or --balance.augment-target 0.6 if there are few images",
    ),
    "worse than guessing": FailureMode(
        _between("discriminator/over_chance", 0.3, INFINITY),
        "the discriminator's loss is above that of a constant guess",
        "--balance auto, or lower learning rates of both networks",
    ),
    "outrun": FailureMode(
        _between("discriminator/r_t", -1.0, 0.0),
        "the discriminator takes most real images for generated ones",
        "--balance auto, or a lower --generator.learning-rate",
    ),
    "same image": FailureMode(
        _between("health/neighbors", 0.0, 0.42),
        "many generated images are near copies of others",
        "--balance auto, or a lower --generator.learning-rate",
    ),
    "little spread": FailureMode(
        _between("health/spread", 0.0, 0.4),
        "the generated images vary much less than the real ones",
        "--balance auto, or a lower --generator.learning-rate",
    ),
    "missing classes": FailureMode(
        _between("health/class_entropy", 0.0, 0.6),
        "the generated images belong to few of the classes",
        "--balance auto, or --conditional on",
    ),
}


def describe(name: str, images: int) -> str:
    """Describe an alarm in two lines.

    Args:
        name: A key of `FAILURE_MODES`.
        images: Images seen.

    Example:
        >>> print(describe("outrun", 20_000))
        ALARM after 20 kimg: outrun: the discriminator takes most real images for generated ones
        try --balance auto, or a lower --generator.learning-rate
    """
    mode = FAILURE_MODES[name]
    return f"ALARM after {images / 1000:.0f} kimg: {name}: {mode.says}\ntry {mode.advice}"


@dataclass
class Watch:
    """Raises an alarm for each failure mode that lasts, once.

    Attributes:
        patience: Consecutive ticks before an alarm.
        lasted: Consecutive ticks up to now, by failure mode.
        raised: Failure modes whose alarm has been raised.

    Example:
        >>> watch = Watch(patience=2)
        >>> [watch.update({"health/spread": 0.1}) for _ in range(3)]
        [[], ['little spread'], []]
    """

    patience: int = PATIENCE
    lasted: dict[str, int] = field(default_factory=dict)
    raised: list[str] = field(default_factory=list)

    def update(self, metrics: Metrics) -> list[str]:
        """Take the metrics of a tick and return the failure modes to raise an alarm for."""
        new = []
        for name, mode in FAILURE_MODES.items():
            self.lasted[name] = self.lasted.get(name, 0) + 1 if mode.seen(metrics) else 0
            if self.lasted[name] >= self.patience and name not in self.raised:
                new.append(name)
        self.raised += new
        return new

    def state(self) -> dict[str, object]:
        """Return what a checkpoint must contain, as JSON."""
        return {"lasted": self.lasted, "raised": self.raised}

    def restore(self, state: Mapping[str, object]) -> None:
        """Restore what `state` returned."""
        self.lasted, self.raised = dict(state["lasted"]), list(state["raised"])


def spread(real: np.ndarray, fake: np.ndarray) -> float:
    """Compare the standard deviations of features, over all dimensions.

    Args:
        real: (N, D).
        fake: (M, D).

    Returns:
        That of `fake` over that of `real`: 0 if all generated images are one.

    Example:
        >>> real = np.array([[0.0], [1.0]])
        >>> spread(real, 0.5 * real)
        0.5
    """
    return float(np.sqrt(fake.var(axis=0).sum() / max(real.var(axis=0).sum(), 1e-12)))


def neighbor_distance(real: np.ndarray, fake: np.ndarray) -> float:
    """Compare the mean distances of features to their nearest neighbor in the same set.

    Args:
        real: (N, D), N at least 2.
        fake: (M, D), M at least 2.

    Returns:
        That of `fake` over that of `real`: near 0 if generated images repeat.

    Example:
        >>> real = np.arange(4.0)[:, None]
        >>> neighbor_distance(real, 3.0 * real)
        3.0
    """
    return _nearest_other(fake) / max(_nearest_other(real), 1e-6)


def _nearest_other(features: np.ndarray) -> float:
    distances = squared_distances(features, features)
    np.fill_diagonal(distances, np.inf)
    return float(np.sqrt(np.maximum(distances.min(axis=1), 0.0)).mean())


def r_v(train: np.ndarray, held_out: np.ndarray, fake: np.ndarray) -> float:
    """Estimate how far the discriminator overfits: r_v of Karras et al. 2020, equation 1.

    Deviations: clipped to [-2, 2]; 0 if the discriminator prefers generated
    images, or if a logit is not finite.

    Args:
        train: Logits (N,) of images that the discriminator is trained on.
        held_out: Logits (M,) of real images that it is not trained on.
        fake: Logits (K,) of generated images.

    Returns:
        0 if held-out images are judged like those of the train split, 1 if they
        are judged like generated ones.

    Example:
        >>> r_v(np.array([4.0]), np.array([3.0]), np.array([0.0]))
        0.25
    """
    lead = train.mean() - fake.mean()
    share = (train.mean() - held_out.mean()) / lead if lead > 0 else 0.0
    return float(np.clip(share, -2.0, 2.0)) if np.isfinite(share) else 0.0


def class_entropy(real: np.ndarray, labels: np.ndarray, fake: np.ndarray) -> float:
    """Compare the entropies of classes, each image assigned to the nearest class mean.

    Args:
        real: (N, D).
        labels: int (N,), those of `real`.
        fake: (M, D).

    Returns:
        That of `fake` over that of `real`; 1 if there are no classes.

    Example:
        >>> real, labels = np.array([[0.0], [0.1], [5.0], [5.1]]), np.array([0, 0, 1, 1])
        >>> class_entropy(real, labels, real), class_entropy(real, labels, real[:2])
        (1.0, 0.0)
    """
    present, numbers = np.unique(labels, return_inverse=True)
    if len(present) < 2:
        return 1.0
    means = np.stack([real[numbers == i].mean(axis=0) for i in range(len(present))])

    def value(features: np.ndarray) -> float:
        nearest = squared_distances(features, means).argmin(axis=1)
        return entropy(class_shares(nearest, len(present)))

    return value(fake) / max(value(real), 1e-6)
