"""Trains a DCGAN.

python -m gan.train                                 letters and digits, nothing to download
python -m gan.train --dataset mnist                 any image dataset of TensorFlow Datasets
python -m gan.train --dataset my_pictures/          a folder
"""

from typing import TYPE_CHECKING, Any

from common.distribution import devices
from gan.config import Config, OptimizerConfig

if TYPE_CHECKING:
    import keras

    from gan.model import GAN
MOST_MOMENTUM = 0.5  # Adam's beta_1 under --balance auto: Radford et al. 2016, section 4


def _precision(config: Config) -> str:
    return devices.resolve_precision(config.precision, float16=True)


def set_precision_and_seed(config: Config) -> None:
    """Keras's global precision, and the seed of the initial weights; before networks are built."""
    import keras

    policy = devices.keras_policy(_precision(config))
    keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(config.seed)


def build_gan(config: Config, resolution: int, channels: int, classes: int) -> "GAN":
    """The networks and their step, without optimizers."""
    from common.losses.adversarial import ADVERSARIAL
    from common.losses.penalties import PENALTIES
    from gan.balance.build import build_balance
    from gan.model import GAN
    from gan.networks.dcgan import build_discriminator, build_generator

    generator, averaged = (
        build_generator(config.networks, resolution, channels, classes) for _ in range(2)
    )
    balance = config.balance
    return GAN(
        generator,
        build_discriminator(config.networks, resolution, channels, classes),
        averaged,
        loss=ADVERSARIAL[config.loss],
        balance=build_balance(balance, seed=config.seed + 10),
        penalty=PENALTIES.get(config.penalty),
        penalty_weight=config.penalty_weight,
        label_smoothing=balance.label_smoothing,
        update=config.update,
        discriminator_steps=balance.discriminator_steps,
        generator_steps=balance.generator_steps,
        ema_kimg=config.ema_kimg,
        seed=config.seed,
    )


def compile_gan(gan: "GAN", config: Config, **kwargs: Any) -> None:
    """Attaches both optimizers; their rates follow the images seen and the balance."""
    scaled = _precision(config) == "float16"
    most_momentum = MOST_MOMENTUM if config.balance.mode == "auto" else 1.0
    generator_rate = _schedule(config.generator)
    discriminator_rate = _schedule(config.discriminator)
    gan.compile(
        _adam(
            config.generator,
            lambda: generator_rate(gan.images_seen.value) * gan.balance.share("generator"),
            most_momentum,
            scaled,
        ),
        _adam(
            config.discriminator,
            lambda: discriminator_rate(gan.images_seen.value) * gan.balance.share("discriminator"),
            most_momentum,
            scaled,
        ),
        **kwargs,
    )


def _schedule(config: OptimizerConfig):
    """The learning rate as a function of the images seen."""
    import tensorflow as tf
    from keras.optimizers import schedules

    rate, images = config.learning_rate, 1000.0 * config.decay_kimg
    if config.schedule == "inverse":
        return schedules.InverseTimeDecay(rate, images, decay_rate=1.0)
    if config.schedule == "cosine":
        return schedules.CosineDecay(rate, images)
    if config.schedule == "linear":
        return schedules.PolynomialDecay(rate, images, end_learning_rate=0.0)
    return lambda seen: tf.constant(rate)


def _adam(
    config: OptimizerConfig, rate, most_momentum: float, scaled: bool
) -> "keras.optimizers.Optimizer":
    """Adam, for float16 with a loss scale that it finds (Micikevicius et al. 2018, section 3.2)."""
    import keras

    from common.fast.adam import Adam

    adam = Adam(
        rate,
        beta_1=min(config.beta_1, most_momentum),
        beta_2=config.beta_2,
        global_clipnorm=config.clip_norm or None,
    )
    return keras.optimizers.LossScaleOptimizer(adam) if scaled else adam
