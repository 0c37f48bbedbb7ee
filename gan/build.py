"""From a configuration to a compiled GAN."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
from keras.optimizers import schedules

from common import fast
from common.distribution import devices
from common.key_values import accepted, parse_options
from common.losses.adversarial import ADVERSARIAL
from common.losses.penalties import PENALTIES
from common.muon import Muon
from common.priors import PRIORS
from gan import channels
from gan.balance.build import build_balance
from gan.config import Config, OptimizerConfig
from gan.layers import heads
from gan.learning_rates import ByImagesSeen
from gan.model import GAN
from gan.networks import base as networks
from gan.networks.base import ImageSpec
from gan.reconstruction.codes import build_encoder
from gan.reconstruction.memory import with_memory
from gan.reconstruction.reconstruction import Reconstruction
from gan.resume import precision_of
from gan.stages import cut, trained

MAX_AUTO_BETA_1 = 0.5  # under --balance auto: Radford et al. 2016, section 4
MUON_STEP = 2.0  # root mean square of a kernel's update, relative to the learning rate
LARGEST_ENCODED = 64  # pixels that the encoder sees of networks that grow, if a stage has them
BALANCE_SEED, RECONSTRUCTION_SEED = 10, 20  # added to the seed: no two random streams are equal


def set_precision_and_seed(config: Config) -> None:
    """Set Keras's global precision and seed; call it before networks are built.

    Args:
        config: `precision` and `seed` are used.
    """
    keras.config.set_dtype_policy(devices.keras_policy(precision_of(config)))
    keras.utils.set_random_seed(config.seed)


def build_gan(config: Config, spec: ImageSpec) -> GAN:
    """Build the networks, the losses and the balance controls, without optimizers.

    Args:
        config: Of the run.
        spec: Shape of the images and number of classes.

    Returns:
        A model whose weights depend on the global seed only.

    Raises:
        InputError: The architecture family or one of its options is unknown, or it
            cannot make such images.

    Example:
        >>> gan = build_gan(Config(), ImageSpec(32, 32, 1))
        >>> compile_gan(gan, Config())
        >>> gan.fit(dataset)  # batches of images (B, 32, 32, 1) in [-1, 1] and labels (B,)
    """
    family = networks.get(config.networks.name)
    networks.check_options(config.networks.name, config.networks.options)
    channels.check(config.networks.name, spec.channels)
    networks.check_resolution(config.networks.name, (spec.height, spec.width))
    options = parse_options(config.networks.options)

    def build(function: Callable[..., Any]) -> Any:
        return function(spec, config.networks, **accepted(function, options))

    generator, ema_generator = (build(family.build_generator) for _ in range(2))
    discriminator = build(family.build_discriminator)
    if config.networks.head == heads.SAN:
        discriminator = heads.with_slicing(discriminator, spec.classes)
    regularizer = getattr(family, "generator_regularizer", None)
    reconstructs = config.reconstruction.weight > 0
    if reconstructs:
        memory = config.reconstruction.entries, config.reconstruction.temperature
        generator, ema_generator = (
            with_memory(each, spec, *memory) for each in (generator, ema_generator)
        )
    stages, encoded = (), spec
    if networks.grows(config.networks.name):
        sides = family.stages(spec, **accepted(family.stages, options))
        whole = trained(generator, discriminator, ema_generator, reconstructs=reconstructs)
        stages = cut(family, whole, sides)
        side = max(side for side in sides if side <= max(LARGEST_ENCODED, sides[0]))
        encoded = dataclasses.replace(spec, height=side, width=side)
    balance = config.balance
    return GAN(
        generator,
        discriminator,
        ema_generator,
        loss=ADVERSARIAL[config.loss],
        balance=build_balance(balance, seed=config.seed + BALANCE_SEED),
        real_inputs=getattr(family, "real_inputs", None),
        reconstruction=_reconstruction(config, encoded, generator.inputs[0].shape[-1]),
        stages=stages,
        penalty=PENALTIES.get(config.penalty),
        penalty_weight=config.penalty_weight,
        penalty_interval=config.penalty_interval,
        generator_regularizer=build(regularizer) if regularizer else None,
        label_smoothing=balance.label_smoothing,
        update=config.update,
        discriminator_steps=balance.discriminator_steps,
        generator_steps=balance.generator_steps,
        ema_kimg=config.ema_kimg,
        prior=PRIORS[config.prior],
        seed=config.seed,
    )


def _reconstruction(config: Config, spec: ImageSpec, latent_size: int) -> Reconstruction | None:
    options, networks = config.reconstruction, config.networks
    if not options.weight:
        return None
    return Reconstruction(
        build_encoder(spec, latent_size, width=options.encoder_width, kernels=networks.kernels),
        weight=options.weight,
        features=options.features,
        divergence=options.divergence,
        seed=config.seed + RECONSTRUCTION_SEED,
    )


def compile_gan(gan: GAN, config: Config, **kwargs: Any) -> None:
    """Attach an optimizer to each network, with rates that follow the images seen and the balance.

    A GAN that is compiled already keeps its optimizers.

    Args:
        gan: Compiled in place.
        config: `generator`, `discriminator`, `balance`, `precision` and
            `networks.kernels` are used.
        kwargs: Passed to `keras.Model.compile`.
    """
    if gan.compiled:
        gan.compile(gan.generator_optimizer, gan.discriminator_optimizer, **kwargs)
        return
    gan.compile(
        _optimizer(config, config.generator), _optimizer(config, config.discriminator), **kwargs
    )


def _learning_rate(config: OptimizerConfig) -> float | ByImagesSeen:
    """Return the learning rate, or its schedule as a function of the images seen."""
    rate, images = config.learning_rate, 1000.0 * config.decay_kimg
    if config.schedule == "inverse":
        return ByImagesSeen(schedules.InverseTimeDecay(rate, images, decay_rate=1.0))
    if config.schedule == "cosine":
        return ByImagesSeen(schedules.CosineDecay(rate, images))
    if config.schedule == "linear":
        return ByImagesSeen(schedules.PolynomialDecay(rate, images, end_learning_rate=0.0))
    return float(rate)


def _optimizer(config: Config, settings: OptimizerConfig) -> keras.optimizers.Optimizer:
    """Build an optimizer, in float16 with loss scaling (Micikevicius et al. 2018, section 3.2)."""
    largest = MAX_AUTO_BETA_1 if config.balance.mode == "auto" else 1.0
    rate, beta_1 = _learning_rate(settings), min(settings.beta_1, largest)
    clip_norm = settings.clip_norm or None
    if settings.optimizer == "muon":
        adam = {"adam_beta_1": beta_1, "adam_beta_2": settings.beta_2}
        optimizer = Muon(
            rate, momentum=beta_1, rms_rate=MUON_STEP, global_clipnorm=clip_norm, **adam
        )
    else:
        optimizer = fast.adam(config.networks.kernels)(
            rate, beta_1=beta_1, beta_2=settings.beta_2, global_clipnorm=clip_norm
        )
    scaled = precision_of(config) == "float16"
    return keras.optimizers.LossScaleOptimizer(optimizer) if scaled else optimizer
