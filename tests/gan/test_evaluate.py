import json
import os

import numpy as np
import pytest

from common import images as image_io
from common.errors import InputError
from gan import evaluate
from gan.data import load
from gan.evaluate import Config


def bars(count, seed=0, channels=1):
    """16x16 images of a bright bar at random places."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 60, (count, 16, 16, channels), dtype=np.uint8)
    for image in images:
        place = random.integers(2, 12)
        image[:, place : place + 3] = 255
    return images


def write(folder, images):
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(images):
        image_io.write_image(folder / f"{number:03d}.png", image)
    return str(folder)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (Config(), "expected one of --run, --npz, --folder; found none"),
        (Config(npz="a.npz", folder="b"), "found --npz and --folder"),
        (Config(npz="a.npz"), "--dataset: missing"),
        (Config(npz="a.npz", dataset="glyphs", count=3), "--count"),
        (Config(npz="a.npz", dataset="glyphs", seed=-1), "--seed"),
    ],
)
def test_bad_arguments_are_named(config, message):
    with pytest.raises(InputError, match=message):
        evaluate.check(config)


def test_the_file_of_the_scores_is_checked_before_tensorflow(tmp_path, capsys):
    folder = write(tmp_path / "images", bars(3))
    np.savez(tmp_path / "fake.npz", images=bars(3))
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "fake-evaluation.json").write_text("{}")

    def check(out):
        out = out and tmp_path / out
        evaluate.check(Config(npz=tmp_path / "fake.npz", dataset=folder, out=out))

    for out, message in (
        ("fake.npz", "--out .*fake.npz: would overwrite an input"),
        ("pipe.json", "--out .*pipe.json: expected the name of a file, found a pipe"),
        ("folder.json", "--out .*folder.json: a folder"),
    ):
        with pytest.raises(InputError, match=message):
            check(out)
    check("new.json")
    assert capsys.readouterr().out == ""
    check(None)  # beside the archive
    expected = f"{tmp_path / 'fake-evaluation.json'} exists and will be replaced\n"
    assert capsys.readouterr().out == expected


def test_an_npz_is_measured_and_the_scores_written(tmp_path, capsys):
    folder = write(tmp_path / "images", bars(120))
    (tmp_path / "images" / "broken.png").write_bytes(b"nothing")
    np.savez(tmp_path / "fake.npz", images=bars(100, seed=1))
    config = Config(
        npz=tmp_path / "fake.npz", dataset=folder, cache_dir=tmp_path / "cache", count=90
    )
    found = evaluate.evaluate(config)
    text = (tmp_path / "fake-evaluation.json").read_text()
    written = json.loads(text, parse_constant=lambda name: pytest.fail(f"bare {name}"))
    assert written == json.loads(json.dumps(found))
    assert written["protocol"]["fake"] == "90 images"
    assert written["scores"]["coverage"] > 0.5
    error = "kernel_inception_distance_standard_error"  # needs more than one block of 500
    assert written["scores"][error] is None
    assert written["undefined"] == {error: "there is only one block of images"}
    out = capsys.readouterr().out
    assert "skipped 1 files that cannot be read: broken.png" in out
    assert "not defined: there is only one block" in out
    assert written["protocol"]["skipped"] == 1
    np.savez(tmp_path / "other.npz", images=np.zeros((100, 8, 8, 1), np.uint8))
    with pytest.raises(InputError, match="resolution"):
        evaluate.evaluate(
            Config(npz=tmp_path / "other.npz", dataset=folder, cache_dir=tmp_path / "cache")
        )


def test_a_part_of_an_npz_that_is_sorted_is_random(tmp_path):
    dark, bright = bars(100, seed=1) // 4, 255 - bars(100, seed=2) // 4
    folder = write(tmp_path / "images", np.concatenate([bars(100) // 4, 255 - bars(100) // 4]))
    np.savez(tmp_path / "sorted.npz", images=np.concatenate([dark, bright]))
    found = evaluate.evaluate(
        Config(npz=tmp_path / "sorted.npz", dataset=folder, cache_dir=tmp_path / "c", count=100)
    )["scores"]
    assert found["recall"] > 0.8  # the first hundred hold one class
    assert found["coverage"] > 0.8
    alone = tmp_path / "dark.npz"
    np.savez(alone, images=dark)
    config = Config(npz=alone, dataset=folder, cache_dir=tmp_path / "c", count=100)
    half = evaluate.evaluate(config)["scores"]
    assert half["recall"] < 0.65
    assert found["frechet_distance"] < 0.1 * half["frechet_distance"]


def test_gray_samples_of_a_colour_dataset_are_measured_in_colour(tmp_path):
    color = bars(60, channels=3)
    color[..., 2] //= 4
    folder = write(tmp_path / "color", color)
    gray = load.load(folder, tmp_path / "c", channels=1).images
    scores = {}
    for name, images in (("gray", gray), ("color", color)):
        np.savez(tmp_path / f"{name}.npz", images=images)
        config = Config(npz=tmp_path / f"{name}.npz", dataset=folder, cache_dir=tmp_path / "c")
        found = evaluate.evaluate(config)
        scores[name] = found["scores"]["frechet_distance"]
        assert str(found["protocol"]["channels"]).startswith("3")
    assert scores["color"] == pytest.approx(0.0, abs=1e-6)
    assert scores["gray"] > 1e-2


def test_colour_samples_of_a_gray_dataset_are_measured_in_colour(tmp_path):
    gray = bars(60)
    folder = write(tmp_path / "gray", gray)
    tinted = gray.repeat(3, axis=3)
    tinted[..., 2] //= 4
    np.savez(tmp_path / "tinted.npz", images=tinted)
    np.savez(tmp_path / "same.npz", images=gray.repeat(3, axis=3))
    found = {
        name: evaluate.evaluate(
            Config(npz=tmp_path / f"{name}.npz", dataset=folder, cache_dir=tmp_path / "c")
        )["scores"]["frechet_distance"]
        for name in ("tinted", "same")
    }
    assert found["same"] == pytest.approx(0.0, abs=1e-6)
    assert found["tinted"] > 1e-2


@pytest.mark.parametrize("count", [1, 2, 3, 11])
def test_tiny_datasets_are_refused_in_one_line(tmp_path, count):
    folder = write(tmp_path / "few", bars(count))
    np.savez(tmp_path / "fake.npz", images=bars(50))
    config = Config(npz=tmp_path / "fake.npz", dataset=folder, cache_dir=tmp_path / "c")
    with pytest.raises(InputError, match=f"expected at least 12 images, found {count}"):
        evaluate.evaluate(config)
    np.savez(tmp_path / "few.npz", images=bars(count))
    full = write(tmp_path / "many", bars(50))
    config = Config(npz=tmp_path / "few.npz", dataset=full, cache_dir=tmp_path / "c")
    with pytest.raises(InputError, match=f"expected at least 12 images, found {count}"):
        evaluate.evaluate(config)


@pytest.mark.parametrize("shape", [(50, 15, 20, 1), (50, 16, 16, 2), (50, 15, 15, 3)])
def test_images_of_other_shapes_are_refused(tmp_path, shape):
    folder = write(tmp_path / "images", bars(50))
    np.savez(tmp_path / "fake.npz", images=np.zeros(shape, np.uint8))
    config = Config(npz=tmp_path / "fake.npz", dataset=folder, cache_dir=tmp_path / "c")
    with pytest.raises(InputError, match="at least 16x16 with 1, 3 or 4 channels"):
        evaluate.evaluate(config)


def test_a_folder_whose_name_is_not_utf_8_is_measured(tmp_path, capsys):
    folder = write(tmp_path / os.fsdecode(b"f\xe9"), bars(40, seed=1))
    real = write(tmp_path / os.fsdecode(b"r\xe9"), bars(40))
    out = tmp_path / "out.json"
    config = Config(folder=tmp_path / os.fsdecode(b"f\xe9"), dataset=real, out=out,
                    cache_dir=tmp_path / "c")  # fmt: skip
    found = evaluate.evaluate(config)
    assert found["of"].endswith("f\\xe9")
    assert json.loads(out.read_text())["protocol"]["real"].startswith(str(tmp_path))
    capsys.readouterr().out.encode("utf-8")
    assert folder != found["of"]


def test_json_never_holds_nan():
    values = {"a": 1.0, "b": float("nan"), "c": {"x": float("inf"), "y": 2.0}, "d": 7}
    plain, undefined = evaluate.without_nan(values, {"b": "no pairs"})
    assert plain == {"a": 1.0, "b": None, "c": {"x": None, "y": 2.0}, "d": 7}
    assert undefined == {"b": "no pairs", "c.x": "the value is inf"}
    json.dumps(plain, allow_nan=False)
