import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from common.errors import InputError
from gan import presets, validation
from gan.config import Config, DataConfig, NetworkConfig, StopConfig
from gan.data.base import ImageDataset
from gan.networks import base
from gan.train import main, parse
from gan.trainer import train


@pytest.mark.parametrize("name", presets.PRESETS)
def test_every_preset_is_a_valid_configuration(name):
    config = presets.apply(Config(), name)
    validation.check(config)
    assert config.preset == name
    base.check_resolution(config.networks.name, config.data.resolution)


def test_the_default_preset_changes_nothing():
    assert presets.apply(Config(), "default") == dataclasses.replace(Config(), preset="default")


def test_a_preset_changes_only_what_it_names():
    config = presets.apply(Config(), "tutorial")
    assert (config.networks.name, config.data.resolution, config.update) == (
        "tutorial", 28, "simultaneous",
    )  # fmt: skip
    assert config.generator.learning_rate == config.discriminator.learning_rate == 1e-4
    assert config.networks.width == Config().networks.width
    assert config.stop == Config().stop


def test_hyphens_count_as_underscores():
    assert presets.apply(Config(), "few-images").balance.augment_target == 0.6


def test_an_unknown_preset_names_the_nearest():
    with pytest.raises(InputError, match=r"--preset tutoril: unknown.*did you mean tutorial\?"):
        presets.apply(Config(), "tutoril")


def test_a_name_alone_is_no_preset():
    with pytest.raises(InputError, match=r"--preset colr: unknown.*did you mean color\?"):
        validation.check(Config(preset="colr"))
    with pytest.raises(InputError, match=r'presets.apply\(Config\(\), "color"\)'):
        validation.check(Config(preset="color"))
    validation.check(dataclasses.replace(presets.apply(Config(), "color"), batch_size=256))
    validation.check(Config(preset="default"))
    validation.check(parse(["--preset", "few_images", "--balance.augment-target", "0.5"]))


@pytest.mark.parametrize("family", base.names())
def test_a_family_implies_the_preset_of_its_name(family):
    name = presets.default_preset(family)
    assert name == (family if family in presets.PRESETS else "default")
    assert presets.apply(Config(), name).networks.name == (family if name == family else "dcgan")


def images_in(folder, mode, side):
    folder.mkdir()
    for number in range(3):
        Image.new(mode, (side, side)).save(folder / f"{number}.png")
    return Config(data=DataConfig(str(folder)))


@pytest.mark.parametrize(
    ("mode", "side", "name"),
    [("RGB", 64, "color"), ("RGB", 32, "default"), ("L", 64, "default"), ("RGBA", 48, "color")],
)
def test_the_preset_follows_the_images_of_a_folder(tmp_path, mode, side, name):
    config = images_in(tmp_path / "images", mode, side)
    assert presets.choose(config) == name
    chosen = presets.fill(config, name)
    assert chosen == dataclasses.replace(presets.apply(config, name), data=config.data)


def test_the_resolution_and_channels_asked_for_decide(tmp_path):
    config = images_in(tmp_path / "images", "RGB", 64)
    for data, name in (({"resolution": 32}, "default"), ({"channels": 1}, "default")):
        asked = dataclasses.replace(config, data=dataclasses.replace(config.data, **data))
        assert presets.choose(asked) == name


def test_what_is_given_stays_as_it_is(tmp_path):
    config = images_in(tmp_path / "images", "RGB", 64)
    chosen = presets.fill(dataclasses.replace(config, batch_size=128), "color")
    assert (chosen.preset, chosen.batch_size) == ("color", 128)
    assert chosen.generator.learning_rate == presets.PRESETS["color"]["generator.learning_rate"]
    assert presets.fill(config, "auto") == config


def test_the_preset_of_a_family_goes_before_that_of_the_images(tmp_path):
    config = images_in(tmp_path / "images", "RGB", 64)
    assert presets.choose(dataclasses.replace(config, networks=NetworkConfig("resnet"))) == "resnet"


def test_options_of_a_preset_hold_for_families_that_have_them():
    parsed = parse(["--preset", "color", "--networks", "resnet"])
    assert (parsed.networks.name, parsed.networks.options) == ("resnet", ())
    assert parsed.batch_size == presets.PRESETS["color"]["batch_size"]
    assert parse(["--preset", "color"]).networks.options == ("final_width=16",)
    given = ["--networks", "resnet", "--networks.options", "generator_normalization=none"]
    parsed = parse(["--preset", "color", *given])
    assert parsed.networks.options == ("generator_normalization=none",)
    parsed = parse(["--preset", "color", "--networks", "progressive"])
    assert (parsed.networks.options, parsed.reconstruction.weight) == (("final_width=16",), 10.0)
    validation.check(parsed)
    for family, expected in (("resnet", ()), ("progressive", ("final_width=16",))):
        start = Config(networks=NetworkConfig(family), preset="color")
        assert presets.fill(start, "color").networks.options == expected
    assert parse(["--preset", "r3gan", "--networks", "progressive"]).networks.options == ()


def test_a_preset_is_fitted_to_the_networks_of_another_family():
    for name in ("color", "few_images", "default"):
        parsed = parse(["--preset", name, "--networks", "resnet"])
        assert parsed.networks.normalization == "none"
        validation.check(parsed)
        assert presets.fill(Config(networks=NetworkConfig("resnet")), name).networks == (
            parsed.networks
        )
    typed = ["--networks", "resnet", "--set", "networks.normalization=batch"]
    with pytest.raises(InputError, match=r"normalization=batch: .* expected one of none, spectral"):
        validation.check(parse(["--preset", "color", *typed]))
    parsed = parse(["--preset", "color", "--networks", "resnet", "--networks.options", "a=1"])
    assert parsed.networks.options == ("a=1",)
    validation.check(parse(["--preset", "r3gan", "--networks", "tutorial"]))  # its width is fixed
    assert parse(["--preset", "color", "--networks", "multi_scale"]).networks == (
        NetworkConfig("multi_scale")
    )


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("style_based --networks dcgan", "--penalty"),
        ("style_based --networks dcgan --penalty r1", ""),
        ("style_based --networks dcgan --penalty r2", ""),
        ("color --networks style_based", "--reconstruction.weight"),
        ("tutorial --balance.discriminator-steps 2", "--update"),
        ("r3gan --balance.label-smoothing 0.1", "--loss"),
        ("pytorch-example --networks tutorial", "--resolution"),
    ],
)
def test_errors_name_what_the_preset_has_set(arguments, named):
    with pytest.raises(InputError) as caught:
        main(["--preset", *arguments.split()])
    first, *others = str(caught.value).splitlines()
    name = arguments.split()[0].replace("-", "_")
    assert first.endswith(f" ({named} is set by --preset {name})") == bool(named)
    assert ("set by" in first) == bool(named)
    assert len(others) <= 1


def test_the_preset_follows_images_given_in_python():
    images = np.zeros((4, 64, 64, 3), np.uint8)
    dataset = ImageDataset("black", images, np.zeros(4, np.int32), (), "black-1")
    assert presets.choose(Config(), dataset) == "color"
    assert presets.choose(Config(), dataclasses.replace(dataset, images=images[..., :1])) == (
        "default"
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["r3gan", "style_based"])
def test_losses_stay_finite(tiny, name):
    tiny = dataclasses.replace(tiny, stop=StopConfig(epochs=4, evaluate_every=0))
    config = presets.apply(tiny, name)
    result = train(dataclasses.replace(config, batch_size=8))
    assert result.status == "finished"
    rows = [json.loads(row) for row in (result.folder / "metrics.jsonl").read_text().splitlines()]
    for metric in ("loss/discriminator", "loss/generator", "loss/penalty"):
        assert np.isfinite([row[metric] for row in rows]).all(), metric
    assert max(row["loss/penalty"] for row in rows) > 0  # not in every tick
    assert all(np.isfinite(weight).all() for weight in result.gan.generator.get_weights())
