import json
from pathlib import Path

import pytest

from common import registry
from common.errors import InputError
from gan import config as configuration
from gan.config import FAMILIES, LOSSES, PENALTIES, PRESETS, Config
from gan.networks import base as families
from tests.gan.tiny import run_of


def test_a_configuration_survives_the_disk(tiny):
    fields = json.loads(json.dumps(configuration.to_dict(tiny)))
    at_home = run_of(tiny, run_dir=None, resume=Path("here"))
    assert configuration.from_dict(fields, Path("here")) == at_home


def test_fields_that_a_file_lacks_have_their_defaults():
    fields = configuration.to_dict(Config(batch_size=8))
    del fields["networks"]["width"], fields["networks"]["options"], fields["balance"]
    del fields["penalty"], fields["run"]["cache_dir"]
    assert configuration.from_dict(fields) == Config(batch_size=8)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["seed"], "x"),
        (["seed"], 1.5),
        (["seed"], True),
        (["networks", "width"], None),
        (["networks", "options"], [1]),
        (["run", "cache_dir"], 3),
        (["loss"], ["hinge"]),
        (["balance"], 0),
        (["run"], [1]),
    ],
)
def test_a_value_of_another_type_is_named(path, value):
    fields = configuration.to_dict(Config())
    place = fields
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(InputError, match=rf"config.json: .*{path[-1]}"):
        configuration.from_dict(fields)


def test_a_file_without_fields_is_refused():
    for fields in ([], None, 3, "x"):
        with pytest.raises(InputError, match="expected the fields of a configuration"):
            configuration.from_dict(fields)


def test_a_field_of_another_version_is_named():
    fields = configuration.to_dict(Config())
    fields["networks"]["breadth"] = 3
    with pytest.raises(InputError, match=r"unknown field networks.breadth.* another version"):
        configuration.from_dict(fields)
    with pytest.raises(InputError, match="unknown field color"):
        configuration.from_dict({"color": "red"})


def test_the_choices_are_those_of_the_registries():
    from common.losses.adversarial import ADVERSARIAL
    from common.losses.penalties import PENALTIES as TABLE
    from gan import presets

    assert tuple(ADVERSARIAL) == LOSSES
    assert ("none", *TABLE) == PENALTIES
    assert tuple(presets.PRESETS) == PRESETS
    assert families.names() == FAMILIES == registry.module_names("gan.networks", ["base"])
