from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

from common import images as image_io
from gan.anomalies.bayesian import BayesianDense
from gan.anomalies.detector_training import train_encoder
from gan.anomalies.encoder import FAnoGAN, build_encoder, feature_model
from gan.networks.base import ImageSpec


def of_two_by_two(kappa=1.0):
    """A generator that shows its latents, features that are twice the pixels, an encoder."""
    latent = keras.Input((4,))
    generator = keras.Model(latent, layers.Reshape((2, 2, 1))(latent))
    image = keras.Input((2, 2, 1))
    features = layers.Rescaling(2.0, name="features")(layers.Flatten()(image))
    discriminator = keras.Model(image, layers.Dense(1)(features))
    hidden = layers.Flatten(name="hidden")(image)
    encoder = keras.Model(image, BayesianDense(4, divergence_weight=1e-6, name="latent")(hidden))
    gan = SimpleNamespace(
        ema_generator=generator, discriminator=discriminator, real_inputs=lambda images: images
    )
    return FAnoGAN(encoder, gan, kappa)


def set_posterior(detector, mean, deviation):
    kernel, rho, bias, bias_rho = detector.head.trainable_variables
    kernel.assign(np.asarray(mean, np.float32))
    rho.assign(np.full((4, 4), np.log(np.expm1(deviation))))
    bias.assign(np.zeros(4))
    bias_rho.assign(np.full(4, -20.0))


def test_the_score_is_the_error_of_the_pixels_and_of_the_features():
    """White is 1, its reconstruction 0.5: 0.25 for the pixels and 3 * 1 for the features."""
    detector = of_two_by_two(kappa=3.0)
    set_posterior(detector, 0.5 * np.eye(4), 1e-6)
    found = detector.score(np.full((3, 2, 2, 1), 255, np.uint8), draws=2)
    assert found.draws == pytest.approx(np.full((2, 3), 3.25), abs=1e-3)
    assert found.heat_maps == pytest.approx(np.full((3, 2, 2), 0.5), abs=1e-3)
    assert found.reconstructions.tolist() == np.full((3, 2, 2, 1), 191).tolist()


def test_draws_spread_with_the_posterior_and_repeat_with_the_seed():
    detector = of_two_by_two()
    set_posterior(detector, np.eye(4), 0.1)
    images = np.random.default_rng(0).integers(0, 256, (5, 2, 2, 1), np.uint8)
    found = detector.score(images, draws=50, seed=3, size=2)
    # Every pixel deviates by 0.1 |x|: the score is (1 + 4) times the mean square of this
    expected = 5 * 0.01 * np.sum(image_io.to_signed(images) ** 2, axis=(1, 2, 3))
    assert found.draws.mean(axis=0) == pytest.approx(expected, rel=0.3)
    assert (found.draws.std(axis=0) > 0).all()
    assert (detector.score(images, draws=50, seed=3, size=2).draws == found.draws).all()
    assert (detector.score(images, draws=50, seed=4, size=2).draws != found.draws).any()


@pytest.mark.slow
def test_training_changes_the_encoder_only():
    detector = of_two_by_two()
    fixed = [*detector.generator.weights, *detector.features.weights]
    before = [weight.numpy() for weight in fixed]
    images = np.random.default_rng(0).integers(0, 256, (64, 2, 2, 1), np.uint8)
    worse = detector.score(images).draws.mean()
    train_encoder(detector, images, seed=0, steps=200)
    assert detector.score(images).draws.mean() < 0.8 * worse
    assert int(detector.optimizer.iterations.numpy()) == 200
    for weight, value in zip(fixed, before, strict=True):
        assert (weight.numpy() == value).all()


@pytest.mark.parametrize(("side", "channels", "hidden"), [(16, 1, 1024), (28, 3, 3136)])
def test_an_encoder_halves_the_side_down_to_seven_pixels_or_less(side, channels, hidden):
    encoder = build_encoder(ImageSpec(side, side, channels), 6, examples=10)
    assert encoder.output_shape == (None, 6)
    assert encoder.get_layer("hidden").output.shape == (None, hidden)
    assert encoder.get_layer("latent").divergence_weight == pytest.approx(
        2 * 0.2**2 / (10 * side * side * channels)
    )


def test_the_features_are_the_layer_of_that_name_or_the_last_but_one():
    image = keras.Input((3,))

    def network(name):
        return keras.Model(
            image, layers.Dense(1)(layers.Dense(5)(layers.Dense(4, name=name)(image)))
        )

    assert feature_model(network("features")).output_shape == (None, 4)
    assert feature_model(network("other")).output_shape == (None, 5)
