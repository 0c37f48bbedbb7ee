import keras
import numpy as np
import pytest

from gan.anomalies.bayesian import BayesianDense


def layer_of(means, deviations, bias=(0.0, 0.0), bias_deviations=(1e-6, 1e-6), **options):
    """A layer of two inputs and two outputs with this posterior."""
    layer = BayesianDense(2, **options)
    layer.build((None, 2))
    rho = [np.log(np.expm1(np.asarray(s, np.float64))) for s in (deviations, bias_deviations)]
    layer.set_weights(
        [np.asarray(means), rho[0], np.asarray(bias), rho[1], *layer.get_weights()[4:]]
    )
    return layer


def test_without_draws_the_weights_are_their_means():
    layer = layer_of([[1.0, 2.0], [3.0, 4.0]], np.full((2, 2), 0.5), bias=(10.0, 20.0))
    assert layer(np.array([[1.0, 2.0]])).numpy() == pytest.approx(np.array([[17.0, 30.0]]))


def test_draws_have_the_mean_and_deviation_of_drawn_weights():
    """x = (1, 2), s = .3 and .4: the deviation is sqrt(.3^2 + (2 * .4)^2), with bias .5 more."""
    deviations = np.array([[0.3, 0.1], [0.4, 0.1]])
    layer = layer_of([[1.0, 0.0], [1.0, 0.0]], deviations, bias_deviations=(0.5, 1e-6))
    found = layer(np.tile([[1.0, 2.0]], (20_000, 1)), sample=True).numpy()
    assert found.mean(axis=0) == pytest.approx([3.0, 0.0], abs=0.03)
    assert found.std(axis=0) == pytest.approx([(0.09 + 0.64 + 0.25) ** 0.5, 0.05**0.5], rel=0.02)
    again = layer(np.array([[1.0, 2.0]]), sample=True).numpy()
    assert not np.allclose(again, layer(np.array([[1.0, 2.0]]), training=True).numpy())


def test_the_divergence_is_that_of_normal_distributions():
    """Four weights of m = 1, s = 2, p = .5: each log(.25) + (4 + 1) / .5 - .5 nats."""
    layer = layer_of(np.ones((2, 2)), np.full((2, 2), 2.0), bias_deviations=(0.5, 0.5),
                     prior_deviation=0.5, divergence_weight=0.1)  # fmt: skip
    expected = 4 * (np.log(0.25) + 5 / 0.5 - 0.5)
    assert float(layer.divergence()) == pytest.approx(expected, rel=1e-5)
    layer(np.zeros((1, 2)))
    layer(np.zeros((1, 2)))
    assert [float(loss) for loss in layer.losses] == pytest.approx([0.1 * expected], rel=1e-5)


def test_a_posterior_equal_to_the_prior_has_no_divergence():
    p = 2**-0.5
    layer = layer_of(np.zeros((2, 2)), np.full((2, 2), p), bias_deviations=(p, p))
    assert float(layer.divergence()) == pytest.approx(0.0, abs=1e-5)


def test_a_model_is_saved(tmp_path):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, BayesianDense(2, 1e-3, 0.2, activation="tanh", seed=7)(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(4, 3))
    assert loaded(x).numpy() == pytest.approx(model(x).numpy())
    before, after = model.layers[-1], loaded.layers[-1]
    assert float(after.divergence()) == pytest.approx(float(before.divergence()))
    assert after.get_config() == before.get_config()


@pytest.mark.slow
def test_the_posterior_widens_without_data_and_narrows_with_it():
    """Inputs that are always 0 say nothing about their weights: these return to the prior."""
    random = np.random.default_rng(0)
    x = random.normal(size=(256, 2)) * [1.0, 0.0]
    inputs = keras.Input((2,))
    layer = BayesianDense(1, divergence_weight=1e-2, prior_deviation=1.0)
    model = keras.Model(inputs, layer(inputs))
    model.compile(keras.optimizers.Adam(0.05), "mse")
    history = model.fit(x, 3.0 * x[:, :1], epochs=300, batch_size=256, verbose=0).history["loss"]
    assert history[-1] < 0.1 * history[0]
    means, deviations = layer.kernel_mean.numpy(), np.log1p(np.exp(layer.kernel_rho.numpy()))
    assert means[:, 0] == pytest.approx([3.0, 0.0], abs=0.3)
    assert deviations[0] < 0.3 < 0.7 < deviations[1]


def test_draws_start_anew_from_a_seed():
    layer = layer_of(np.ones((2, 2)), np.ones((2, 2)))
    found = []
    for seed in (1, 2, 1):
        layer.restart(seed)
        found.append(layer(np.ones((1, 2)), sample=True).numpy().tolist())
    assert found[0] == found[2] != found[1]
