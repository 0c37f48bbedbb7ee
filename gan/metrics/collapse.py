"""Notices a GAN that has collapsed or diverged, from a few metrics of every tick.

Pure functions of metrics that are cheap to have, so that a finished run's
metrics.jsonl can be judged by the same rules as a live one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from gan.metrics.classes import class_shares, entropy
from gan.metrics.neighbors import squared_distances

RunningMeans = Mapping[str, float]
PATIENCE = 3  # ticks in a row before an alarm
WARMUP = 3000  # images, in which every generator looks ill
VITALS = ("health/spread", "health/neighbours", "health/class_entropy")


@dataclass(frozen=True)
class Symptom:
    """What can be wrong.

    Attributes:
        seen: whether a tick's metrics show it.
        says: what was seen.
        advice: the control to try.
    """

    seen: Callable[[RunningMeans], bool]
    says: str
    advice: str


def _between(figure: str, low: float, high: float) -> Callable[[RunningMeans], bool]:
    return lambda metrics: figure in metrics and low <= metrics[figure] <= high


def _both(*conditions: Callable[[RunningMeans], bool]) -> Callable[[RunningMeans], bool]:
    return lambda metrics: all(condition(metrics) for condition in conditions)


INFINITY = float("inf")
SYMPTOMS = {
    "saturated": Symptom(
        _both(
            _between("discriminator/accuracy", 0.97, 1.0),
            _between("discriminator/r_t", 0.95, 1.0),
        ),
        "the discriminator tells real from generated almost without error",
        "--balance auto, or a lower --discriminator.learning-rate",
    ),
    "far ahead": Symptom(
        _both(
            _between("discriminator/accuracy", 0.9, 1.0),
            _between("discriminator/r_t", 0.75, 1.0),
            _between("health/neighbours", 0.0, 0.6),
        ),
        "the discriminator is far ahead and the generated pictures come to resemble each other",
        "--balance auto, or --balance.augment-target 0.6: there may be too few pictures",
    ),
    "worse than guessing": Symptom(
        _between("discriminator/over_chance", 0.3, INFINITY),
        "the discriminator's loss is above that of a blind guess",
        "--balance auto, or lower rates for both networks",
    ),
    "outrun": Symptom(
        _between("discriminator/r_t", -1.0, 0.0),
        "the discriminator takes most real pictures for generated ones",
        "--balance auto, or a lower --generator.learning-rate",
    ),
    "same picture": Symptom(
        _between("health/neighbours", 0.0, 0.42),
        "the generated pictures have near twins among themselves",
        "--balance auto, or a lower --generator.learning-rate",
    ),
    "little spread": Symptom(
        _between("health/spread", 0.0, 0.4),
        "the generated pictures vary much less than the real ones",
        "--balance auto, or a lower --generator.learning-rate",
    ),
    "missing classes": Symptom(
        _between("health/class_entropy", 0.0, 0.6),
        "the generated pictures fall into few of the classes",
        "--balance auto, or --conditional on",
    ),
}


def describe(name: str, images: int) -> str:
    """An alarm in two lines."""
    symptom = SYMPTOMS[name]
    return (
        f"ALARM after {images / 1000:.0f} thousand images: {name}: {symptom.says}\n"
        f"try {symptom.advice}"
    )


@dataclass
class Watch:
    """Counts symptoms over ticks; each raises one alarm, once it has lasted."""

    patience: int = PATIENCE
    lasted: dict[str, int] = field(default_factory=dict)
    raised: list[str] = field(default_factory=list)

    def look(self, metrics: RunningMeans) -> list[str]:
        """The names of the symptoms that have now lasted for `patience` ticks, each but once."""
        new = []
        for name, symptom in SYMPTOMS.items():
            self.lasted[name] = self.lasted.get(name, 0) + 1 if symptom.seen(metrics) else 0
            if self.lasted[name] >= self.patience and name not in self.raised:
                new.append(name)
        self.raised += new
        return new

    def state(self) -> dict[str, object]:
        """What must survive a resume, as JSON."""
        return {"lasted": self.lasted, "raised": self.raised}

    def restore(self, state: Mapping[str, object]) -> None:
        """Takes what `state` returned."""
        self.lasted, self.raised = dict(state["lasted"]), list(state["raised"])


def spread(real: np.ndarray, fake: np.ndarray) -> float:
    """The standard deviation of features (N, D) over all of them, fake over real."""
    return float(np.sqrt(fake.var(axis=0).sum() / max(real.var(axis=0).sum(), 1e-12)))


def neighbours(real: np.ndarray, fake: np.ndarray) -> float:
    """The mean distance of features (N, D) to their nearest neighbour, fake over real."""
    return _nearest_other(fake) / max(_nearest_other(real), 1e-6)


def _nearest_other(features: np.ndarray) -> float:
    distances = squared_distances(features, features)
    np.fill_diagonal(distances, np.inf)
    return float(np.sqrt(np.maximum(distances.min(axis=1), 0.0)).mean())


def r_v(learnt: np.ndarray, held_out: np.ndarray, fake: np.ndarray) -> float:
    """How far the discriminator overfits, from its logits for three sets of pictures.

    0 if it judges held-out real pictures as those it learns from, 1 if as
    generated ones; 0 also where it prefers the generated. Karras et al. 2020,
    equation 1, r_v.
    """
    lead = learnt.mean() - fake.mean()
    share = (learnt.mean() - held_out.mean()) / lead if lead > 0 else 0.0
    return float(np.clip(share, -2.0, 2.0)) if np.isfinite(share) else 0.0


def class_entropy(real: np.ndarray, labels: np.ndarray, fake: np.ndarray) -> float:
    """Entropy of the nearest class mean, fake over real, of features (N, D); 1 without classes."""
    present, numbers = np.unique(labels, return_inverse=True)
    if len(present) < 2:
        return 1.0
    means = np.stack([real[numbers == i].mean(axis=0) for i in range(len(present))])

    def value(features: np.ndarray) -> float:
        nearest = squared_distances(features, means).argmin(axis=1)
        return entropy(class_shares(nearest, len(present)))

    return value(fake) / max(value(real), 1e-6)
