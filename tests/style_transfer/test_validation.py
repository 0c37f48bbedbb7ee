import dataclasses
import os
from pathlib import Path

import pytest
from PIL import Image

from common.errors import InputError
from style_transfer import validation
from style_transfer.config import AppearanceConfig, Config, OptimizationConfig, OutputConfig


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 3}, "--size: expected 16"),
        ({"seed": -1}, "--seed: expected 0"),
        ({"content": "missing.jpg", "style": "x"}, "--content missing.jpg: no such file"),
        ({"content": "photo.png"}, "--style: missing"),
        ({"style": "x"}, "--content: missing"),
        ({"appearance": AppearanceConfig(strength=1.5)}, "--strength: expected 0 to 1"),
        (
            {"appearance": AppearanceConfig(strength=float("nan"))},
            "--strength: expected 0 to 1, got nan",
        ),
        ({"appearance": AppearanceConfig(strength=1e-20)}, "--strength: expected 0, or 0.001 to 1"),
        ({"appearance": AppearanceConfig(strength=0.0)}, None),
        ({"appearance": AppearanceConfig(style_weights=(1e39,))}, "--style-weights: expected 0 to"),
        ({"appearance": AppearanceConfig(style_weights=(1.0, 2.0))}, "--style-weights: expected"),
        ({"appearance": AppearanceConfig(style_weights=(0.0,))}, "--style-weights"),
        ({"appearance": AppearanceConfig(style_weights=(-1.0,))}, "--style-weights: expected 0 to"),
        (
            {"appearance": AppearanceConfig(style_layers=("relu1_1=much",))},
            "--set appearance.style_layers: expected LAYER",
        ),
        (
            {"appearance": AppearanceConfig(total_variation=-1.0)},
            "--set appearance.total_variation: expected at least 0, got -1",
        ),
        ({"optimization": OptimizationConfig(iterations=0)}, "--iterations"),
        ({"optimization": OptimizationConfig(max_minutes=0.0)}, "--max-minutes: expected more"),
        (
            {"optimization": OptimizationConfig(tolerance=2.0)},
            "--set optimization.tolerance: expected 0 to 1, got 2",
        ),
        ({"output": OutputConfig(bits=16, out="a.jpg")}, "--set output.bits=16"),
        ({"output": OutputConfig(out="a.xyz")}, "--out a.xyz: images cannot be written"),
        ({"output": OutputConfig(out="a.psd")}, "--out a.psd: images cannot be written"),
        (
            {"output": OutputConfig(out="photo.png"), "content": "photo.png", "style": "photo.png"},
            "would overwrite",
        ),
        ({"content": "."}, "--style: missing"),
        ({"content": "empty", "style": "photo.png"}, "no images"),
        ({"content": ".", "style": "photo.png"}, "--out: missing"),
        ({"extractor": "vgg20"}, "--extractor vgg20: expected compact, vgg16, vgg19 or a file"),
        ({"extractor": "photo.png"}, "--extractor photo.png: expected weights in an .npz file"),
        ({"extractor": "text.h5"}, "--extractor text.h5: not a file of weights"),
        ({"extractor": "weights.h5"}, None),
    ],
)
def test_bad_arguments_are_named(tmp_path, monkeypatch, change, message):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (20, 20)).save("photo.png")
    Path("empty").mkdir()
    Path("text.h5").write_bytes(b"no weights")
    Path("weights.h5").write_bytes(validation.HDF5 + b"...")
    change = dict(change)
    if "content" in change:
        change["content"] = Path(change["content"])
    if "style" in change:
        change["style"] = (Path(change["style"]),)
    if "output" in change and change["output"].out:
        change["output"] = dataclasses.replace(change["output"], out=Path(change["output"].out))
    config = dataclasses.replace(Config(), **change)
    if message is None:
        validation.check(config)
        return
    with pytest.raises(InputError, match=message.replace(".", r"\.")):
        validation.check(config)


def test_an_unknown_extractor_names_the_nearest():
    with pytest.raises(InputError, match=r"did you mean vgg19"):
        validation.check_extractor("vgg9")


def test_vgg19_without_a_network_says_where_it_looked(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(validation, "KERAS_HOST", ("127.0.0.1", 9))
    with pytest.raises(InputError) as caught:
        validation.check_extractor("vgg19")
    assert str(tmp_path) in str(caught.value)
    assert "compact" in str(caught.value)


def test_shards_share_a_folder_between_them(tmp_path):
    for name in ("one", "two", "three"):
        Image.new("RGB", (20, 20)).save(tmp_path / f"{name}.png")
    shares = []
    for shard in ("0/2", "1/2"):
        config = Config(content=tmp_path, output=OutputConfig(shard=shard))
        shares.append([path.name for path in validation.contents(config)])
    assert shares == [["one.png", "two.png"], ["three.png"]]


def test_every_image_of_a_folder_has_a_result_of_its_name(tmp_path):
    for name in ("a.png", "i.jpg", "I.png", "x.y.bmp"):
        (tmp_path / name).write_bytes(b"")
    named = {}
    for shard in ("0/2", "1/2"):
        config = Config(content=tmp_path, output=OutputConfig(out=Path("out"), shard=shard))
        paths = validation.contents(config)
        named |= dict(zip([path.name for path in paths], validation.results(config), strict=True))
    results = {"a.png": "a.png", "i.jpg": "i.jpg.png", "I.png": "I.png.png", "x.y.bmp": "x.y.png"}
    assert named == {name: Path("out") / result for name, result in results.items()}
    (tmp_path / "i.jpg.bmp").write_bytes(b"")
    with pytest.raises(InputError, match=r"2 images would have the result i.jpg.png"):
        validation.results(config)


@pytest.mark.parametrize(
    ("animation", "message"),
    [
        ("x.png", "is also the file of --out"),
        ("photo.gif", "would overwrite an input"),
        ("painting.png", "would overwrite an input"),  # it ends in .gif
        ("", "expected the name"),
    ],
)
def test_an_animation_and_an_image_are_two_files(tmp_path, monkeypatch, animation, message):
    monkeypatch.chdir(tmp_path)
    for path in ("photo.gif", "painting.gif"):
        Image.new("RGB", (20, 20)).save(path)
    output = OutputConfig(out=Path("x.gif"), animation=Path(animation))
    config = Config(content=Path("photo.gif"), style=(Path("painting.gif"),), output=output)
    with pytest.raises(InputError, match=f"--animation .*{message}"):
        validation.check(config)


def test_files_that_will_be_replaced_are_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for path in ("photo.png", "painting.png", "old.png", "old.gif"):
        Image.new("RGB", (20, 20)).save(path)
    config = Config(content=Path("photo.png"), style=(Path("painting.png"),))
    for name, replaced in (("new", []), ("old", ["old.png", "old.gif"])):
        output = OutputConfig(out=Path(f"{name}.png"), animation=Path(f"{name}.gif"))
        validation.check(dataclasses.replace(config, output=output))
        said = [f"{tmp_path / path} exists and will be replaced" for path in replaced]
        assert capsys.readouterr().out.splitlines() == said


@pytest.mark.parametrize("place", ["pipe.png", "/dev/null"])
def test_pipes_and_devices_are_no_images(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.png")
    Image.new("RGB", (20, 20)).save("photo.png")
    for content, style, flag in (
        ("photo.png", place, "--style"),
        (place, "photo.png", "--content"),
    ):
        with pytest.raises(InputError, match=f"{flag} {place}: .* found a pipe or device"):
            validation.check(Config(content=Path(content), style=(Path(style),)))
