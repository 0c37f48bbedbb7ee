import numpy as np
import pytest

from common.errors import InputError
from gan.data import base
from gan.metrics import features, reference, scores


def bars(count=400, seed=0):
    """Two classes of 16x16 images: a bright bar across, or down."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 60, (count, 16, 16, 1), dtype=np.uint8)
    labels = np.arange(count, dtype=np.int32) % 2
    for image, label in zip(images, labels, strict=True):
        place = random.integers(2, 12)
        if label:
            image[:, place : place + 3] = 255
        else:
            image[place : place + 3] = 255
    return images, labels


def dataset(images, labels, name="bars-1"):
    return base.ImageDataset("bars", images, labels, ("across", "down"), name)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def real(cache):
    features.classifier(dataset(*bars()), cache, seconds=3)
    return reference.reference_statistics(dataset(*bars()), "classifier", 200, 0, cache)


def test_good_bad_and_collapsed_sets_are_told_apart(real):
    images, labels = bars()
    others = np.delete(np.arange(400), real.index)
    noise = np.random.default_rng(0).integers(0, 255, (200, 16, 16, 1), dtype=np.uint8)
    found = {
        "good": scores.scores(real, images[others]),
        "half": scores.scores(real, images[others[labels[others] == 0]]),
        "one": scores.scores(real, np.repeat(images[others[:1]], 200, axis=0)),
        "noise": scores.scores(real, noise),
        "copies": scores.scores(real, real.images),
    }
    distances = {name: each["frechet_distance"] for name, each in found.items()}
    assert distances["copies"] == pytest.approx(0.0, abs=1e-3)
    assert distances["good"] < 0.3 * min(distances[name] for name in ("half", "one", "noise"))
    assert found["good"]["class_entropy_fake"] == pytest.approx(np.log(2), abs=0.02)
    assert found["half"]["class_entropy_fake"] < 0.2
    assert found["half"]["class_shares_fake"]["down"] < 0.05
    assert found["good"]["recall"] > 0.7 > found["one"]["recall"]
    assert found["noise"]["precision"] < 0.2
    assert found["one"]["ms_ssim_of_fake_pairs"] == pytest.approx(1.0, abs=1e-3)
    assert found["good"]["ms_ssim_of_fake_pairs"] < 0.8
    assert found["copies"]["nearest_training_distance_over_real"] < 0.5
    assert 0.5 < found["good"]["nearest_training_distance_over_real"] < 2.0
    assert found["copies"]["density"] == 1.0


def by_class(seed):
    """200 images, the first hundred red noise and the others blue noise."""
    images = np.zeros((200, 16, 16, 3), np.uint8)
    noise = np.random.default_rng(seed).integers(0, 255, (200, 16, 16), dtype=np.uint8)
    images[:100, ..., 0], images[100:, ..., 2] = noise[:100], noise[100:]
    return images


@pytest.mark.slow
def test_the_order_of_files_does_not_decide_the_metrics(cache):
    """Sorted by class, the halves of an ordered subset had a distance of hundreds."""
    labels, found = np.zeros(200, np.int32), {}
    mixed = np.arange(200).reshape(2, 100).T.ravel()
    for name, order in (("sorted", np.arange(200)), ("interleaved", mixed)):
        data = base.ImageDataset(name, by_class(0)[order], labels, (), name)
        real = reference.reference_statistics(data, "compact", 200, 0, cache)
        found[name] = scores.scores(real, by_class(1)[order])
    apart = base.ImageDataset("red", by_class(0)[:100], labels[:100], (), "red")
    red = reference.reference_statistics(apart, "compact", 100, 0, cache)
    far = scores.scores(red, by_class(0)[100:])
    for metrics in found.values():
        assert metrics["frechet_distance_of_two_real_halves"] < 0.1 * far["frechet_distance"]
        assert abs(metrics["kernel_inception_distance"]) < 0.02 * far["kernel_inception_distance"]
        assert metrics["recall"] > 0.85
        assert metrics["precision"] > 0.85
        assert 0.8 < metrics["nearest_training_distance_over_real"] < 1.25
    for name in ("ms_ssim_of_fake_pairs", "ms_ssim_of_real_pairs"):
        assert found["sorted"][name] == pytest.approx(found["interleaved"][name], abs=0.05)


def test_a_part_of_a_sorted_set_is_a_random_part(cache):
    labels = np.zeros(200, np.int32)
    data = base.ImageDataset("sorted", by_class(0), labels, (), "sorted")
    real = reference.reference_statistics(data, "compact", 100, 0, cache)
    assert 30 < (real.index < 100).sum() < 70
    assert 15 < (real.index[:50] < 100).sum() < 35  # so is any part of it
    found = scores.scores(real, by_class(1))  # 100 of 200 generated images are compared
    assert found["recall"] > 0.85
    assert max(found["sliced_wasserstein_by_level"].values()) < 0.3


@pytest.mark.slow
def test_a_dataset_with_every_image_twice(cache):
    images, labels = bars(200)
    real = reference.reference_statistics(
        dataset(images.repeat(2, axis=0), labels.repeat(2), "twice"), "compact", 400, 0, cache
    )
    single = reference.reference_statistics(
        dataset(images, labels, "once"), "compact", 400, 0, cache
    )
    fake, _ = bars(200, seed=1)
    twice, once = (scores.scores(side, fake) for side in (real, single))
    ratio = "nearest_training_distance_over_real"
    assert twice[ratio] == pytest.approx(once[ratio], rel=0.15)
    assert all(np.isfinite(v) for v in twice.values() if not isinstance(v, dict)
               if v is not twice["kernel_inception_distance_standard_error"])  # fmt: skip


def test_a_dataset_of_one_image_has_no_ratio_of_distances(cache):
    images = np.repeat(bars(1)[0], 30, axis=0)
    data = base.ImageDataset("one", images, np.zeros(30, np.int32), (), "one-image")
    found = scores.scores(reference.reference_statistics(data, "compact", 30, 0, cache), images)
    assert np.isnan(found["nearest_training_distance_over_real"])
    assert found["frechet_distance"] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3, 11])
def test_too_few_images_are_refused(cache, real, count):
    images, labels = bars(count)
    with pytest.raises(InputError, match=f"at least 12 images, found {count}"):
        scores.scores(real, images)
    tiny = reference.reference_statistics(
        dataset(images, labels, f"tiny-{count}"), "compact", 12, 0, cache
    )
    with pytest.raises(InputError, match=f"bars: expected at least 12 images, found {count}"):
        scores.scores(tiny, bars(50)[0])


def test_features_that_are_not_finite_are_an_error(real):
    def broken(images):
        found = np.zeros((len(images), 128), np.float32)
        found[3] = np.nan
        return found

    bad = reference.ReferenceStatistics(
        real.dataset, features.Features("broken", "0", broken), real.index, real.features
    )
    with pytest.raises(InputError, match="features of 1 of 50 images are NaN"):
        scores.scores(bad, bars(50)[0])


def test_no_image_is_paired_with_itself():
    random = np.random.default_rng(0)
    two = random.integers(0, 255, (2, 32, 32, 1), dtype=np.uint8)  # half of all pairs were twins
    assert abs(scores.similarity(two, seed=0)) < 0.2
    assert scores.similarity(two[[0, 0]], seed=0) == pytest.approx(1.0, abs=1e-4)


def test_the_reference_is_computed_once(tmp_path, monkeypatch):
    data = dataset(*bars())
    first = reference.reference_statistics(data, "compact", 50, 0, tmp_path)
    monkeypatch.setattr(features, "in_batches", lambda *_: pytest.fail("computed again"))
    again = reference.reference_statistics(data, "compact", 50, 0, tmp_path)
    np.testing.assert_array_equal(first.features, again.features)
    np.testing.assert_array_equal(first.labels, data.labels[first.index])
    assert "compact" in again.features_of.protocol


def test_a_damaged_or_foreign_cache_is_computed_again(tmp_path):
    data = dataset(*bars())
    first = reference.reference_statistics(data, "compact", 50, 0, tmp_path)
    (path,) = (tmp_path / "features").iterdir()
    for damage in (
        lambda: path.write_bytes(b"torn"),
        lambda: np.savez(path, features=first.features[::-1], index=first.index[::-1]),
    ):
        damage()
        again = reference.reference_statistics(data, "compact", 50, 0, tmp_path)
        np.testing.assert_array_equal(first.features, again.features)


def test_a_classifier_needs_labels(tmp_path):
    images, labels = bars()
    plain = base.ImageDataset("plain", images, labels * 0, (), "plain-1")
    with pytest.raises(InputError, match="--features classifier: plain has no labels"):
        reference.reference_statistics(plain, "classifier", 50, 0, tmp_path)
    automatic = reference.reference_statistics(plain, "auto", 50, 0, tmp_path)
    assert "compact" in automatic.features_of.protocol


@pytest.mark.slow
def test_the_classifier_learns_the_classes_and_is_cached(real, tmp_path):
    data = dataset(*bars())
    found = real.features_of.classify(data.images)
    assert (found == data.labels).mean() > 0.95
    assert real.features.shape == (200, 128)
    first = features.classifier(data, tmp_path, seconds=1)
    (path,) = (tmp_path / "classifiers").iterdir()
    written = path.stat().st_mtime_ns
    again = features.classifier(data, tmp_path, seconds=1)
    assert path.stat().st_mtime_ns == written
    np.testing.assert_array_equal(first.extract(data.images[:9]), again.extract(data.images[:9]))
    assert "bars's 2 classes" in again.protocol
