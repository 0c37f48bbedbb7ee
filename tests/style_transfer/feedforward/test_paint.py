"""The command line that paints."""

import numpy as np
import pytest
from PIL import Image

from common import cli
from common.errors import InputError
from style_transfer.feedforward import paint
from style_transfer.feedforward.paint import Config
from tests.command_line import run, run_here

PAINT = "style_transfer.feedforward.paint"


def read(path):
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_photo_is_painted_at_its_size_and_never_overwritten_unasked(files, untrained, tmp_path):
    out, photo = tmp_path / "out.png", files / "photos" / "0.png"
    words = ["--model", untrained, "--content", photo, "--out", out]
    code, printed, _ = run_here(PAINT, *words)
    assert code == 0
    assert f"image: {out} | " in printed
    assert "images/s" in printed
    assert "strokes" not in printed
    assert read(out).shape == (72, 96, 3)
    before = out.stat().st_mtime_ns
    with pytest.raises(InputError, match=r"exists already\n.*--overwrite"):
        run_here(PAINT, *words)
    assert out.stat().st_mtime_ns == before
    run_here(PAINT, *words, "--overwrite", "--size", "48", "--style-weights", "1", "0")
    assert read(out).shape == (36, 48, 3)


def test_a_photo_far_above_the_size_of_the_training_is_named(files, untrained, tmp_path):
    words = ["--content", files / "photos" / "0.png", "--out", tmp_path / "out.png"]
    _, printed, _ = run_here(PAINT, "--model", untrained, *words, "--size", "160")
    assert "strokes look small at 160 pixels: the network was trained for 64;" in printed


def test_a_folder_continues_where_it_stopped_and_skips_what_is_broken(files, untrained, tmp_path):
    photos, out = tmp_path / "photos", tmp_path / "painted"
    photos.mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(np.full((24, 32, 3), 90, np.uint8)).save(photos / name)
    (photos / "c.jpg").write_bytes(b"no image")
    words = ["--model", untrained, "--content", photos, "--out", out]
    code, printed, err = run_here(PAINT, *words)
    assert code == 1
    assert "2 of 3 images: " in printed
    assert f"skipped {photos / 'c.jpg'}: not an image that Pillow can read" in err
    assert "1 of 3 images were skipped" in err
    before = (out / "a.png").stat().st_mtime_ns
    (out / "b.png").unlink()
    (photos / "c.jpg").unlink()
    code, printed, _ = run_here(PAINT, *words)
    assert code == 0
    assert "1 of 2 images exist already" in printed
    assert (out / "b.png").is_file()
    assert (out / "a.png").stat().st_mtime_ns == before


def test_results_lie_in_the_run_folder_by_default(files, untrained):
    config = paint.check(Config(untrained, files / "photos" / "1.png"))
    assert config.out == untrained / "painted" / "1.png"
    config = paint.check(Config(untrained, files / "photos"))
    assert config.out == untrained / "painted"
    assert [out.name for _, out in paint.jobs_of(config)] == ["0.png", "1.png", "2.png"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "photos"}, "--model .*: not a run"),
        ({"content": "no.jpg"}, "--content .*: no such file"),
        ({"content": "."}, None),
        ({"content": "text.jpg"}, "--content [^:]*text.jpg: not an image"),
        ({"content": "line.png"}, "--content [^:]*line.png: an image of 90x9 pixels"),
        ({"size": 16}, "--size 16: would make 16x12 pixels of a content of 96x72"),
        ({"style_weights": (1.0,)}, r"each of the 2 styles \(one.png, two.png\), got 1"),
        ({"style_weights": (0.0, 0.0)}, "at least one above 0"),
        ({"style_weights": (1e39, 1.0)}, r"--style-weights: expected 0 to 1e\+06, got 1e\+39"),
        ({"size": 3}, "--size: expected 16 to 16384, got 3"),
        ({"tile": 8}, "--tile: expected 256 to 16384, got 8"),
        ({"out": "a.xyz"}, "cannot be written in this format"),
        ({"content": "photos", "out": "one.png"}, "expected a folder"),
        ({"out": "photos/0.png"}, "exists already"),
    ],
)
def test_bad_input_is_named_before_tensorflow(files, untrained, changes, message):
    (files / "text.jpg").write_bytes(b"no image")
    Image.new("RGB", (90, 9)).save(files / "line.png")
    given = {"model": untrained, "content": files / "photos" / "0.png", "out": files / "new.png"}
    for name, value in changes.items():
        given[name] = files / value if isinstance(value, str) else value
    if message is None:
        given |= {"content": files.parent, "out": files / "painted"}
        message = "no images in this folder"
    with pytest.raises(InputError, match=message) as error:
        paint.check(Config(**given))
    assert len(str(error.value).splitlines()) <= 2


def test_every_setting_is_a_flag():
    words = ["--model", "run", "--content", "photo.jpg", "--tile", "512"]
    assert cli.parse(Config, "paint", words).tile == 512


def test_a_wrong_model_ends_with_exit_code_2():
    code, _, err = run(PAINT, "--model", "no_such_run", "--content", "photo.jpg")
    assert code == 2
    assert err.startswith("error: --model no_such_run: not a run")
