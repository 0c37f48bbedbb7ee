import dataclasses

import pytest

from common.errors import InputError
from gan import presets, validation
from gan.config import Config
from gan.networks import base


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


@pytest.mark.parametrize("family", base.names())
def test_a_family_implies_the_preset_of_its_name(family):
    name = presets.default_preset(family)
    assert name == (family if family in presets.PRESETS else "default")
    assert presets.apply(Config(), name).networks.name == (family if name == family else "dcgan")
