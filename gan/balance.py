"""What keeps the two networks in balance: small controls, each usable alone.

A control overrides the hooks it needs; `Balance` runs through all of them in
order, so the training step asks once and never which controls are on. Their
state and random streams are variables of the model and saved with it. Three
further controls need no code here: the optimizers' own rates (two time
scales: Heusel et al. 2017), the steps per network, and gradient clipping.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import keras
import tensorflow as tf

from common import replicas
from gan.augment import augment
from gan.config import MAX_AUGMENT, BalanceConfig, has_auto

Network = Literal["discriminator", "generator"]
NETWORKS: tuple[Network, ...] = get_args(Network)


class Control(keras.layers.Layer):
    """One way to hold the balance; every hook does nothing until overridden."""

    moderates = False
    """Whether `moderate` is to be called, which costs a copy of the weights."""

    def corrupt(self, images: tf.Tensor, images_seen: tf.Tensor) -> tf.Tensor:
        """Changes what the discriminator sees: (B, H, W, C), real and fake alike."""
        return images

    def relabel(self, real: tf.Tensor, fake: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Changes which logits (B,) the discriminator's loss counts as real and as fake."""
        return real, fake

    def observe(self, figures: dict[str, tf.Tensor]) -> None:
        """Learns how the last discriminator step went, from figures of the whole batch."""

    def learn(self, by_heart: float) -> None:
        """Learns from time to time how far the discriminator overfits: `health.by_heart`."""

    def share(self, network: Network) -> tf.Tensor | float:
        """The factor on a network's learning rate; 0 skips its update."""
        return 1.0

    def constrain(self, discriminator: keras.Model) -> None:
        """Changes the discriminator's weights after an update."""

    def moderate(
        self,
        network: Network,
        variables: Sequence[keras.Variable],
        before: Sequence[tf.Tensor],
        images_seen: tf.Tensor,
    ) -> None:
        """Shortens an update that led from `before` to what `variables` hold now."""

    def figures(self, images_seen: tf.Tensor) -> dict[str, tf.Tensor]:
        """What to log: scalars by name."""
        return {}


class Balance(Control):
    """All controls of a run as one."""

    def __init__(self, controls: list[Control], name: str = "balance"):
        super().__init__(name=name)
        self.controls = controls
        self.moderates = any(control.moderates for control in controls)

    def corrupt(self, images, images_seen):
        for control in self.controls:
            images = control.corrupt(images, images_seen)
        return images

    def relabel(self, real, fake):
        for control in self.controls:
            real, fake = control.relabel(real, fake)
        return real, fake

    def observe(self, figures):
        for control in self.controls:
            control.observe(figures)

    def learn(self, by_heart):
        for control in self.controls:
            control.learn(by_heart)

    def share(self, network):
        product = 1.0
        for control in self.controls:
            product = product * control.share(network)
        return product

    def constrain(self, discriminator):
        for control in self.controls:
            control.constrain(discriminator)

    def moderate(self, network, variables, before, images_seen):
        for control in self.controls:
            control.moderate(network, variables, before, images_seen)

    def wake(self) -> None:
        """Lets resting controls act."""
        for control in self.controls:
            if isinstance(control, Auto):
                control.wake()

    def figures(self, images_seen):
        logged = {
            f"balance/{network}_share": tf.convert_to_tensor(self.share(network), tf.float32)
            for network in NETWORKS
        }
        for control in self.controls:
            logged |= control.figures(images_seen)
        return logged


class Pause(Control):
    """Skips the discriminator's update while it is too strong.

    Two thresholds make a hysteresis: it pauses at one and resumes at the other.
    The watched figure is averaged over the last ten batches or so. A paused
    discriminator still measures and its optimizer still gathers moments; only
    its learning rate is zero, so it neither moves nor comes back stale.
    """

    MOMENTUM = 0.9

    def __init__(self, name: str, figure: str, pause: float, resume: float, strong_is_high: bool):
        super().__init__(name=name)
        self.figure, self.sign = figure, 1.0 if strong_is_high else -1.0
        self.pause, self.resume = pause, resume
        middle = 0.5 * (pause + resume)
        self.running = self.add_weight(
            name="running", initializer=keras.initializers.Constant(middle), trainable=False
        )
        self.paused = self.add_weight(name="paused", initializer="zeros", trainable=False)

    def observe(self, figures):
        self.running.assign(
            self.MOMENTUM * self.running + (1.0 - self.MOMENTUM) * figures[self.figure]
        )
        strength = self.sign * self.running
        still = tf.where(strength < self.sign * self.resume, 0.0, self.paused)
        self.paused.assign(tf.where(strength > self.sign * self.pause, 1.0, still))

    def share(self, network):
        return 1.0 - self.paused if network == "discriminator" else 1.0

    def figures(self, images_seen):
        return {f"balance/{self.name}": tf.convert_to_tensor(self.paused)}


class LabelFlips(Control):
    """Swaps the labels of a random share of the pairs (as Chintala et al. 2016, tip 6).

    Only the discriminator's loss is misled; the generator's is not.
    """

    def __init__(self, probability: float, seed: int):
        super().__init__(name="label_flips")
        self.probability = probability
        self.seed = keras.random.SeedGenerator(seed)

    def relabel(self, real, fake):
        chance = replicas.draw(keras.random.uniform, tf.shape(real), seed=self.seed)
        flip = chance < self.probability
        return tf.where(flip, fake, real), tf.where(flip, real, fake)

    def figures(self, images_seen):
        return {"balance/label_flips": tf.constant(self.probability)}


class InstanceNoise(Control):
    """Gaussian noise on real and fake, falling to zero (Sonderby et al. 2017, section 3)."""

    def __init__(self, deviation: float, kimg: float, seed: int):
        super().__init__(name="instance_noise")
        self.deviation, self.kimg = deviation, kimg
        self.seed = keras.random.SeedGenerator(seed)

    def level(self, images_seen: tf.Tensor) -> tf.Tensor:
        """The standard deviation now, on pictures in [-1, 1]."""
        if not self.kimg:
            return tf.constant(self.deviation)
        passed = tf.cast(images_seen, tf.float32) / (1000.0 * self.kimg)
        return self.deviation * tf.maximum(0.0, 1.0 - passed)

    def corrupt(self, images, images_seen):
        shape = tf.shape(images)
        noise = replicas.draw(keras.random.normal, shape, seed=self.seed, dtype="float32")
        return images + self.level(images_seen) * noise

    def figures(self, images_seen):
        return {"balance/instance_noise": self.level(images_seen)}


class WeightClip(Control):
    """Clips the discriminator's kernels: Arjovsky et al. 2017, algorithm 1.

    Deviation: biases and normalisation scales are left alone.
    """

    def __init__(self, limit: float):
        super().__init__(name="weight_clip")
        self.limit = limit

    def constrain(self, discriminator):
        for variable in discriminator.trainable_variables:
            if len(variable.shape) > 1:
                variable.assign(tf.clip_by_value(variable.value, -self.limit, self.limit))

    def figures(self, images_seen):
        return {"balance/weight_clip": tf.constant(self.limit)}


class Augmentation(Control):
    """Augments real and fake pictures with a probability, fixed or adapted.

    Adapted as in Karras et al. 2020, section 3.2: it rises while the
    discriminator is surer of real pictures than `target`, the mean sign of its
    logits for them, and falls otherwise. Deviations: it moves at every step
    instead of every fourth, and faster, as small networks overfit sooner.
    """

    MOMENTUM = 0.95  # of the running mean sign, per step

    def __init__(
        self,
        probability: float,
        operations: tuple[str, ...],
        seed: int,
        target: float = 0.0,
        kimg: float = 20.0,
    ):
        """`target` 0 keeps the probability; `kimg` is the way from 0 to 1 in thousand images."""
        super().__init__(name="augment")
        self.operations, self.target, self.kimg = operations, target, kimg
        self.seed = keras.random.SeedGenerator(seed)
        self.probability = self.add_weight(
            name="probability",
            initializer=keras.initializers.Constant(probability),
            trainable=False,
        )
        if target:
            self.running = self.add_weight(
                name="running", initializer=keras.initializers.Constant(target), trainable=False
            )

    def corrupt(self, images, images_seen):
        probability, key = self.probability.value, self.seed.next()
        return tf.cond(
            probability > 0.0,
            lambda: augment(images, probability, self.operations, key),
            lambda: tf.cast(images, tf.float32),
        )

    def observe(self, figures):
        if not self.target:
            return
        sign = figures["discriminator/real_sign"]
        self.running.assign(self.MOMENTUM * self.running + (1.0 - self.MOMENTUM) * sign)
        self.move(tf.sign(self.running - self.target), figures["images"])

    def move(self, speed: tf.Tensor, images: tf.Tensor) -> None:
        """Raises the probability at a part of full speed, -1 to 1, for so many images."""
        step = speed * tf.cast(images, tf.float32) / (1000.0 * self.kimg)
        self.probability.assign(tf.clip_by_value(self.probability + step, 0.0, MAX_AUGMENT))

    def figures(self, images_seen):
        return {"balance/augment": tf.convert_to_tensor(self.probability)}


class AugmentationAgainstLearningByHeart(Augmentation):
    """Augments as much as it takes to keep the discriminator from knowing pictures by heart.

    The second heuristic of Karras et al. 2020, section 3.2, r_v: measured with
    pictures that were held out, it tells overfitting from mere strength, which
    the mean sign of the logits cannot. Deviation: it moves in proportion to
    the distance from the target.
    """

    TARGET = 0.4
    GAIN = 2.0  # full speed at a distance of a half

    def __init__(self, operations: tuple[str, ...], seed: int, kimg: float):
        super().__init__(0.0, operations, seed, kimg=kimg)
        self.by_heart = self.add_weight(
            name="by_heart", initializer=keras.initializers.Constant(self.TARGET), trainable=False
        )

    def learn(self, by_heart):
        self.by_heart.assign(by_heart)

    def observe(self, figures):
        speed = self.GAIN * (self.by_heart - self.TARGET)
        self.move(tf.clip_by_value(speed, -1.0, 1.0), figures["images"])


class SpeedLimit(Control):
    """Bounds how far one update moves a network, relative to the norm of its kernels.

    You et al. 2020 (LAMB), section 3, bound each layer's step so; here the
    whole network's, and only from above. At first the bound falls with the
    square root of the images seen, as the relative steps of healthy runs do by
    themselves (their kernels grow). It holds from the very first update, the
    one by which a rate ten times too high does its harm.
    """

    moderates = True
    LIMIT = 0.1  # of the norm, at the start
    KIMG = 2.0  # of slow decay
    SETTLED = 60.0  # thousand images, from which on it stays

    def __init__(self, generator_steps: int):
        """The generator's updates of a round share its limit."""
        super().__init__(name="speed_limit")
        self.steps = {"discriminator": 1, "generator": generator_steps}
        self.scale = self.add_weight(
            name="scale", shape=(len(NETWORKS),), initializer="ones", trainable=False
        )

    def limit(self, network: Network, images_seen: tf.Tensor) -> tf.Tensor:
        """The largest relative step now."""
        kimg = tf.minimum(tf.cast(images_seen, tf.float32) / 1000.0, self.SETTLED)
        passed = kimg / self.KIMG
        return self.LIMIT / self.steps[network] * tf.math.rsqrt(1.0 + passed)

    def moderate(self, network, variables, before, images_seen):
        kernels = [i for i, variable in enumerate(variables) if len(variable.shape) > 1]
        moved = tf.linalg.global_norm([variables[i].value - before[i] for i in kernels])
        allowed = self.limit(network, images_seen) * tf.linalg.global_norm(
            [before[i] for i in kernels]
        )
        scale = tf.minimum(1.0, allowed / tf.maximum(moved, 1e-12))
        for variable, old in zip(variables, before, strict=True):
            variable.assign(old + scale * (variable.value - old))
        here = tf.one_hot(NETWORKS.index(network), len(NETWORKS))
        self.scale.assign(self.scale + here * (scale - self.scale))

    def figures(self, images_seen):
        return {
            f"balance/speed_limit_{network}": self.scale[i] for i, network in enumerate(NETWORKS)
        }


class Advantage(Control):
    """Slows down whichever network is too far ahead, by the mean sign of D(real).

    Above `HIGH` the discriminator's rate is halved every `KIMG` thousand
    images, below `LOW` the generator's; in between both go back to their own.
    """

    HIGH, LOW = 0.8, 0.35
    KIMG = 0.5
    LEAST = 1 / 64
    MOMENTUM = 0.95  # of the running mean sign, per step

    def __init__(self):
        super().__init__(name="advantage")
        middle = keras.initializers.Constant(0.5 * (self.HIGH + self.LOW))
        self.running = self.add_weight(name="running", initializer=middle, trainable=False)
        self.shares = {
            network: self.add_weight(name=network, initializer="ones", trainable=False)
            for network in NETWORKS
        }

    def observe(self, figures):
        sign = figures["discriminator/real_sign"]
        self.running.assign(self.MOMENTUM * self.running + (1.0 - self.MOMENTUM) * sign)
        ahead = {
            "discriminator": self.running > self.HIGH,
            "generator": self.running < self.LOW,
        }
        step = tf.pow(2.0, tf.cast(figures["images"], tf.float32) / (1000.0 * self.KIMG))
        for network, share in self.shares.items():
            factor = tf.where(ahead[network], 1.0 / step, step)
            share.assign(tf.clip_by_value(share * factor, self.LEAST, 1.0))

    def share(self, network):
        return self.shares[network]


class Auto(Balance):
    """The controls of `--balance auto`; while not `active` they rest, and can be woken."""

    def __init__(self, controls: list[Control], active: bool):
        super().__init__(controls, name="auto")
        self.active = self.add_weight(
            name="active", initializer="ones" if active else "zeros", trainable=False
        )

    def wake(self) -> None:
        self.active.assign(1.0)

    def observe(self, figures):
        images = tf.cast(figures["images"], tf.float32) * self.active  # all moves are per image
        super().observe(figures | {"images": images})

    def moderate(self, network, variables, before, images_seen):
        def now():
            super(Auto, self).moderate(network, variables, before, images_seen)

        tf.cond(self.active > 0.0, now, lambda: None)

    def figures(self, images_seen):
        logged = {"balance/auto": tf.convert_to_tensor(self.active)}
        for control in self.controls:
            logged |= control.figures(images_seen)
        return logged


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


def _auto(config: BalanceConfig, seed: int, active: bool) -> Auto:
    controls = [SpeedLimit(config.generator_steps), Advantage()]
    if not config.augment and not config.augment_target:
        controls.insert(
            0,
            AugmentationAgainstLearningByHeart(
                config.augment_operations, seed, config.augment_kimg
            ),
        )
    return Auto(controls, active)
