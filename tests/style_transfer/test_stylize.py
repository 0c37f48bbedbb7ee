import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from common.errors import InputError
from style_transfer import config as configuration
from style_transfer import demo, optimize, plan, prepare, stylize, validation
from style_transfer.config import AppearanceConfig, Config, OptimizationConfig, OutputConfig
from style_transfer.extractors import Extractor

QUICK = OptimizationConfig(
    iterations=6, smallest=32, refine=0.0, correct=0, precision="float32", tolerance=0.0
)


def quick(size=48, **look):
    return Config(size=size, appearance=AppearanceConfig(**look), optimization=QUICK)


@pytest.fixture(scope="module")
def content():
    with Image.open(demo.photograph()) as image:
        return np.asarray(image.convert("RGB").resize((60, 80)))


@pytest.fixture(scope="module")
def style():
    return demo.painting(64)


def test_the_result_is_a_picture_of_the_size_asked_for(content, style):
    result = stylize.stylize(content, style, quick())
    assert result.shape == (48, 36, 3)
    assert result.dtype == np.float32
    assert result.min() >= 0.0
    assert result.max() <= 1.0


def test_the_style_loss_falls_and_the_seed_decides(content, style):
    config = dataclasses.replace(
        quick(init="noise"), optimization=dataclasses.replace(QUICK, iterations=30)
    )
    heard = []
    listen = keras.callbacks.LambdaCallback(on_train_batch_end=lambda _, logs: heard.append(logs))
    first = stylize.stylize(content, style, config, callbacks=[listen])
    assert heard[-1]["loss"] < 0.5 * heard[0]["loss"]
    assert any(name.startswith("style/relu1_1") for name in heard[0])
    np.testing.assert_array_equal(stylize.stylize(content, style, config), first)
    other = stylize.stylize(content, style, dataclasses.replace(config, seed=1))
    assert np.abs(other - first).max() > 0.01


def test_strength_goes_from_the_content_to_the_style(content, style):
    def distance(strength):
        config = dataclasses.replace(
            quick(strength=strength, total_variation=0.0),
            optimization=dataclasses.replace(QUICK, iterations=30),
        )
        result = stylize.stylize(content, style, config)
        goal, _ = prepare.prepare(
            optimize.image_io.as_image(content), [], result.shape[1::-1], config
        )
        return np.abs(result - goal).mean()

    assert distance(0.0) < 0.06
    assert distance(0.0) < distance(0.5) < distance(1.0)


@pytest.mark.parametrize(
    "look",
    [
        {"colors": "content"},
        {"colors": "matched"},
        {"init": "style"},
        {"init": "noise"},
        {"statistic": "wasserstein", "content_distance": "huber", "smoothness": "squared"},
        {"style_layers": ("relu1_1=2", "relu3_1"), "content_layers": ("relu2_2",)},
    ],
)
def test_every_look_gives_a_picture(content, style, look):
    result = stylize.stylize(content, style, quick(**look))
    assert result.shape == (48, 36, 3)
    assert np.isfinite(result).all()


def test_the_contents_colours_stay(content, style):
    result = stylize.stylize(content, style, quick(colors="content"))
    goal, _ = prepare.prepare(optimize.image_io.as_image(content), [], (36, 48), quick())
    chroma = [picture[..., 0] - picture[..., 2] for picture in (result, goal)]
    inside = (result > 0.01).all(axis=2) & (result < 0.99).all(axis=2)  # where nothing was clipped
    np.testing.assert_allclose(chroma[0][inside], chroma[1][inside], atol=0.02)


def test_several_styles_are_mixed_by_weight(content, style):
    dark, bright = np.full_like(style, 20), np.full_like(style, 235)

    def brightness(weights):
        config = dataclasses.replace(
            quick(style_weights=weights, strength=1.0),
            optimization=dataclasses.replace(QUICK, iterations=40),
        )
        return stylize.stylize(content, [dark, bright], config).mean()

    assert brightness((1.0, 0.0)) < brightness((1.0, 1.0)) < brightness((0.0, 1.0))


def test_lbfgs_lowers_the_same_loss(content, style):
    heard = []
    listen = keras.callbacks.LambdaCallback(on_train_batch_end=lambda _, logs: heard.append(logs))
    config = dataclasses.replace(
        quick(), optimization=dataclasses.replace(QUICK, optimizer="lbfgs")
    )
    result, levels = optimize.paint(content, style, config, [listen])
    assert result.shape == (48, 36, 3)
    assert heard[-1]["loss"] < heard[-6]["loss"]
    assert [level.size for level in levels] == [(26, 34), (36, 48)]


def test_transparency_is_kept(content, style):
    clear = np.dstack([content, np.full(content.shape[:2], 255, np.uint8)])
    clear[:40, :, 3] = 0
    result = stylize.stylize(clear, style, quick())
    assert result.shape == (48, 36, 4)
    assert result[:20, :, 3].max() < 0.1
    assert result[28:, :, 3].min() > 0.9


def test_levels_grow_by_the_root_of_two_up_to_the_size():
    assert plan.level_sizes((800, 600), 512, 128) == [
        (128, 96),
        (181, 136),
        (256, 192),
        (362, 272),
        (512, 384),
    ]
    assert plan.level_sizes((600, 600), 100, 128) == [(100, 100)]
    assert plan.level_sizes((1000, 40), 512, 128) == [(512, 20)]  # no level is too low to see


def test_the_last_iterations_go_through_the_reference_and_slow_down():
    reference = Extractor("true", ("relu1_1",), lambda image: {})
    extractor = dataclasses.replace(reference, name="quick", reference=reference)
    search = OptimizationConfig(iterations=12, smallest=32, learning_rate=0.1, refine=0.25)
    config = Config(size=64, optimization=search)
    stages = plan.plan(config, (80, 60), extractor)
    assert [(stage.size, stage.iterations, stage.extractor.name) for stage in stages] == [
        ((32, 24), 24, "quick"),
        ((45, 34), 12, "quick"),
        ((64, 48), 9, "quick"),
        ((64, 48), 3, "true"),
    ]
    assert [stage.rates for stage in stages] == [(0.1, 0.1)] * 3 + [pytest.approx((0.25, 0.02))]
    alone = plan.plan(config, (80, 60), reference)
    assert {stage.extractor.name for stage in alone} == {"true"}
    for share, counts in ((0.0, [24, 12, 12]), (1.0, [24, 12, 12])):
        whole = dataclasses.replace(config, optimization=dataclasses.replace(search, refine=share))
        found = plan.plan(whole, (80, 60), extractor)
        assert [stage.iterations for stage in found] == counts
        assert found[-1].extractor.name == ("true" if share else "quick")


def test_a_preview_is_small_and_by_the_quick_network_alone():
    assert configuration.resolve(Config(size=400)) == Config(size=400)
    quick_look = configuration.resolve(Config(preview=True, size=1024))
    assert (quick_look.size, quick_look.search.refine, quick_look.search.correct) == (256, 0.0, 0)
    reference = Extractor("slow", ("one",), dict)
    stages = plan.plan(quick_look, (640, 480), Extractor("quick", ("one",), dict, reference))
    assert [(stage.extractor.name, stage.iterations) for stage in stages] == [
        ("quick", 120),
        ("quick", 60),
        ("quick", 60),
    ]
    smaller = Config(preview=True, size=100, optimization=QUICK)
    assert configuration.resolve(smaller).size == 100
    assert configuration.resolve(smaller).search.iterations == 6


def test_styles_shrink_with_the_level_and_never_grow(content):
    styles = [Image.new("RGB", (200, 100)), Image.new("RGB", (30, 20))]
    picture = optimize.image_io.as_image(content)
    config = quick(style_scale=2.0)
    _, small = prepare.prepare(picture, styles, (36, 48), config)
    _, large = prepare.prepare(picture, styles, (360, 480), config)
    assert [style.shape for style in small] == [(48, 96, 3), (20, 30, 3)]
    assert [style.shape for style in large] == [(100, 200, 3), (20, 30, 3)]


def test_a_broken_extractor_stops_its_levels_and_says_so(content, style):
    from common.extractors.compact import Features
    from common.losses.style import moments

    def broken(image):
        values = image * tf.where(tf.reduce_mean(image) > 0.0, np.nan, 1.0)
        return {"relu1_1": Features(values, moments(values))}

    extractor = Extractor("broken", ("relu1_1",), broken)
    with pytest.warns(RuntimeWarning, match="non-finite"):
        result = stylize.stylize(content, style, quick(), extractor=extractor)
    goal, _ = prepare.prepare(optimize.image_io.as_image(content), [], (36, 48), quick())
    assert np.abs(result - goal).mean() < 0.05  # what it started from


def test_the_budget_ends_everything_at_full_size(content, style):
    from common.callbacks import Ending, TimeBudget

    ending = Ending()
    result, levels = optimize.paint(
        content, style, quick(96), [TimeBudget(1e-6, ending)], ending=ending
    )
    assert result.shape == (96, 72, 3)
    assert len(levels) == 1
    assert levels[0].status == "finished"
    assert "minutes" in levels[0].reason


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 3}, "--size: expected 16"),
        ({"content": "missing.jpg", "style": "x"}, "--content missing.jpg: no such file"),
        ({"content": "photo.png"}, "--style: missing"),
        ({"style": "x"}, "--content: missing"),
        ({"look": AppearanceConfig(strength=1.5)}, "--strength: expected 0 to 1"),
        ({"look": AppearanceConfig(style_weights=(1.0, 2.0))}, "--style-weights: expected one"),
        ({"look": AppearanceConfig(style_weights=(0.0,))}, "--style-weights"),
        (
            {"look": AppearanceConfig(style_layers=("relu1_1=much",))},
            "--style-layers: expected LAYER",
        ),
        ({"search": OptimizationConfig(iterations=0)}, "--iterations"),
        ({"search": OptimizationConfig(max_minutes=0.0)}, "--max-minutes"),
        ({"output": OutputConfig(bits=16, out="a.jpg")}, "--bits 16"),
        ({"output": OutputConfig(out="a.xyz")}, "--out a.xyz: expected a name"),
        (
            {"output": OutputConfig(out="photo.png"), "content": "photo.png", "style": "photo.png"},
            "would overwrite",
        ),
        ({"content": "."}, "--style: missing"),
        ({"content": "empty", "style": "photo.png"}, "no pictures"),
        ({"content": ".", "style": "photo.png"}, "--out: missing"),
        ({"extractor": "vgg20"}, "--extractor vgg20: expected compact, vgg16, vgg19 or a file"),
        ({"extractor": "photo.png"}, None),
    ],
)
def test_bad_arguments_are_named(tmp_path, monkeypatch, change, message):
    from pathlib import Path

    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (20, 20)).save("photo.png")
    Path("empty").mkdir()
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


def test_vgg19_without_a_network_says_where_it_looked(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(validation, "KERAS_HOST", ("127.0.0.1", 9))
    with pytest.raises(InputError) as caught:
        validation.check_extractor("vgg19")
    assert str(tmp_path) in str(caught.value)
    assert "compact" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "style", "size", "message"),
    [
        ((1, 1), (64, 64), 64, "--content: a picture of 1x1"),
        ((64, 64), (64, 1), 64, "--style: a picture of 64x1"),
        ((2000, 40), (64, 64), 64, "--size 64: would make 64x1 "),
    ],
)
def test_pictures_with_nothing_to_see_are_refused(content, style, size, message):
    pictures = [np.zeros((height, width, 3), np.uint8) for width, height in (content, style)]
    with pytest.raises(InputError, match=message):
        stylize.stylize(*pictures, quick(size))


def test_an_unknown_layer_is_named(content, style):
    with pytest.raises(InputError, match="compact has no relu9_9; it has relu1_1"):
        stylize.stylize(content, style, quick(style_layers=("relu9_9",)))


def test_the_demonstrations_painting_depends_on_the_seed_alone():
    first = demo.painting(48, seed=1)
    assert first.shape == (48, 48, 3)
    np.testing.assert_array_equal(demo.painting(48, seed=1), first)
    assert (demo.painting(48, seed=2) != first).any()
    assert first.std() > 20  # there is something to see


def test_the_configuration_is_json():
    config = Config(content=demo.photograph(), style=(demo.photograph(),))
    assert json.loads(json.dumps(configuration.to_dict(config)))["look"]["strength"] == 0.5
