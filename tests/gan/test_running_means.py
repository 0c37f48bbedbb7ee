import tensorflow as tf

from gan.running_means import RunningMeans


def test_means_since_the_last_reset():
    means = RunningMeans(("loss", "accuracy"))
    assert {name: float(value) for name, value in means.result().items()} == {
        "loss": 0.0, "accuracy": 0.0,
    }  # fmt: skip
    means.update_state({"loss": tf.constant(1.0), "accuracy": 0.5, "images": 8})
    means.update_state({"loss": tf.constant(3.0), "accuracy": 1.0, "images": 8})
    assert float(means.result()["loss"]) == 2.0
    assert float(means.result()["accuracy"]) == 0.75
    means.reset_state()
    means.update_state({"loss": 5.0, "accuracy": 0.0})
    assert float(means.result()["loss"]) == 5.0


def test_sums_of_means():
    means = RunningMeans(("a", "b"), sums={"both": ("a", "b")})
    means.update_state({"a": 1.0, "b": 2.0})
    means.update_state({"a": 3.0, "b": 2.0})
    assert float(means.result()["both"]) == 4.0
