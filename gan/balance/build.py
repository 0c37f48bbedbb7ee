"""What keeps the two networks in balance: small controls, each usable alone.

A control overrides the hooks it needs; `Balance` runs through all of them in
order, so the training step asks once and never which controls are on. Their
state and random streams are variables of the model and saved with it. Three
further controls need no code here: the optimizers' own rates (two time
scales: Heusel et al. 2017), the steps per network, and gradient clipping.
"""

from gan.balance.augment import Augmentation
from gan.balance.auto import _auto
from gan.balance.base import Balance
from gan.balance.clip import WeightClip
from gan.balance.labels import LabelFlips
from gan.balance.noise import InstanceNoise
from gan.balance.throttle import Pause
from gan.config import BalanceConfig, has_auto


def build_balance(config: BalanceConfig, seed: int) -> Balance:
    """The controls that `config` switches on, with random streams from `seed`.

    Where an alarm may switch the controls of `auto` on, they are there and rest.
    """
    makers = [
        (
            config.pause_accuracy,
            lambda: Pause(
                "pause_accuracy",
                "discriminator/accuracy",
                config.pause_accuracy,
                config.resume_accuracy or config.pause_accuracy,
                strong_is_high=True,
            ),
        ),
        (
            config.pause_loss,
            lambda: Pause(
                "pause_loss",
                "loss/discriminator",
                config.pause_loss,
                config.resume_loss or config.pause_loss,
                strong_is_high=False,
            ),
        ),
        (config.label_flips, lambda: LabelFlips(config.label_flips, seed + 1)),
        (
            config.instance_noise,
            lambda: InstanceNoise(config.instance_noise, config.instance_noise_kimg, seed + 2),
        ),
        (config.weight_clip, lambda: WeightClip(config.weight_clip)),
        (
            config.augment or config.augment_target,
            lambda: Augmentation(
                config.augment,
                config.augment_operations,
                seed + 3,
                config.augment_target,
                config.augment_kimg,
            ),
        ),
        (
            has_auto(config),
            lambda: _auto(config, seed + 4, active=config.mode == "auto"),
        ),
    ]
    return Balance([make() for switched_on, make in makers if switched_on])
