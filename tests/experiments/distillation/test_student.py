import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.extractors import compact
from experiments.distillation import lesson, student, training
from style_transfer import extractors


@pytest.fixture(scope="module")
def teacher():
    """A VGG with few channels and random weights."""
    random, channels = np.random.default_rng(1), 3
    arrays = {"input": np.eye(3)[None, None], "input/bias": np.zeros(3)}
    for name in compact.TAPS:
        arrays[name] = random.normal(size=(3, 3, channels, 4)) / 4
        arrays[f"{name}/bias"] = random.normal(size=4)
        channels = 4
    arrays = {name: values.astype(np.float32) for name, values in arrays.items()}
    return extractors.vgg("teacher", arrays, "max", "float32")


def batches():
    random = np.random.default_rng(2)
    while True:
        yield random.random((2, 32, 32, 3), np.float32)


def test_second_moments_by_hand():
    narrow = tf.constant([[[[1.0], [3.0]]]])  # two places of one channel
    wide = tf.constant([[[[2.0], [4.0]]]])
    own, cross = student.second_moments(narrow, wide)
    np.testing.assert_allclose(own, [[5.0, 2.0], [2.0, 1.0]])
    np.testing.assert_allclose(cross, [[7.0], [3.0]])


@pytest.mark.slow
def test_heads_predict_the_teacher_better_than_nothing_and_training_better_still(teacher, tmp_path):
    model = student.CompactStudent(teacher, "float32", side=32)
    images = tf.constant(next(batches()))

    def errors():
        return sum(float(error) for error in model.errors(model.prepare(images)).values())

    assert errors() == pytest.approx(5.0)  # without heads: 1 for each layer
    model.solve_heads(iter([images] * 3), 3)
    assert (model.MEMORY, model.RIDGE) == (0.95, 1e-4)
    solved = errors()
    assert solved < 2.5
    model.compile(optimizer=keras.optimizers.Adam(0.003))
    model.fit(tf.data.Dataset.from_tensors(images).repeat(40), verbose=0)
    assert errors() < 0.9 * solved

    class Config:
        teacher = "here/vgg.npz"
        crop = 32

    training.publish(
        model.arrays(), tmp_path / "mine.npz", "CARD.md", "# {what}\n", {"a": "0.1"},
        config=Config, what="x", license="BSD",
    )  # fmt: skip
    card = (tmp_path / "CARD.md").read_text()
    assert card.startswith("# x\n- **Data**: crops of 32 pixels")
    assert "| a | 0.1 |" in card
    extractor = compact.load(tmp_path / "mine.npz")
    found, wanted = extractor(images), teacher(images)
    for layer, features in found.items():
        own, true = features.moments().mean, wanted[layer].moments().mean
        assert np.abs(own - true).mean() < 0.5 * np.abs(true).mean(), layer
    other = student.CompactStudent(teacher, "float32", side=32)
    other.read(tmp_path / "mine.npz")
    np.testing.assert_allclose(
        other.kernels["conv1"].numpy(), model.kernels["conv1"].numpy(), rtol=1e-3, atol=1e-3
    )


def test_datasets_are_streams_of_batches(monkeypatch, tmp_path):
    from PIL import Image

    monkeypatch.setattr(lesson, "TEXTURES", 4)
    for number in range(8):
        Image.fromarray(np.full((40, 60, 3), number, np.uint8)).save(tmp_path / f"{number}.png")
    config = lesson.LessonConfig(images=tmp_path, batch_size=3, crop=32)
    source, stream, test = training.datasets(config, lesson.split(tmp_path))
    assert next(source).shape == (3, 32, 32, 3)
    for batch in itertools.islice(stream, 2):
        assert batch.shape == (3, 32, 32, 3)
    assert [len(batch) for batch in test] == [3, 3, 3]  # nine sizes of the held-out image
    mean = training.evaluate(lambda batch: {"x": tf.reduce_max(batch)}, test)
    assert mean["x"] == pytest.approx(7 / 255)
