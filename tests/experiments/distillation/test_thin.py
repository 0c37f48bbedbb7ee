import numpy as np
import pytest
import tensorflow as tf

from experiments.distillation import thin
from style_transfer import extractors

WIDTHS = {"relu1_1": 4, "relu1_2": 4, "relu2_1": 6, "relu2_2": 6, "relu3_1": 8}


@pytest.fixture(scope="module")
def arrays():
    """A small VGG in the form of `vgg.vgg_features`."""
    random, channels = np.random.default_rng(1), 3
    found = {"input": np.eye(3)[None, None], "input/bias": np.zeros(3)}
    for name, width in WIDTHS.items():
        found[name] = random.normal(size=(3, 3, channels, width))
        found[f"{name}/bias"] = random.normal(size=width)
        channels = width
    return {name: values.astype(np.float32) for name, values in found.items()}


def batches():
    random = np.random.default_rng(2)
    while True:
        yield random.random((4, 24, 24, 3), np.float32)


def test_a_thin_vgg_of_full_rank_is_its_teacher_and_of_less_rank_near(arrays, tmp_path):
    image = tf.constant(np.random.default_rng(0).random((1, 24, 32, 3)), tf.float32)
    teacher = extractors.vgg("teacher", arrays, "max", "float32")(image)
    off = {}
    for less in (0, 2):
        ranks = {name: width - less for name, width in WIDTHS.items() if name != "relu1_1"}
        np.savez(tmp_path / "thin.npz", **thin.thin(arrays, batches(), 2, ranks))
        found = extractors.load(str(tmp_path / "thin.npz"))(image)
        assert tuple(found) == tuple(teacher)
        goal = teacher["relu3_1"].values
        error = tf.reduce_mean(tf.square(found["relu3_1"].values - goal))
        off[less] = float(error / tf.reduce_mean(tf.square(goal)))
    assert off[0] < 1e-6
    assert 1e-6 < off[2] < 0.5


@pytest.mark.slow
def test_training_brings_a_thin_vgg_nearer_to_its_teacher(arrays):
    import keras

    teacher = extractors.vgg("teacher", arrays, "max", "float32")
    ranks = {name: max(2, width - 2) for name, width in WIDTHS.items() if name != "relu1_1"}
    model = thin.ThinStudent(thin.thin(arrays, batches(), 2, ranks), teacher, "float32")
    model.compile(optimizer=keras.optimizers.Adam(0.01))
    images = tf.constant(next(batches()))
    before = sum(float(error) for error in model.errors(images).values())
    input_before = model.arrays["input"].numpy()
    stream = tf.data.Dataset.from_tensors(images).repeat(30)
    model.fit(stream, verbose=0)
    assert sum(float(error) for error in model.errors(images).values()) < 0.9 * before
    np.testing.assert_array_equal(model.arrays["input"].numpy(), input_before)
