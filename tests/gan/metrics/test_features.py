import numpy as np
import pytest

from common import images as image_io
from gan.data import base
from gan.metrics import classifier, features


def test_batches_are_put_together_in_order():
    images = np.arange(10)[:, None]
    np.testing.assert_array_equal(features.in_batches(lambda part: 2 * part, images, 4), 2 * images)


def test_transparency_is_seen_over_white_and_over_black():
    image = np.zeros((1, 1, 1, 4), np.uint8)
    image[0, 0, 0] = (200, 100, 0, 51)  # a fifth
    white, black = features.opaque(image)
    assert white.ravel().tolist() == [244, 224, 204]
    assert black.ravel().tolist() == [40, 20, 0]
    gray = np.full((1, 1, 1, 1), 9, np.uint8)
    assert [x.ravel().tolist() for x in features.opaque(gray)] == [[9, 9, 9]]


def test_compact_features_see_what_is_transparent():
    extract = features.compact_features().extract
    images = np.random.default_rng(0).integers(0, 255, (4, 16, 16, 4), dtype=np.uint8)
    other = images.copy()
    other[..., 3] = 255 - other[..., 3]
    assert np.abs(extract(images) - extract(other)).max() > 1e-2
    single = extract(images[..., :1])
    np.testing.assert_allclose(single, extract(images[..., :1].repeat(3, axis=3)), rtol=1e-6)


@pytest.mark.slow
def test_the_classifier_learns_every_class_of_a_dataset_in_turn():
    """With every tenth image of ten classes held out, the tenth class would never be seen."""
    labels = np.arange(400, dtype=np.int32) % 10
    images = np.zeros((400, 16, 16, 1), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, label : label + 3] = 190
    images += np.random.default_rng(0).integers(0, 60, images.shape).astype(np.uint8)
    names = tuple("0123456789")
    dataset = base.ImageDataset("bars", images, labels, names, "bars-of-ten")
    network = classifier.build_classifier(16, 1, 10)
    assert classifier.train_classifier(network, dataset, seconds=60) > 0.8
    found = network(image_io.to_signed(images), training=False)[1].numpy().argmax(axis=1)
    assert (found == labels)[labels == 9].mean() > 0.8


@pytest.mark.slow
def test_training_ends_in_time():
    import time

    images = np.zeros((5000, 32, 32, 1), np.uint8)
    dataset = base.ImageDataset("long", images, np.zeros(5000, np.int32), ("a", "b"), "")
    network = classifier.build_classifier(32, 1, 2)
    started = time.perf_counter()
    classifier.train_classifier(network, dataset, seconds=0.5)
    assert time.perf_counter() - started < 15


@pytest.mark.slow
def test_other_weights_are_another_version(tmp_path):
    labels = np.arange(40, dtype=np.int32) % 2
    images = np.zeros((40, 16, 16, 1), np.uint8)
    dataset = base.ImageDataset("two", images, labels, ("a", "b"), "two")
    first = features.classifier(dataset, tmp_path, seconds=0.1)
    assert features.classifier(dataset, tmp_path, seconds=0.1).version == first.version
    (path,) = (tmp_path / "classifiers").iterdir()
    arrays = dict(np.load(path))
    arrays["000"] = arrays["000"] + 1.0
    np.savez(path, **arrays)
    assert features.classifier(dataset, tmp_path, seconds=0.1).version != first.version


@pytest.mark.slow
def test_precision_of_the_process_does_not_matter(tmp_path):
    import keras

    labels = np.arange(40, dtype=np.int32) % 2
    images = np.zeros((40, 16, 16, 1), np.uint8)
    dataset = base.ImageDataset("two", images, labels, ("a", "b"), "two")
    keras.config.set_dtype_policy("mixed_bfloat16")
    found = features.classifier(dataset, tmp_path, seconds=0.1).extract(images)
    assert found.dtype == np.float32
    assert keras.config.dtype_policy().name == "mixed_bfloat16"


def test_the_classifier_takes_images_of_every_size():
    for resolution in (16, 32, 64, 96):
        network = classifier.build_classifier(resolution, 3, 5)
        features, logits = network(np.zeros((2, resolution, resolution, 3), np.float32))
        assert features.shape == (2, 128)
        assert logits.shape == (2, 5)
