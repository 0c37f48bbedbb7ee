"""A GAN as Keras's file format holds it: what `model.save` writes and `load_model` reads."""

import dataclasses
from typing import Any

import keras
import numpy as np

from common import fast, overrides
from common.errors import InputError
from common.losses.adversarial import ADVERSARIAL
from common.losses.penalties import PENALTIES
from common.priors import PRIORS
from gan.balance.base import Balance
from gan.balance.build import build_balance
from gan.config import BalanceConfig

NETWORKS = ("generator", "discriminator", "ema_generator")
OPTIMIZERS = ("generator_optimizer", "discriminator_optimizer")
PLAIN = (
    "penalty_weight",
    "label_smoothing",
    "update",
    "discriminator_steps",
    "generator_steps",
    "ema_kimg",
    "ema_rampup",
    "initial_seed",
)
REGISTERED = fast.KERNELS  # the import registers the layers of common.fast


def to_config(gan: keras.Model) -> dict[str, Any]:
    """Describe a GAN by what JSON holds.

    Args:
        gan: Losses and penalties are saved by name, networks and the function
            `real_inputs` as Keras serializes them, and balance controls by their
            configuration.

    Raises:
        InputError: A part has no name or cannot be serialized.
    """
    config = {name: getattr(gan, name) for name in PLAIN}
    config["loss"] = _name(gan.loss_pair, ADVERSARIAL, "loss")
    config["penalty"] = _name(gan.penalty, PENALTIES, "penalty") if gan.penalty else None
    config["prior"] = _name(gan.prior, PRIORS, "prior")
    config["balance"] = _describe_balance(gan.balance)
    config["real_inputs"] = _describe_function(gan.given_real_inputs)
    config["penalty_interval"] = gan.penalty_interval
    config["generator_regularizer"] = _serialize(gan.generator_regularizer, "the regularizer")
    config["random_streams"] = [variable.numpy().tolist() for variable in _random_streams(gan)]
    for name in NETWORKS:
        config[name] = _serialize(getattr(gan, name), _words(name))
    if gan.reconstruction:
        config["reconstruction"] = _serialize(gan.reconstruction, "the reconstruction")
    return config


def from_config(config: dict[str, Any]) -> dict[str, Any]:
    """Invert `to_config`.

    Returns:
        The arguments of `GAN`.
    """
    arguments = {name: config[name] for name in PLAIN}
    arguments["seed"] = arguments.pop("initial_seed")
    load = keras.saving.deserialize_keras_object
    arguments |= {name: load(config[name]) for name in (*NETWORKS, "real_inputs")}
    arguments["reconstruction"] = load(config.get("reconstruction"))
    arguments["loss"] = ADVERSARIAL[config["loss"]]
    arguments["penalty"] = PENALTIES.get(config["penalty"])
    arguments["prior"] = PRIORS[config.get("prior", "normal")]
    arguments["penalty_interval"] = config.get("penalty_interval", 1)
    arguments["generator_regularizer"] = load(config.get("generator_regularizer"))
    balance = config["balance"]
    arguments["balance"] = Balance([])
    if balance:
        fields = overrides.from_plain(BalanceConfig, balance["config"], "the saved model")
        arguments["balance"] = build_balance(fields, balance["seed"])
    return arguments


def restore_random_streams(gan: keras.Model, config: dict[str, Any]) -> None:
    """Continue the random streams, which Keras does not save with a model's weights."""
    for variable, state in zip(_random_streams(gan), config["random_streams"], strict=True):
        variable.assign(np.array(state, variable.dtype))


def _random_streams(gan: keras.Model) -> list[keras.Variable]:
    return [variable for variable in gan.variables if variable.name == "seed_generator_state"]


def check(gan: keras.Model) -> None:
    """Check that a compiled GAN can be saved, without writing anything.

    Raises:
        InputError: It cannot; the message names the part and the reason.
    """
    to_config(gan)
    to_compile_config(gan)


def to_compile_config(gan: keras.Model) -> dict[str, Any]:
    """Describe both optimizers, and by how much callbacks have changed their rates."""
    optimizers = {name: _serialize(getattr(gan, name), _words(name)) for name in OPTIMIZERS}
    factor = float(gan.rate_factor.variable.numpy())
    return {**optimizers, "factor": factor, "options": dict(gan.compile_options)}


def compile_from(gan: keras.Model, config: dict[str, Any]) -> None:
    """Compile a GAN as `to_compile_config` describes it."""
    optimizers = [keras.saving.deserialize_keras_object(config[name]) for name in OPTIMIZERS]
    gan.compile(*optimizers, **config["options"])
    gan.rate_factor.variable.assign(config["factor"])


def _words(name: str) -> str:
    return f"the {name.replace('_', ' ')}"


def _serialize(part: Any, what: str) -> Any:
    try:
        return keras.saving.serialize_keras_object(part)
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"saving the model: {what} cannot be serialized ({reason})\n"
            "give its class get_config and @keras.saving.register_keras_serializable()"
        ) from error


def _name(value: object, table: dict[str, Any], what: str) -> str:
    for name, known in table.items():
        if known == value:  # TensorFlow wraps tuples, so no identity
            return name
    raise InputError(
        f"saving the model: its {what} is saved by name; expected one of {', '.join(table)}"
    )


def _describe_function(function: Any) -> Any:
    if function is None:
        return None
    if keras.saving.get_registered_object(keras.saving.get_registered_name(function)) is None:
        raise InputError(
            "saving the model: the function real_inputs cannot be serialized\n"
            "decorate it with @keras.saving.register_keras_serializable()"
        )
    return _serialize(function, "the function real_inputs")


def _describe_balance(balance: Balance) -> dict[str, Any] | None:
    if balance.built_from:
        config, seed = balance.built_from
        return {"config": dataclasses.asdict(config), "seed": seed}
    if balance.controls:
        raise InputError(
            "saving the model: its balance controls are saved by their configuration\n"
            "make them with gan.balance.build.build_balance"
        )
    return None
