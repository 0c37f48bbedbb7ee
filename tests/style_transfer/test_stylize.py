"""The Python function, and the arguments of the command line."""

import dataclasses
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import ExifTags, Image, ImageCms

from common.errors import InputError
from common.extractors.compact import Features
from common.images import as_image, from_unit
from common.losses.feature_map import moments
from style_transfer import prepare, stylize
from style_transfer.extractors import Extractor
from tests.command_line import ROOT, run
from tests.style_transfer.quick import ANY_LAYERS, quick


def test_the_result_is_an_image_of_the_size_asked_for(content, style):
    result = stylize.stylize(content, style, quick())
    assert result.shape == (48, 36, 3)
    assert result.dtype == np.float32
    assert result.min() >= 0.0
    assert result.max() <= 1.0


@pytest.mark.slow
def test_the_style_loss_falls_and_the_seed_decides(content, style):
    config = quick(32, init="noise", optimization={"iterations": 30})
    heard = []
    listen = keras.callbacks.LambdaCallback(on_train_batch_end=lambda _, logs: heard.append(logs))
    first = stylize.stylize(content, style, config, callbacks=[listen])
    assert heard[-1]["loss"] < 0.6 * heard[0]["loss"]
    assert any(name.startswith("style/relu1_1") for name in heard[0])
    np.testing.assert_array_equal(stylize.stylize(content, style, config), first)
    other = stylize.stylize(content, style, dataclasses.replace(config, seed=1))
    assert np.abs(other - first).max() > 0.01


@pytest.mark.slow
@pytest.mark.parametrize(
    "appearance",
    [
        {"colors": "matched"},
        {"init": "style"},
        {"statistic": "wasserstein", "content_distance": "huber", "smoothness": "squared"},
        {"style_layers": ("relu1_1=2", "relu3_1"), "content_layers": ("relu2_2",)},
    ],
)
def test_every_appearance_gives_an_image(content, style, appearance):
    result = stylize.stylize(content, style, quick(32, **appearance))
    assert result.shape == (32, 24, 3)
    assert np.isfinite(result).all()


@pytest.mark.slow
def test_the_contents_colors_stay(content, style):
    result = stylize.stylize(content, style, quick(32, colors="content"))
    goal, _ = prepare.prepare(as_image(content), [], (24, 32), quick())
    chroma = [image[..., 0] - image[..., 2] for image in (result, goal)]
    inside = (result > 0.01).all(axis=2) & (result < 0.99).all(axis=2)  # where nothing was clipped
    np.testing.assert_allclose(chroma[0][inside], chroma[1][inside], atol=0.02)


@pytest.mark.slow
def test_several_styles_are_mixed_by_weight(content, style):
    dark, bright = np.full_like(style, 20), np.full_like(style, 235)

    def brightness(weights):
        config = quick(style_weights=weights, strength=1.0, optimization={"iterations": 40})
        return stylize.stylize(content, [dark, bright], config).mean()

    assert brightness((1.0, 0.0)) < brightness((1.0, 1.0)) < brightness((0.0, 1.0))


def test_transparency_is_kept(content, style):
    clear = np.dstack([content, np.full(content.shape[:2], 255, np.uint8)])
    clear[:40, :, 3] = 0
    result = stylize.stylize(clear, style, quick(32))
    assert result.shape == (32, 24, 4)
    assert result[:13, :, 3].max() < 0.1
    assert result[19:, :, 3].min() > 0.9


def soft_disc(side, color):
    """Return a disc (H, W, 4) with a soft edge; what is hidden outside of it is white."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2.0
    alpha = np.clip((0.4 * side - np.hypot(x, y)) / 4.0 + 0.5, 0.0, 1.0)
    visible = np.where(alpha[..., None] > 0.0, color, 255)
    return np.dstack([visible, np.rint(255.0 * alpha)]).astype(np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize("colors", ["style", "content", "matched"])
def test_transparent_pixels_keep_their_colors(style, colors):
    """Almost the content itself, so each is near its input, also where alpha is low."""
    config = quick(32, strength=0.0, colors=colors)
    veil = np.broadcast_to(np.array([0, 0, 0, 64], np.uint8), (32, 32, 4))
    for content in (veil, soft_disc(32, (200, 0, 0))):
        result = stylize.stylize(content, style, config)
        for bits in (8, 16):
            full = 2**bits - 1
            found = from_unit(result, bits).astype(float) / full
            wanted = content / 255.0
            np.testing.assert_allclose(found[..., 3], wanted[..., 3], atol=1e-6)
            shown = wanted[..., 3] > 0.06
            assert np.abs(found - wanted)[shown].max() < 0.1
            on_black = found[..., :3] * found[..., 3:]
            assert np.abs(on_black - wanted[..., :3] * wanted[..., 3:]).max() < 0.1


def test_a_broken_extractor_stops_its_levels_and_warns(content, style, broken_extractor):
    config = quick(**ANY_LAYERS, optimization={"smallest": 32})
    with pytest.warns(RuntimeWarning, match="non-finite"):
        result = stylize.stylize(content, style, config, extractor=broken_extractor)
    goal, _ = prepare.prepare(as_image(content), [as_image(style)], (36, 48), quick())
    assert np.abs(result - goal).mean() < 0.05  # what it started from


@pytest.fixture
def broken_extractor():
    def broken(image):
        values = image * tf.where(tf.reduce_mean(image) > 0.0, np.nan, 1.0)
        return {"relu1_1": Features(values, moments(values))}

    return Extractor("broken", ("relu1_1",), broken)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (quick(size=3), "--size: expected 16"),
        (quick(strength=1.5), "--strength: expected 0 to 1"),
        (quick(style_weights=(1.0, 2.0)), "--style-weights: expected one for each of the 1"),
        (
            quick(statistic="grams"),
            "--statistic: expected one of gram, gram_and_mean, nearest",
        ),
        (quick(optimization={"precision": "float16"}), "precision=float16"),
        (quick(optimization={"tolerance": -1.0}), "--set optimization.tolerance: expected 0 to 1"),
        (quick(style_layers=("relu9_9",)), "compact has no relu9_9; it has relu1_1"),
    ],
)
def test_a_configuration_made_in_python_is_checked(content, style, config, message):
    with pytest.raises(InputError, match=message):
        stylize.stylize(content, style, config)


def test_the_extractor_is_checked_before_tensorflow(content, style):
    with pytest.raises(InputError, match="--extractor vgg20: expected compact"):
        stylize.stylize(content, style, dataclasses.replace(quick(), extractor="vgg20"))


def test_the_front_does_not_import_tensorflow():
    code = (
        "import sys, style_transfer.stylize, style_transfer.validation, style_transfer.demo; "
        "print([name for name in ('tensorflow', 'keras', 'scipy') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert found.stdout.strip() == "[]", found.stderr


def test_help_shows_at_most_23_flags():
    code, out, _ = run("style_transfer.stylize", "--help")
    assert code == 0
    flags = {word for line in out.splitlines() for word in line.split() if word[:2] == "--"}
    assert {"--content", "--style", "--statistic", "--set"} <= flags
    assert len(flags - {"--help"}) <= 22, flags
    assert "--tolerance" not in flags


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--content", "missing.jpg", "--style", "x.jpg"],
            ["--content missing.jpg", "no such file"],
        ),
        (["--size", "0"], ["--size", "16"]),
        (["--sise", "9"], ["--sise"]),
        (["--extractor", "vgg7"], ["--extractor vgg7", "compact"]),
        (["--colors", "blue"], ["--colors", "content"]),
        (["--set", "optimization.precision=float16"], ["precision=float16", "bfloat16"]),
        (["--set", "output.shard=2/2"], ["output.shard", "INDEX/COUNT", "2/2"]),
        (["--set", "output.shard=0/2"], ["output.shard", "folder"]),
        (["--set", "optimization.tolerance=2"], ["--set optimization.tolerance", "0 to 1"]),
        (["--tolerance", "0"], ["--tolerance", "--set optimization.tolerance=VALUE"]),
    ],
)
def test_bad_arguments_end_with_2_and_at_most_two_lines(arguments, words):
    began = time.perf_counter()
    code, out, err = run("style_transfer.stylize", *arguments)
    assert code == 2
    assert out == ""
    assert len(err.strip().splitlines()) <= 2
    for word in words:
        assert word in err
    assert time.perf_counter() - began < 10  # TensorFlow was not imported


@pytest.fixture
def files(tmp_path, content, style):
    Image.fromarray(content).save(tmp_path / "photo.png")
    Image.fromarray(style).save(tmp_path / "painting.jpg")
    return tmp_path / "photo.png", tmp_path / "painting.jpg"


@pytest.mark.slow
def test_files_and_pillow_images_give_what_arrays_give(files, content):
    photo, painting = files
    from_files = stylize.stylize(photo, str(painting), quick(32))
    with Image.open(photo) as first, Image.open(painting) as second:
        np.testing.assert_array_equal(stylize.stylize(first, [second], quick(32)), from_files)
    np.testing.assert_array_equal(stylize.stylize(content, painting, quick(32)), from_files)


def test_no_style_is_refused(content):
    with pytest.raises(InputError, match="expected at least one image"):
        stylize.stylize(content, [], quick())


@pytest.mark.parametrize("styles", [None, 3, [None], [[1.0]], b"painting.jpg"])
def test_what_is_no_image_is_refused(content, styles):
    with pytest.raises(InputError, match="expected a file, a Pillow image or an array"):
        stylize.stylize(content, styles, quick())


@pytest.mark.slow
def test_every_kind_of_array_gives_what_uint8_gives(content, style):
    """Only reading differs, so that is compared; one is stylized to the end."""
    wanted = np.asarray(prepare.read(content, [style], quick())[0])
    deep = content.astype(np.uint16) * 257
    kinds = [content.astype(np.int64), content / 255.0, tf.constant(content), deep]
    for given in kinds:
        image, _ = prepare.read(given, given, quick())
        np.testing.assert_array_equal(np.asarray(image), wanted)
    mask = np.zeros((40, 40), bool)
    mask[10:30] = True
    result = stylize.stylize(mask, tf.constant(style), quick(32))
    assert result.shape == (32, 32, 3)
    assert result[16].mean() > result[2].mean() + 0.2


def test_pillow_images_are_turned_and_converted_as_files_are(tmp_path, content, style):
    turned = Image.fromarray(content)
    turned.getexif()[ExifTags.Base.Orientation] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = tmp_path / "turned.png"
    turned.save(path, exif=turned.getexif(), icc_profile=profile)
    from_file, _ = prepare.read(path, style, quick())
    assert from_file.size == (80, 60)  # 60x80 before
    with Image.open(path) as image:
        again, (as_style,) = prepare.read(image, image, quick())
    np.testing.assert_array_equal(np.asarray(again), np.asarray(from_file))
    np.testing.assert_array_equal(np.asarray(as_style), np.asarray(from_file))


@pytest.mark.parametrize(
    "array",
    [
        np.full((32, 32, 3), np.nan),
        np.full((32, 32, 3), 300),
        np.full((32, 32, 3), 200.0),
        np.zeros((32, 32, 2)),
        np.zeros((0, 32, 3)),
        np.zeros((32, 32, 3), complex),
        np.full((32, 32, 3), "x"),
        tf.zeros((1, 32, 32, 3)),
    ],
)
def test_other_arrays_are_refused_in_one_line(content, style, array):
    for given in ((array, style), (content, array), (content, [style, array])):
        with pytest.raises(InputError, match=r"^array: .*expected [^\n]*$"):
            stylize.stylize(*given, quick())
