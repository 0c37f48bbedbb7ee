import json

import numpy as np
import pytest

from common.errors import InputError
from gan import evaluate
from gan.data import base
from gan.evaluate import Config
from gan.metrics import features, reference, scores


@pytest.fixture(scope="module")
def bars():
    """Two classes of 16x16 pictures: a bright bar across, or down."""
    random = np.random.default_rng(0)
    images = random.integers(0, 60, (400, 16, 16, 1), dtype=np.uint8)
    labels = np.arange(400, dtype=np.int32) % 2
    for image, label in zip(images, labels, strict=True):
        place = random.integers(2, 12)
        if label:
            image[:, place : place + 3] = 255
        else:
            image[place : place + 3] = 255
    return base.Pictures("bars", images, labels, ("across", "down"), "bars-1")


@pytest.fixture(scope="module")
def real(bars, tmp_path_factory):
    return reference.reference_statistics(
        bars, "classifier", 200, 0, tmp_path_factory.mktemp("cache")
    )


def test_the_classifier_learns_the_classes_and_is_cached(bars, real, tmp_path):
    found = real.features_of.classify(bars.images)
    assert (found == bars.labels).mean() > 0.95
    assert real.features.shape == (200, 128)
    first = features.classifier(bars, tmp_path, seconds=5)
    (path,) = (tmp_path / "classifiers").iterdir()
    written = path.stat().st_mtime_ns
    again = features.classifier(bars, tmp_path, seconds=5)
    assert path.stat().st_mtime_ns == written
    np.testing.assert_array_equal(first.extract(bars.images[:9]), again.extract(bars.images[:9]))
    assert "bars's 2 classes" in again.protocol


def test_good_bad_and_collapsed_sets_are_told_apart(bars, real):
    others = np.delete(np.arange(400), real.index)
    noise = np.random.default_rng(0).integers(0, 255, (200, 16, 16, 1), dtype=np.uint8)
    found = {
        "good": scores.scores(real, bars.images[others]),
        "half": scores.scores(real, bars.images[others[bars.labels[others] == 0]]),
        "one": scores.scores(real, np.repeat(bars.images[others[:1]], 200, axis=0)),
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


def test_the_real_side_is_computed_once(bars, tmp_path, monkeypatch):
    first = reference.reference_statistics(bars, "compact", 50, 0, tmp_path)
    monkeypatch.setattr(features, "in_batches", lambda *_: pytest.fail("computed again"))
    again = reference.reference_statistics(bars, "compact", 50, 0, tmp_path)
    np.testing.assert_array_equal(first.features, again.features)
    assert "compact" in again.features_of.protocol


def test_batches_are_put_together_in_order():
    images = np.arange(10)[:, None]
    np.testing.assert_array_equal(features.in_batches(lambda part: 2 * part, images, 4), 2 * images)


def test_a_classifier_needs_labels(bars, tmp_path):
    plain = base.Pictures("plain", bars.images, bars.labels * 0, (), "plain-1")
    with pytest.raises(InputError, match="--features classifier: plain has no labels"):
        reference.reference_statistics(plain, "classifier", 50, 0, tmp_path)
    assert (
        "compact"
        in reference.reference_statistics(plain, "auto", 50, 0, tmp_path).features_of.protocol
    )


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (Config(), "expected one of --run, --npz, --folder; found none"),
        (Config(npz="a.npz", folder="b"), "found --npz and --folder"),
        (Config(npz="a.npz"), "--dataset: missing"),
        (Config(npz="a.npz", dataset="glyphs", count=3), "--count"),
    ],
)
def test_bad_arguments_are_named(config, message):
    with pytest.raises(InputError, match=message):
        evaluate.check(config)


def test_an_npz_is_measured_and_the_scores_written(tmp_path, bars):
    folder = tmp_path / "pictures"
    folder.mkdir()
    from common import images as image_io

    for number, image in enumerate(bars.images[:120]):
        image_io.write_image(folder / f"{number:03d}.png", image)
    np.savez(tmp_path / "fake.npz", images=bars.images[200:300])
    found = evaluate.evaluate(
        Config(
            npz=tmp_path / "fake.npz", dataset=str(folder), cache_dir=tmp_path / "cache", count=90
        )
    )
    written = json.loads((tmp_path / "fake-evaluation.json").read_text())
    assert written == json.loads(json.dumps(found))
    assert written["protocol"]["fake"] == "90 pictures"
    assert written["scores"]["coverage"] > 0.5
    np.savez(tmp_path / "other.npz", images=np.zeros((100, 8, 8, 1), np.uint8))
    with pytest.raises(InputError, match="resolution"):
        evaluate.evaluate(
            Config(npz=tmp_path / "other.npz", dataset=str(folder), cache_dir=tmp_path / "cache")
        )
