import keras
import numpy as np
import pytest
import tensorflow as tf

from common.errors import InputError
from common.extractors import deep
from experiments.distillation import squeezenet

MEAN = np.array([103.939, 116.779, 123.68])  # blue, green, red
WIDTHS = {2: (2, 3), 3: (2, 3), 4: (3, 4), 5: (3, 4), 6: (3, 5), 7: (3, 5), 8: (4, 6)}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A narrow SqueezeNet with random weights, as its file names them."""
    random, channels, arrays = np.random.default_rng(0), 6, {}

    def convolution(name, side, before, after):
        scale = (2.0 / (side * side * before)) ** 0.5
        arrays[f"{name}.weight"] = random.normal(scale=scale, size=(side, side, before, after))
        arrays[f"{name}.bias"] = random.normal(scale=0.1, size=after)

    convolution("conv1", 3, 3, channels)
    for number, (squeezed, expanded) in WIDTHS.items():
        convolution(f"fire{number}_squeeze1x1", 1, channels, squeezed)
        convolution(f"fire{number}_expand1x1", 1, squeezed, expanded)
        convolution(f"fire{number}_expand3x3", 3, squeezed, expanded)
        channels = 2 * expanded
    path = tmp_path_factory.mktemp("teacher") / "squeezenet.npz"
    np.savez(path, **{name: values.astype(np.float32) for name, values in arrays.items()})
    return path


def images(count=2):
    return tf.constant(np.random.default_rng(1).random((count, 32, 48, 3), np.float32))


def test_the_first_convolution_takes_red_green_blue_in_zero_to_one(path):
    image, stored = images(1).numpy(), np.load(path)
    theirs = (255.0 * image[..., ::-1] - MEAN).astype(np.float32)
    expected = tf.nn.conv2d(theirs, stored["conv1.weight"], 2, "VALID") + stored["conv1.bias"]
    weights = squeezenet.read(path)
    found = tf.nn.conv2d(image, weights["conv1"], 2, "VALID") + weights["conv1/bias"]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-2)


def test_the_student_begins_as_the_first_convolution_of_a_blurred_image(path):
    teacher = squeezenet.read(path)
    guess = squeezenet.first_guess(teacher)
    image = images(1)
    kernel = np.outer(squeezenet.BLUR, squeezenet.BLUR)[:, :, None, None] * np.eye(3)
    blurred = tf.nn.conv2d(image, kernel.astype(np.float32), 1, "SAME")
    expected = tf.nn.conv2d(blurred, teacher["conv1"], 2, "VALID") + teacher["conv1/bias"]
    values = deep.cells(image, tf.float32)
    found = tf.nn.conv2d(values, guess["stem"], 1, "VALID") + guess["stem/bias"]
    inside = (slice(None), slice(1, 14), slice(1, 22))  # the border differs
    np.testing.assert_allclose(found[inside], expected[inside], rtol=1e-3, atol=1e-3)


def test_student_and_teacher_have_the_same_places(path):
    model = squeezenet.DeepStudent(squeezenet.read(path))
    for name, (own, wanted) in model.prepare(images()).items():
        assert own.shape == wanted.shape, name
    assert own.shape == (2, 2, 3, 12)


@pytest.mark.slow
def test_training_brings_the_student_closer(path, tmp_path):
    model = squeezenet.DeepStudent(squeezenet.read(path))
    batch = images()

    def errors():
        return sum(float(error) for error in model.errors(model.prepare(batch)).values())

    before = errors()
    model.compile(optimizer=keras.optimizers.Adam(0.003))
    model.fit(tf.data.Dataset.from_tensors(batch).repeat(40), verbose=0)
    assert errors() < 0.7 * before
    assert model.arrays()["stem"].shape == (3, 3, 12, 6)
    np.savez(tmp_path / "mine.npz", **model.arrays())
    other = squeezenet.DeepStudent(squeezenet.read(path))
    other.read(tmp_path / "mine.npz")
    np.testing.assert_array_equal(other.kernels["stem"].numpy(), model.kernels["stem"].numpy())


def test_channel_error_by_hand():
    wanted = tf.constant([[[[1.0, 3.0]]]])  # mean squares 1 and 9, of all 5
    found = tf.constant([[[[2.0, 3.0]]]])
    assert float(squeezenet.channel_error(found, wanted)) == pytest.approx((1 / 1.5 + 0) / 2)


def test_a_missing_array_is_named(path, tmp_path):
    arrays = dict(np.load(path))
    del arrays["fire5_expand3x3.bias"]
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(InputError, match=r"fire5_expand3x3\.bias"):
        squeezenet.read(tmp_path / "bad.npz")
