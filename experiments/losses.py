"""Which adversarial loss is best in equal time, each with its usual penalty?

    python -m experiments.losses
    python -m experiments.losses --dataset mnist --minutes 2

Takes losses x seeds x (minutes + about 15 s) on the whole machine.
"""

from experiments import sweep

LAYER = {"networks.normalization": "layer"}  # penalties need independent examples
LOSSES: dict[str, sweep.Change] = {
    "non-saturating": {},
    "non-saturating, R1": {**LAYER, "penalty": "r1", "penalty_weight": 1.0},
    "minimax": {"loss": "minimax"},
    "least squares": {"loss": "least_squares"},
    "hinge, spectral norm": {"loss": "hinge", "networks.normalization": "spectral"},
    "Wasserstein, gradient penalty": {
        **LAYER,
        "loss": "wasserstein",
        "penalty": "wgan_gp",
        "penalty_weight": 10.0,
        "balance.discriminator_steps": 5,
    },
    "Wasserstein, weight clipping": {
        **LAYER,
        "loss": "wasserstein",
        "balance.discriminator_steps": 5,
        "balance.weight_clip": 0.05,
    },
    "relativistic, R1 and R2": {
        **LAYER,
        "loss": "relativistic",
        "penalty": "r1_r2",
        "penalty_weight": 1.0,
    },
}
SWEEP = sweep.Sweep("losses", LOSSES)

if __name__ == "__main__":
    sweep.run(SWEEP)
