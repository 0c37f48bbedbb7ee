import keras
import numpy as np
import pytest
import tensorflow as tf

from common.losses.adversarial import ADVERSARIAL
from common.losses.penalties import PENALTIES
from gan.balance.base import Balance
from gan.balance.build import build_balance
from gan.balance.noise import InstanceNoise
from gan.balance.throttle import Pause
from gan.config import BalanceConfig, NetworkConfig
from gan.model import GAN
from gan.networks.base import ImageSpec
from gan.networks.dcgan import build_discriminator, build_generator

SMALL = NetworkConfig(latent_size=8, width=4)


def make(loss="non_saturating", rate=0.01, networks=SMALL, classes=0, optimizer=None, **options):
    keras.utils.set_random_seed(0)
    options = {"balance": Balance([]), "seed": 1} | options
    spec = ImageSpec(16, 16, 1, classes)
    gan = GAN(
        build_generator(spec, networks),
        build_discriminator(spec, networks),
        build_generator(spec, networks),
        loss=ADVERSARIAL[loss],
        **options,
    )
    optimizer = optimizer or keras.optimizers.SGD
    gan.compile(optimizer(rate), optimizer(rate))
    return gan


def batch(count=8, classes=1):
    images = np.random.default_rng(0).uniform(-1, 1, (count, 16, 16, 1)).astype(np.float32)
    return tf.constant(images), tf.constant(np.arange(count) % classes, tf.int32)


def values(network):
    return [np.array(weight) for weight in network.trainable_variables]


def moved(before, network):
    return any((a != b).any() for a, b in zip(before, values(network), strict=True))


@pytest.mark.parametrize("loss", ADVERSARIAL)
def test_every_loss_trains_both_networks(loss):
    gan = make(loss)
    before = values(gan.generator), values(gan.discriminator)
    metrics = gan.train_step(batch())
    assert moved(before[0], gan.generator)
    assert moved(before[1], gan.discriminator)
    assert all(np.isfinite(float(value)) for value in metrics.values())


def test_alternating_meets_the_updated_discriminator_and_simultaneous_the_old_one():
    def generator_loss_by_hand(gan, after_update):
        """Plays the step with plain code on copies; returns what the generator should see."""
        latents = keras.random.normal((8, 8), seed=keras.random.SeedGenerator(1))
        real, _ = batch()
        fake = gan.generator(latents, training=True)
        if after_update:
            with tf.GradientTape() as tape:
                real_logits = gan.discriminator(real, training=True)
                fake_logits = gan.discriminator(fake, training=True)
                loss = tf.reduce_mean(tf.nn.softplus(-real_logits) + tf.nn.softplus(fake_logits))
            variables = gan.discriminator.trainable_variables
            for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
                variable.assign_sub(0.5 * gradient)
        fake_logits = gan.discriminator(fake, training=True)
        return float(tf.reduce_mean(tf.nn.softplus(-fake_logits)))

    for update in ("alternating", "simultaneous"):
        expected = generator_loss_by_hand(make(rate=0.5), after_update=update == "alternating")
        metrics = make(rate=0.5, update=update).train_step(batch())
        assert float(metrics["loss/generator"]) == pytest.approx(expected, rel=1e-4)


def test_steps_per_network_are_counted():
    gan = make(discriminator_steps=3, generator_steps=2)
    gan.train_step(batch(24))
    assert int(gan.discriminator_optimizer.iterations) == 3
    assert int(gan.generator_optimizer.iterations) == 2
    assert int(gan.images_seen) == 24


def test_a_paused_discriminator_stands_still_and_the_generator_trains():
    pause = Pause(
        "pause_accuracy", "discriminator/accuracy", pause=0.9, resume=0.5, strong_is_high=True
    )
    gan = make(balance=Balance([pause]), optimizer=keras.optimizers.Adam)
    pause.paused.assign(1.0)
    pause.running.assign(1.0)
    before = values(gan.discriminator), values(gan.generator)
    metrics = gan.train_step(batch())
    assert not moved(before[0], gan.discriminator)
    assert moved(before[1], gan.generator)
    assert float(metrics["balance/pause_accuracy"]) == 1.0
    assert float(metrics["learning_rate/discriminator"]) == 0.0


def test_the_average_has_the_half_life_it_says():
    gan = make(ema_kimg=0.008, ema_rampup=1e9)  # eight images: one batch halves the distance
    start = np.array(gan.ema_generator.weights[0])
    gan.train_step(batch(8))
    halfway = 0.5 * (start + np.array(gan.generator.weights[0]))
    np.testing.assert_allclose(gan.ema_generator.weights[0], halfway, rtol=1e-5, atol=1e-7)


def test_the_average_follows_running_statistics_too_and_is_what_sampling_uses():
    gan = make(ema_kimg=1e-9)
    gan.train_step(batch())
    latents = tf.ones((2, 8))
    np.testing.assert_allclose(gan(latents), gan.generator(latents, training=False), atol=1e-5)


def test_the_average_copies_weights_that_are_counts():
    latent = keras.Input((8,))
    scaling = keras.layers.Normalization()
    image = keras.layers.Reshape((16, 16, 1))(keras.layers.Dense(256)(scaling(latent)))
    generator = keras.Model(latent, image)
    scaling.adapt(np.random.default_rng(0).normal(size=(32, 8)))
    gan = GAN(
        generator,
        build_discriminator(ImageSpec(16, 16, 1), SMALL),
        keras.models.clone_model(generator),
        loss=ADVERSARIAL["hinge"],
        balance=Balance([]),
    )
    gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
    scaling.count.assign(7)
    gan.train_step(batch())
    counts = [weight for weight in gan.ema_generator.weights if not weight.dtype.startswith("fl")]
    assert [int(count) for count in counts] == [7]


def test_conditional_networks_take_the_labels():
    gan = make(classes=4)
    before = np.array(gan.discriminator.get_layer("label_embedding").embeddings)
    gan.train_step(batch(8, classes=4))
    assert (np.array(gan.discriminator.get_layer("label_embedding").embeddings) != before).any()
    assert gan(tf.ones((2, 8)), tf.constant([0, 3])).shape == (2, 16, 16, 1)


def test_metrics_are_means_over_steps_since_the_reset():
    gan = make(rate=0.0)
    first = float(gan.train_step(batch())["loss/discriminator"])
    mean = float(gan.train_step(batch())["loss/discriminator"])
    twin = make(rate=0.0)
    twin.train_step(batch())
    twin.scalars.reset_state()
    second = float(twin.train_step(batch())["loss/discriminator"])
    assert first != second
    assert mean == pytest.approx((first + second) / 2, rel=1e-5)


def test_all_controls_together_run_in_a_graph():
    config = BalanceConfig(
        mode="auto",
        pause_accuracy=0.9,
        pause_loss=0.1,
        label_flips=0.1,
        instance_noise=0.1,
        weight_clip=1.0,
    )
    gan = make(balance=build_balance(config, seed=5), label_smoothing=0.1)
    images, labels = batch(16)
    stream = tf.data.Dataset.from_tensors((images, labels)).repeat()
    history = gan.fit(stream, steps_per_epoch=4, verbose=0, shuffle=False)
    for name in (
        "pause_accuracy",
        "pause_loss",
        "label_flips",
        "instance_noise",
        "weight_clip",
        "augment",
        "auto",
        "update_limit_generator",
    ):
        assert f"balance/{name}" in history.history
    assert int(gan.images_seen) == 64


def test_random_streams_are_variables_of_the_model():
    gan = make(balance=Balance([InstanceNoise(0.1, 0.0, seed=3)]))
    before = [np.array(variable) for variable in gan.variables if "seed" in variable.path]
    assert len(before) == 2
    gan.train_step(batch())
    after = [np.array(variable) for variable in gan.variables if "seed" in variable.path]
    assert all((a != b).any() for a, b in zip(before, after, strict=True))


def test_the_norm_of_a_gradient_counts_a_label_that_repeats_once():
    gan = make(classes=2)
    images, _ = batch(8)
    same = gan.train_step((images, tf.zeros((8,), tf.int32)))
    twin = make(classes=2)
    twin.generator.get_layer("label_embedding").embeddings.assign(
        make(classes=2).generator.get_layer("label_embedding").embeddings
    )
    with tf.GradientTape() as tape:
        real, labels = images, tf.zeros((8,), tf.int32)
        latents = keras.random.normal((8, 8), seed=keras.random.SeedGenerator(1))
        fake = twin.generator([latents, labels], training=True)
        losses = twin.loss_pair.discriminator(
            real=twin.discriminator([real, labels], training=True),
            fake=twin.discriminator([fake, labels], training=True),
        )
        loss = tf.reduce_mean(losses)
    gradients = tape.gradient(loss, twin.discriminator.trainable_variables)
    expected = np.sqrt(sum(np.sum(np.square(tf.convert_to_tensor(g))) for g in gradients))
    assert float(same["gradient_norm/discriminator"]) == pytest.approx(expected, rel=1e-3)


def pyramid(images):
    return [images[:, ::2, ::2], images]


def two_scales(classes=0):
    """A generator of images at two resolutions, and a discriminator of such pairs."""
    latent = keras.Input((8,))
    labels = [keras.Input((), dtype="int32")] if classes else []
    x = keras.layers.Reshape((8, 8, 1))(keras.layers.Dense(64)(latent))
    outputs = [x, keras.layers.UpSampling2D()(x)]
    generator = keras.Model([latent, *labels] if classes else latent, outputs)
    small, large = keras.Input((8, 8, 1)), keras.Input((16, 16, 1))
    features = [keras.layers.Dense(1)(keras.layers.Flatten()(each)) for each in (small, large)]
    logits = keras.layers.Reshape(())(keras.layers.Add()(features))
    return generator, keras.Model([small, large, *labels], logits)


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_images_may_be_nests(update, classes):
    generator, discriminator = two_scales(classes)
    seen = []

    class Record(InstanceNoise):
        def augment(self, images, images_seen):
            seen.append(tuple(images.shape))
            return super().augment(images, images_seen)

    gan = GAN(
        generator,
        discriminator,
        keras.models.clone_model(generator),
        loss=ADVERSARIAL["relativistic"],
        balance=Balance([Record(0.1, 0.0, seed=0)]),
        real_inputs=pyramid,
        penalty=PENALTIES["wgan_gp"],
        penalty_weight=1.0,
        update=update,
    )
    gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
    before = values(gan.generator), values(gan.discriminator)
    metrics = gan.train_step(batch(classes=max(1, classes)))
    assert all(np.isfinite(float(value)) for value in metrics.values())
    assert moved(before[0], gan.generator)
    assert moved(before[1], gan.discriminator)
    assert seen == 5 * [(8, 8, 8, 1), (8, 16, 16, 1)]  # real, fake, between; real and fake again


@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_the_generator_gradient_flows_through_the_discriminator_into_the_generator_only(update):
    gan = make(rate=0.0, update=update)
    twin = make(rate=0.0)
    latents = keras.random.normal((8, 8), seed=keras.random.SeedGenerator(1))
    with tf.GradientTape() as tape:
        fake_logits = twin.discriminator(twin.generator(latents, training=True), training=True)
        loss = tf.reduce_mean(tf.nn.softplus(-fake_logits))
    gradients = tape.gradient(loss, twin.generator.trainable_variables)
    expected = float(tf.linalg.global_norm(gradients))
    metrics = gan.train_step(batch())
    assert float(metrics["gradient_norm/generator"]) == pytest.approx(expected, rel=1e-4)
