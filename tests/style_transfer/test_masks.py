"""Masks as files, arrays and on the command line."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from common.errors import InputError, InputWarning
from common.extractors.compact import Features
from common.images import as_image
from common.losses.feature_map import moments
from style_transfer import mask_files, masks
from style_transfer.config import AppearanceConfig, Config
from style_transfer.extractors import Extractor
from style_transfer.stylize import stylize
from tests.command_line import run
from tests.style_transfer.quick import ANY_LAYERS, quick

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
PHOTO, PAINTING = Image.new("RGB", (80, 60)), Image.new("RGB", (50, 50))
STRIDES = {"shallow": 2.0, "deep": 16.0}


def stripes(height, width, *colors):
    """Vertical stripes of equal width."""
    index = np.arange(width) * len(colors) // width
    return np.broadcast_to(np.array(colors, np.uint8)[index], (height, width, 3))


def of(values):
    return Features(values, moments(values))


def read(content, style, **appearance):
    config = Config(appearance=AppearanceConfig(**appearance))
    return masks.read([content, style], None, PHOTO, [PAINTING], config)


def test_regions_of_the_same_color_belong_together_at_any_size():
    found = read(stripes(30, 40, RED, BLUE), stripes(200, 200, BLUE, RED))
    guides = found.at((80, 60), [(50, 50)])
    red = found.names.index("#ff0000")
    assert guides.content.shape == (2, 60, 80)
    assert guides.styles[0].shape == (2, 50, 50)
    assert guides.keep is None
    assert guides.content[red, :, :38].min() == 1.0
    assert guides.content[red, :, 42:].max() == 0.0
    assert guides.styles[0][red, :, :24].max() == 0.0
    assert guides.styles[0][red, :, 26:].min() == 1.0


def test_soft_edges_are_a_partition_of_unity_at_every_size():
    ramp = np.linspace(0, 255, 77).astype(np.uint8)
    found = read(np.tile(ramp, (41, 1)), np.tile(ramp[::-1], (30, 1)))
    assert found.names == ("white", "black")
    for size in ((80, 60), (33, 25), (5, 4), (200, 150)):
        content = found.at(size, [(50, 50)]).content
        np.testing.assert_allclose(content.sum(axis=0), 1.0, atol=1e-6)
        assert content.min() >= 0.0
        assert np.all(np.diff(content[0, 1]) >= -1e-6)


def test_a_gray_mask_of_one_level_has_one_region():
    found = read(np.full((20, 27), 255, np.uint8), stripes(20, 20, (255,) * 3, (0,) * 3))
    assert found.names == ("white",)
    assert found.content.min() == 1.0


def test_a_region_of_noise_is_given_to_another():
    content = np.array(stripes(240, 320, RED, RED, BLUE))
    content[7:10, 7:9] = GREEN
    assert set(read(content, stripes(9, 9, RED, BLUE)).names) == {"#ff0000", "#0000ff"}
    np.testing.assert_allclose(read(content, stripes(9, 9, RED, BLUE)).content.sum(axis=0), 1.0)


def test_turned_palette_deep_and_transparent_masks(tmp_path):
    colored = Image.fromarray(np.ascontiguousarray(stripes(60, 80, RED, BLUE)))
    turned = colored.transpose(Image.Transpose.ROTATE_90)
    turned.getexif()[ExifTags.Base.Orientation] = 6
    turned.save(tmp_path / "turned.png", exif=turned.getexif())
    colored.quantize(8).save(tmp_path / "palette.png")
    expected = read(np.asarray(colored), np.asarray(colored)).content
    for name in ("turned.png", "palette.png"):
        np.testing.assert_array_equal(read(tmp_path / name, colored).content, expected)
    levels = np.repeat(np.array([0, 32768, 65535], np.uint16), 20)
    Image.fromarray(np.tile(levels, (45, 1))).save(tmp_path / "deep.png")
    white = read(tmp_path / "deep.png", np.tile(np.uint8([0, 255]), (9, 5))).content[0]
    np.testing.assert_allclose(white[0, ::20], [0.0, 0.5, 1.0], atol=0.01)
    clear = np.full((60, 80, 4), 255, np.uint8)
    clear[:, 40:, 3] = 0  # white, but not visible
    kept = masks.read([], clear, PHOTO, [PAINTING], Config()).keep
    assert kept[:, :40].min() == 1.0
    assert kept[:, 40:].max() == 0.0


def test_what_is_kept_is_in_no_region():
    keep = np.zeros((60, 80), np.uint8)
    keep[:, 60:], keep[:, 50:60] = 255, 128
    found = masks.read([], keep, PHOTO, [PAINTING], Config())
    guides = found.at((40, 30), [(50, 50)])
    np.testing.assert_allclose(guides.content[0], 1.0 - guides.keep[0, :, :, 0])
    assert guides.content.mean() == pytest.approx((50 + 10 * 0.5) / 80, abs=0.01)
    held = guides.hold(np.zeros((30, 40, 3), np.float32), np.ones((30, 40, 3), np.float32))
    assert held[:, 31:].min() == 1.0
    assert held[:, :29].max() == 0.0
    assert masks.read([], np.zeros((60, 80)), PHOTO, [PAINTING], Config()) is None


@pytest.mark.parametrize(
    ("content", "style", "message"),
    [
        (stripes(30, 40, RED, GREEN), stripes(9, 9, RED, BLUE), "region #00ff00 covers 50.0%"),
        (stripes(30, 40, (0,) * 3), stripes(9, 9, (255,) * 3), "region black covers 100.0%"),
        (np.zeros((3, 4, 5)), stripes(9, 9, RED), "array: expected"),
    ],
)
def test_a_region_without_a_partner_is_refused(content, style, message):
    with pytest.raises(InputError, match=message) as found:
        read(content, style)
    assert str(found.value).count("\n") <= 1


def test_a_style_of_weight_0_is_no_partner():
    given = [stripes(30, 40, RED, BLUE), stripes(9, 9, RED), stripes(9, 9, BLUE)]
    config = Config(appearance=AppearanceConfig(style_weights=(1.0, 0.0)))
    with pytest.raises(InputError, match="region #0000ff"):
        masks.read(given, None, PHOTO, [PAINTING] * 2, config)
    assert masks.read(given, None, PHOTO, [PAINTING] * 2, Config()).content.shape[0] == 2


@pytest.mark.parametrize("number", [1, 3])
def test_the_number_of_masks_is_that_of_the_images(number):
    with pytest.raises(InputError, match="--masks: expected 2 files, one for the content"):
        masks.read([stripes(9, 9, RED)] * number, None, PHOTO, [PAINTING], Config())


def test_a_region_needs_a_place_of_the_deepest_layer():
    content = np.array(stripes(60, 80, RED, RED, RED, BLUE))
    small = content.copy()
    small[10:20, 10:20] = GREEN
    partner = stripes(60, 80, RED, GREEN, BLUE)
    masks.check_places(read(content, partner), (80, 60), [(50, 50)], STRIDES)
    masks.check_places(read(small, partner), (320, 240), [(50, 50)], STRIDES)
    with pytest.raises(InputError, match=r"#00ff00 has 100 pixels in the content.* 256.* deep"):
        masks.check_places(read(small, partner), (80, 60), [(50, 50)], STRIDES)
    with pytest.raises(InputError, match="#00ff00 has 52 pixels in the style images"):
        masks.check_places(read(partner, small), (80, 60), [(50, 50)], STRIDES)
    everything = masks.read([], np.full((60, 80), 255), PHOTO, [PAINTING], Config())
    with pytest.raises(InputError, match="--keep: leaves 0 pixels of 80x60"):
        masks.check_places(everything, (80, 60), [(50, 50)], STRIDES)


def test_a_mask_of_another_shape_is_stretched_with_a_warning():
    with pytest.warns(InputWarning, match="--masks: 30x30 pixels are stretched over .* 80x60"):
        read(stripes(30, 30, RED, BLUE), stripes(9, 9, RED, BLUE))


def test_settings_that_do_not_go_with_masks():
    with pytest.raises(InputError, match="--trim-style: not with"):
        read(stripes(30, 40, RED), stripes(9, 9, RED), trim_style=True)
    config = Config(appearance=AppearanceConfig(statistic="histogram"))
    with pytest.raises(InputError, match=r"--statistic histogram: .* expected gram"):
        masks.check_settings(config)


@pytest.fixture
def files(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "masks").mkdir()
    for name in ("photos/a.jpg", "photos/b.png", "masks/a.png", "masks/b.webp", "one.png"):
        Image.new("RGB", (20, 20)).save(tmp_path / name)
    return tmp_path


def test_a_folder_of_contents_takes_masks_by_name(files):
    config = Config(content=files / "photos", style=(files / "one.png",), keep=files / "masks")
    config = dataclasses.replace(config, masks=(files / "masks", files / "one.png"))
    contents = sorted((files / "photos").iterdir())
    mask_files.check(config, contents)
    assert mask_files.of(config, contents[1]) == (
        (files / "masks/b.webp", files / "one.png"),
        files / "masks/b.webp",
    )
    (files / "masks/a.png").unlink()
    with pytest.raises(InputError, match=r"no mask for a.jpg\nexpected a.png"):
        mask_files.check(config, contents)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"keep": "missing.png"}, "--keep missing.png: no such file"),
        ({"masks": ("one.png",)}, "--masks: expected 2 files"),
        ({"masks": ("one.png", "masks")}, "--masks masks: a folder"),
        ({"content": "photos", "keep": "one.png"}, "--keep one.png: expected a folder of masks"),
        ({"content": "photos", "masks": ("masks", "masks")}, "--masks masks: a folder; expected"),
    ],
)
def test_bad_files_of_masks_are_named(files, monkeypatch, change, message):
    monkeypatch.chdir(files)
    fields = {"content": "one.png", "style": ("one.png",), **change}
    paths = {
        name: tuple(map(Path, value)) if isinstance(value, tuple) else Path(value)
        for name, value in fields.items()
    }
    contents = sorted(paths["content"].iterdir()) if paths["content"].is_dir() else []
    with pytest.raises(InputError, match=message):
        mask_files.check(Config(**paths), contents)


def test_the_result_is_the_content_where_it_is_kept(content, style):
    keep = np.zeros(content.shape[:2], np.uint8)
    keep[:40] = 255
    small = Extractor("pixels", ("pixels",), lambda image: {"pixels": of(image)})
    found = stylize(content, style, quick(**ANY_LAYERS), extractor=small, keep=keep)
    goal = np.asarray(as_image(content).resize((36, 48), Image.Resampling.LANCZOS)) / 255.0
    difference = np.abs(found - goal)
    assert difference[:23].max() < 1e-6
    assert difference[26:].mean() > 0.01


@pytest.mark.slow
def test_the_command_line_keeps_and_refuses(tmp_path, content, style):
    Image.fromarray(content).save(tmp_path / "photo.png")
    Image.fromarray(style).save(tmp_path / "painting.png")
    left = Image.fromarray(np.ascontiguousarray(stripes(80, 60, RED, BLUE)))
    left.save(tmp_path / "left.png")
    Image.new("RGB", (60, 80), RED).save(tmp_path / "red.png")
    command = [
        "style_transfer.stylize", "--content", tmp_path / "photo.png", "--style",
        tmp_path / "painting.png", "--size", "48", "--iterations", "4", "--run-dir",
        tmp_path / "run", "--out", tmp_path / "out.png", "--set", "optimization.smallest=48",
        "appearance.style_layers=relu1_1,relu2_1", "appearance.content_layers=relu3_1",
        "optimization.refine=0",
    ]  # fmt: skip
    code, _, err = run(*command, "--masks", tmp_path / "left.png", tmp_path / "red.png")
    assert code == 2
    assert "region #0000ff covers 50.0% of the content" in err
    assert len(err.strip().splitlines()) == 2
    assert not (tmp_path / "run").exists()
    masks = ["--masks", tmp_path / "left.png", tmp_path / "left.png"]
    code, _, err = run(*command, *masks, "--keep", tmp_path / "left.png")
    assert code == 0, err
    with Image.open(tmp_path / "out.png") as image:
        assert image.size == (36, 48)
