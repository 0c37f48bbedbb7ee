"""Are the defaults of training the best ones for one, three and ten minutes?

    python -m experiments.defaults
    python -m experiments.defaults --minutes 1 3 --only default "width 24"

Every variant is trained once for the longest time and measured at each of the
times. Use a quiet machine; it takes variants x (longest time + about a minute).
"""

from experiments import sweep
from experiments.changes import times


def falling(kimg: float) -> sweep.Change:
    """Halve both learning rates after `kimg` thousand images, and let them fall further."""
    schedule = {"schedule": "inverse", "decay_kimg": kimg}
    networks = "generator", "discriminator"
    return {f"{network}.{name}": v for network in networks for name, v in schedule.items()}


VARIANTS: dict[str, sweep.Change] = {
    "default": {},
    "balance auto": {"balance.mode": "auto"},
    "falling rates": falling(400.0),
    "half the rates": {
        "generator.learning_rate": times(0.5),
        "discriminator.learning_rate": times(0.5),
    },
    "width 24": {"networks.width": 24},
    "width 48": {"networks.width": 48},
    "batch of 32": {"batch_size": 32},
    "batch of 64": {"batch_size": 64},
    "batch of 64, width 24": {"batch_size": 64, "networks.width": 24},
    "batch of 128": {"batch_size": 128},
    "batch of 128, falling rates": {"batch_size": 128, **falling(400.0)},
    "batch of 512": {"batch_size": 512},
    "R1, layer norm": {"penalty": "r1", "networks.normalization": "layer"},
}
SWEEP = sweep.Sweep("defaults", VARIANTS, options=sweep.Options(minutes=(1.0, 3.0, 10.0), seeds=1))

if __name__ == "__main__":
    sweep.run(SWEEP)
