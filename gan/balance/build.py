"""All balance controls of a run."""

import importlib

from gan.balance import options
from gan.balance.base import Balance, Control
from gan.config import BalanceConfig

CONTROLS = tuple(importlib.import_module(f"gan.balance.{name}") for name in options.names())


def build_balance(config: BalanceConfig, seed: int) -> Balance:
    """Build the controls that a configuration switches on.

    The hooks are called in the alphabetical order of the modules.

    Args:
        config: Of the balance.
        seed: From which each control derives the seed of its random stream.

    Returns:
        A `Balance`. If an alarm may enable the controls of `--balance auto`, they
        are included and inactive.

    Raises:
        InputError: An option is unknown or has a wrong type.

    Example:
        >>> build_balance(BalanceConfig(instance_noise=0.1), seed=0).controls
        [<InstanceNoise name=instance_noise, built=True>]
    """
    options.check_options(config.options)
    controls: list[Control] = []
    for module in CONTROLS:
        built = module.build(config, seed)
        controls += built if isinstance(built, list) else [built] if built is not None else []
    balance = Balance(controls)
    balance.built_from = (config, seed)
    return balance
