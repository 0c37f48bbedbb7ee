import json
import zipfile

import numpy as np
import pytest

from common.errors import InputError
from common.exporting import formats
from style_transfer.feedforward import export_network, exported, saved
from style_transfer.feedforward.export_network import Config
from tests.command_line import run_here

EXPORT = "style_transfer.feedforward.export_network"


def test_the_name_of_the_file_follows_from_run_and_format(untrained, tmp_path):
    assert export_network.output(Config(untrained)) == untrained / "network.keras"
    config = Config(untrained, "onnx", tmp_path / "model")
    assert export_network.output(config) == tmp_path / "model.onnx"
    assert export_network.output(Config(untrained, "savedmodel")) == untrained / "savedmodel"


def test_what_cannot_be_exported_is_refused_before_tensorflow(untrained, tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"--run .*: not a run"):
        export_network.check(Config(tmp_path))
    with pytest.raises(InputError, match="exists already"):
        export_network.check(Config(untrained, "savedmodel", tmp_path))
    monkeypatch.setattr(formats.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"--format onnx: needs the package"):
        export_network.check(Config(untrained, "onnx"))


def test_the_description_says_which_images_fit(untrained):
    about = export_network.describe(saved.read(untrained, "--run"))
    image = about["image"]
    assert (image["sides_are_multiples_of"], image["smallest_side"]) == (8, 16)
    assert (about["waves"], about["upsampling"]) == (16, "subpixel")


def test_an_export_that_differs_leaves_no_file(untrained, tmp_path, monkeypatch):
    monkeypatch.setattr(exported, "largest_difference", lambda *_: 2e-4)
    with pytest.raises(InputError, match=r"differs by 0.0002, expected at most 0.0001\n"):
        run_here(EXPORT, "--run", untrained, "--out", tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", list(formats.FORMATS))
def test_every_format_paints_the_same_at_any_size(untrained, tmp_path, name):
    for module in formats.FORMATS[name].packages:
        pytest.importorskip(module)
    code, out, _ = run_here(EXPORT, "--run", untrained, "--format", name, "--out", tmp_path / "x")
    assert code == 0
    assert "images of 2 sizes agree" in out
    if name == "keras":
        with zipfile.ZipFile(tmp_path / "x.keras") as archive:
            about = json.loads(archive.read(export_network.MEMBER))
        assert about["styles"] == ["one.png", "two.png"]
        assert np.isclose(about["images_seen"], 20)
