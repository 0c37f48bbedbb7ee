"""Training through the command line and in Python, on tiny images."""

import dataclasses
import json
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from common import runs
from common.errors import InputError
from style_transfer.feedforward import apply, contents, fit, network, saved, validation
from style_transfer.feedforward.config import Config, TrainingConfig, to_dict
from style_transfer.feedforward.fit import train
from style_transfer.feedforward.train import parse
from tests.command_line import arrays_of, run, run_here
from tests.style_transfer.feedforward.tiny import WORDS, tiny

TRAIN = "style_transfer.feedforward.train"


def test_a_run_logs_samples_checkpoints_and_its_end(trained):
    rows = runs.read_rows(trained / runs.METRICS)
    assert [row["images"] for row in rows] == [14]  # 7 steps, though an execution has 5
    total = sum(rows[0][f"loss/{name}"] for name in ("style", "content", "total_variation"))
    assert rows[0]["loss"] == pytest.approx(total, rel=1e-4)
    summary = runs.read_object(trained / runs.SUMMARY)
    assert (summary["status"], summary["images"]) == ("finished", 14)
    assert (trained / "latest.png").is_file()
    assert list(trained.glob("events*"))
    assert saved.read(trained, "--model").styles == ("one.png", "two.png")


@pytest.mark.slow
def test_the_loss_falls(files, tmp_path):
    training = dataclasses.replace(tiny(files).training, learning_rate=0.01)
    train(tiny(files, "one.png", run_dir=tmp_path / "run", steps=60, training=training))
    losses = [row["loss"] for row in runs.read_rows(tmp_path / "run" / runs.METRICS)]
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.slow
@pytest.mark.parametrize("video", [False, True])
def test_a_resumed_run_ends_with_the_same_bits(video, files, tmp_path):
    whole, half = tmp_path / "whole", tmp_path / "half"
    train(tiny(files, "one.png", "two.png", run_dir=whole, steps=20, video=video))
    config = tiny(files, "one.png", "two.png", run_dir=half, steps=10, video=video)
    train(config)
    result = train(dataclasses.replace(config, run_dir=None, resume=half, steps=20))
    assert result.steps == 20
    first, second = arrays_of(whole), arrays_of(half)
    assert list(first) == list(second)
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


@pytest.mark.slow
def test_a_run_for_video_logs_the_warp_loss_as_a_part_of_the_loss(files, tmp_path):
    result = train(tiny(files, "one.png", run_dir=tmp_path / "run", steps=5, video=True))
    logged = runs.read_rows(result.folder / runs.METRICS)[-1]
    parts = {name: value for name, value in logged.items() if name.startswith("loss/")}
    assert parts["loss/warp"] > 0
    assert logged["loss"] == pytest.approx(sum(parts.values()), rel=1e-4)


@pytest.mark.slow
def test_crops_are_painted_and_compared_in_the_palette_of_their_style(files, tmp_path, monkeypatch):
    given = []

    def black_maps(photos, palettes):
        given.append((len(photos), [palette.share for palette in palettes]))
        return lambda photo, style: np.zeros_like

    config = tiny(files, "one.png", "two.png", run_dir=tmp_path / "own", steps=2, strength=0.25)
    own = train(config).painter.means[2].result()
    monkeypatch.setattr(fit.crops, "palette_maps", black_maps)
    black = train(dataclasses.replace(config, run_dir=tmp_path / "black")).painter.means[2].result()
    photos = len(list((files / "photos").iterdir()))
    assert given == [(photos, [0.5, 0.5])]  # at half of the strength that takes the whole palette
    assert float(black) != pytest.approx(float(own), rel=0.05)


@pytest.mark.slow
def test_an_added_style_leaves_the_others_as_they_were(files, trained, tmp_path):
    base = shutil.copytree(trained, tmp_path / "base")
    config = tiny(files, "one.png", run_dir=tmp_path / "three", add_style=base, steps=5)
    train(config)
    shutil.rmtree(base)
    config = dataclasses.replace(config, run_dir=None, resume=tmp_path / "three", steps=6)
    result = train(config)
    assert result.steps == 6
    assert saved.read(tmp_path / "three", "--model").styles == ("one.png", "two.png", "one.png")
    before, after = (apply.load(folder) for folder in (trained, tmp_path / "three"))
    for old, new in zip(before.tables, after.tables, strict=True):
        np.testing.assert_array_equal(old, new[:2])
    assert any(not np.allclose(new[2], new[:2].mean(axis=0)) for new in after.tables)
    base = network.shared_variables(result.painter.network)
    names = {variable.path: variable.numpy() for variable in base}
    for name, value in arrays_of(trained).items():
        path = name.split(" ")[1]
        if name < f"{len(result.painter.ema.weights):04d}" and path in names:
            np.testing.assert_array_equal(value, names[path])


@pytest.mark.slow
def test_the_command_line_trains_and_says_what_to_do_next(files, tmp_path):
    folder = tmp_path / "run"
    words = ["--style", files / "one.png", "--photos", files / "photos", "--run-dir", folder]
    code, out, err = run_here(TRAIN, *words, "--steps", "5", *WORDS)
    assert code == 0
    assert "finished: saw all 10 images (5 steps)" in out
    assert f"-m style_transfer.feedforward.paint --model {folder}" in out.splitlines()[-1]
    assert "100%" in err
    with pytest.raises(InputError, match=f"--resume {folder}: the run has had its 5 steps\n"):
        run_here(TRAIN, "--resume", folder)
    with pytest.raises(InputError, match=r"started differently: seed: 0 -> 1"):
        run_here(TRAIN, "--resume", folder, "--seed", "1")
    with pytest.raises(InputError, match="holds a run already"):
        run_here(TRAIN, *words, "--steps", "5", *WORDS)
    assert parse(["--resume", str(folder), "--steps", "9"]).network.width == 4
    added = parse(["--add-style", str(folder), "--style", "new.jpg"])
    assert (added.size, added.network.width, added.training) == (64, 4, TrainingConfig())


@pytest.mark.slow
def test_a_resume_on_other_photos_is_refused(files, trained, tmp_path):
    folder, photos = tmp_path / "run", shutil.copytree(files / "photos", tmp_path / "photos")
    shutil.copytree(trained, folder)
    about = json.loads((folder / runs.CONFIG).read_text())
    about["config"]["photos"] = str(photos)
    (folder / runs.CONFIG).write_text(json.dumps(about))
    (photos / "0.png").unlink()
    with pytest.raises(InputError, match="photos or the styles have changed"):
        run_here(TRAIN, "--resume", folder, "--steps", "20")


@pytest.mark.slow
def test_a_diverged_run_keeps_its_last_finite_state(files, tmp_path):
    class Break(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            weight = self.model.network.weights[0]
            weight.assign(np.nan * weight)

    result = train(tiny(files, "one.png", run_dir=tmp_path / "run", steps=10), [Break()])
    assert result.status == "diverged"
    assert all(np.isfinite(value).all() for value in arrays_of(tmp_path / "run").values())


def refused(changes, message, files):
    with pytest.raises(InputError, match=message) as error:
        validation.check(tiny(files, "one.png", **changes))
    assert len(str(error.value).splitlines()) <= 2


def test_bad_input_is_named_before_tensorflow(files, untrained, tmp_path):
    training = tiny(files).training
    odd = dataclasses.replace(training, crop=40)
    half = dataclasses.replace(training, precision="float16")
    refused({"training": odd}, "training.crop=40: expected a multiple of 16", files)
    layers = dataclasses.replace(training, style_layers=("relu1_1=much",))
    refused({"training": layers}, "--set training.style_layers: expected LAYER or", files)
    refused({"training": half}, "precision=float16", files)
    refused({"strength": 1e-200}, "--strength: expected 0.001 to 1, got 1e-200", files)
    refused({"size": 3}, "--size: expected 64 to 16384, got 3", files)
    refused({"photos": files / "no"}, "--photos .*no: expected a folder", files)
    refused({"photos": tmp_path}, "no images in this folder", files)
    refused({"style": ()}, "--style: missing", files)
    refused({"style": (files / "no.png",)}, "--style .*: no such file", files)
    refused({"style": (files,)}, "expected an image file, found a folder", files)
    for name, size in (("text.png", None), ("tiny.png", (8, 40))):
        (tmp_path / name).write_bytes(b"no image")
        if size:
            Image.new("RGB", size).save(tmp_path / name)
    text, small = (tmp_path / "text.png",), (files / "one.png", tmp_path / "tiny.png")
    refused({"style": text}, "--style .*text.png: not an image", files)
    refused({"style": small}, "--style .*tiny.png: an image of 8x40", files)
    refused({"photos": tmp_path}, "--photos .*: none of its images can be read\n.*text", files)
    refused({"extractor": "vgg91"}, "--extractor vgg91", files)
    refused({"add_style": files}, "--add-style .*: not a run", files)
    refused({"add_style": untrained, "network": Config().network}, "a width of 4", files)
    refused({"run_dir": untrained}, "holds a run already", files)
    both = {"resume": untrained, "run_dir": tmp_path / "other"}
    refused(both, "--run-dir: a resumed run stays in its folder", files)


def test_an_unknown_layer_is_named_by_its_flag_before_the_photos_are_read(files, monkeypatch):
    monkeypatch.setattr(contents, "read", None)
    layers = dataclasses.replace(tiny(files).training, content_layers=("relu9_9",))
    with pytest.raises(InputError, match=r"--set training\.content_layers: .* no relu9_9"):
        train(tiny(files, "one.png", training=layers))


def test_a_resumed_run_needs_the_extended_one_only_without_a_checkpoint(files, untrained, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    config = tiny(files, "one.png", add_style=tmp_path / "gone")
    about = {"data": {"styles": ["old.png", "one.png"]}, "machine": {"precision": "float32"}}
    runs.write_config(folder, to_dict(config), **about)
    config = dataclasses.replace(config, resume=folder)
    with pytest.raises(InputError, match=r"--add-style .*gone: not a run"):
        validation.check(config)
    shutil.copytree(untrained / "checkpoints", folder / "checkpoints")
    validation.check(config)


def test_a_wrong_flag_ends_with_exit_code_2_in_one_line():
    code, _, err = run(TRAIN, "--style", "no_such_painting.jpg")
    assert code == 2
    assert err.splitlines() == ["error: --style no_such_painting.jpg: no such file"]
