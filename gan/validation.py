"""Checks of a configuration before TensorFlow is imported."""

import dataclasses
import re

from common import overrides, registry
from common.bounds import check_bounds
from common.distribution import cluster
from common.errors import InputError
from common.images import MODES
from common.runs import check_new
from gan import channels, presets
from gan.balance import options as balance_options
from gan.config import BalanceConfig, Config, NetworkConfig, OptimizerConfig
from gan.data.load import check_dataset, resolve_name
from gan.networks import base as families

LOSSES_WITH_LABELS = registry.constant("common.losses.adversarial", "WITH_LABELS")


def resolve(config: Config) -> Config:
    """Make the path of a folder of images absolute, so that a run is resumed from anywhere.

    Raises:
        InputError: There is no such folder.
    """
    dataset = resolve_name(config.data.dataset)
    return dataclasses.replace(config, data=dataclasses.replace(config.data, dataset=dataset))


def check(config: Config) -> None:
    """Check everything that is known without TensorFlow.

    Raises:
        InputError: A value is out of its bounds or not a choice, two values
            contradict each other, or the dataset or a folder cannot be used.
    """
    check_bounds(config)
    if config.run.resume is None:
        presets.check(config)
    families.check_name(config.networks.name)
    _check_data(config)
    _check_networks(config.networks)
    balance_options.check_options(config.balance.options)
    _check_schedule("generator", config.generator)
    _check_schedule("discriminator", config.discriminator)
    _check_pauses(config.balance)
    _check_loss(config)
    _check_run(config)
    _check_cluster(config)


def blamed(error: InputError, config: Config, given: Config) -> InputError:
    """Say which of the flags that an error names come from the preset.

    Args:
        error: Of the check of `config`.
        config: With its preset.
        given: What was typed, without a preset.

    Returns:
        An error with the preset at the end of its first line, or the same one.

    Example:
        >>> config = presets.fill(Config(loss="hinge"), "tutorial")
        >>> str(blamed(InputError("--update simultaneous: no"), config, Config(loss="hinge")))
        '--update simultaneous: no (--update is set by --preset tutorial)'
    """
    default, found = Config(), []
    for path, value in presets.PRESETS.get(config.preset, {}).items():
        typed = overrides.get(given, path) != overrides.get(default, path)
        flag = path.replace("_", "-").removesuffix(".name")
        names = {f"--{flag}", f"--{flag.rpartition('.')[2]}", *([path] if "." in path else [])}
        names = "|".join(map(re.escape, names))
        named = re.search(f"(?<![\\w.-])({names})(?![\\w.-])", str(error))
        if named and not typed and overrides.get(config, path) == value:
            found.append(named[0])
    if not found:
        return error
    first, *others = str(error).split("\n")
    verb = "is" if len(found) == 1 else "are"
    first += f" ({', '.join(found)} {verb} set by --preset {config.preset})"
    return InputError("\n".join([first, *others]))


def _check_data(config: Config) -> None:
    data = config.data
    if data.channels not in (0, *MODES):
        raise InputError(
            f"--channels: expected 0 (those of the dataset), 1, 3 or 4, got {data.channels}"
        )
    if data.channels:
        channels.check(config.networks.name, data.channels)
    families.check_resolution(config.networks.name, data.resolution)
    check_dataset(data.dataset)


def _check_networks(networks: NetworkConfig) -> None:
    families.check_options(networks.name, networks.options)
    default = NetworkConfig()
    for field, value in families.fixed(networks.name).items():
        found = getattr(networks, field)
        if found not in (value, getattr(default, field)):
            raise InputError(
                f"--networks {networks.name}: networks.{field} is {value} there, got {found}; "
                "leave it out"
            )
    if "normalization" not in families.fixed(networks.name):
        families.check_normalization(networks.name, networks.normalization)
    if networks.head != default.head and families.grows(networks.name):
        raise InputError(
            f"--set networks.head={networks.head}: --networks {networks.name} grows, and has no "
            "other head than linear\nleave it out, or choose another family"
        )


def _check_schedule(network: str, optimizer: OptimizerConfig) -> None:
    if optimizer.schedule != "constant" and not optimizer.decay_kimg:
        raise InputError(
            f"--set {network}.schedule={optimizer.schedule}: expected a decay\n"
            f"add {network}.decay_kimg=KIMG"
        )


def _check_pauses(balance: BalanceConfig) -> None:
    if balance.resume_accuracy > balance.pause_accuracy:
        raise InputError(
            f"--set balance.resume_accuracy: expected at most --balance.pause-accuracy "
            f"{balance.pause_accuracy:g}, got {balance.resume_accuracy:g}"
        )
    if balance.resume_loss and balance.resume_loss < balance.pause_loss:
        raise InputError(
            f"--set balance.resume_loss: expected at least balance.pause_loss "
            f"{balance.pause_loss:g}, got {balance.resume_loss:g}"
        )


def _check_loss(config: Config) -> None:
    networks, balance = config.networks, config.balance
    fixed = families.fixed(networks.name)
    normalization = fixed.get("normalization", networks.normalization)
    if config.penalty != "none" and normalization == "batch":
        others = [each for each in families.normalizations(networks.name) if each != "batch"]
        advice = f"set it to one of {', '.join(others)}"
        if not others:
            advice = f"{networks.name} has no other, choose another of --networks"
        raise InputError(
            f"--penalty {config.penalty}: found --set networks.normalization=batch, which mixes "
            f"the images of a batch\n{advice}: the penalty needs the gradient of each image"
        )
    if balance.label_smoothing and config.loss not in LOSSES_WITH_LABELS:
        raise InputError(
            f"--balance.label-smoothing: expected a loss with labels "
            f"({', '.join(LOSSES_WITH_LABELS)}), got --loss {config.loss}"
        )
    if config.reconstruction.weight and families.has_mapping(networks.name):
        raise InputError(
            f"--reconstruction.weight {config.reconstruction.weight:g}: --networks {networks.name} "
            "has a mapping network, which the codes would bypass\nset it to 0, or choose another "
            "family"
        )
    steps = balance.discriminator_steps * balance.generator_steps
    if config.update == "simultaneous" and steps > 1:
        raise InputError("--update simultaneous: expected one step of each network")


def _check_run(config: Config) -> None:
    run = config.run
    if run.compile == "on" and run.deterministic:
        raise InputError("--set run.compile=on: cannot be combined with run.deterministic=True")
    if run.run_dir and run.resume:
        raise InputError("--run-dir: a resumed run stays in its folder; leave this flag out")
    if run.run_dir:
        check_new(run.run_dir)


def _check_cluster(config: Config) -> None:
    found = cluster.find(config.run.strategy)
    if found is None:
        return
    cluster.check_batch_size(config.batch_size, len(found.workers), "workers")
    if families.grows(config.networks.name):
        raise InputError(
            f"--networks {config.networks.name}: expected a single process, got a cluster: its "
            "stages end by one clock\nuse --strategy mirrored on one machine, or another family"
        )
    if config.balance.on_alarm in ("balance", "restore"):
        raise InputError(
            f"--balance.on-alarm {config.balance.on_alarm}: expected a single process, got a "
            "cluster; use stop or warn, or --balance auto from the start"
        )
