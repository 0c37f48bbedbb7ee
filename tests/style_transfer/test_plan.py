import dataclasses

import pytest

from common.errors import InputError
from style_transfer import plan
from style_transfer.config import AppearanceConfig, Config, OptimizationConfig
from style_transfer.extractors import Extractor

VGG = Extractor("vgg", ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu4_2", "relu5_1"), dict)


def test_levels_double_up_to_the_size():
    assert plan.level_sizes((800, 600), 512, 128) == [
        (128, 96),
        (256, 192),
        (512, 384),
    ]
    assert plan.level_sizes((600, 600), 100, 128) == [(100, 100)]
    for longest in (363, 511, 512, 513, 724):  # as many levels, up to the middle of an octave
        sizes = plan.level_sizes((800, 600), longest, 64)
        assert [max(size) for size in sizes] == [round(longest / 2**k) for k in (3, 2, 1, 0)]
    assert plan.level_sizes((1000, 40), 512, 128) == [(512, 20)]  # no level is too low to see


def test_the_first_of_several_levels_takes_twice_the_iterations():
    optimization = OptimizationConfig(iterations=12, smallest=32, learning_rate=0.1)
    config = Config(size=64, optimization=optimization)
    stages = plan.plan(config, (80, 60), VGG)
    assert [(stage.size, stage.iterations) for stage in stages] == [
        ((32, 24), 24),
        ((64, 48), 12),
    ]
    assert {stage.rates for stage in stages} == {(0.1, 0.1)}
    alone = plan.plan(dataclasses.replace(config, size=32), (80, 60), VGG)
    assert [stage.iterations for stage in alone] == [12]


def weights(extractor=VGG, **appearance):
    return plan.choose_weights(Config(appearance=AppearanceConfig(**appearance)), extractor)


def test_the_usual_layers_are_those_of_gatys_if_the_extractor_is_deep():
    found = weights()
    assert tuple(found.style) == ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    assert tuple(found.content) == ("relu4_2",)
    shallow = Extractor("compact", ("relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1"), dict)
    assert tuple(weights(shallow).style) == shallow.layers
    assert tuple(weights(shallow).content) == ("relu3_1",)
    embedded = Extractor("compact", (*shallow.layers, "fire4", "fire5", "fire6", "fire8"), dict)
    assert tuple(weights(embedded).style) == (*shallow.layers, "fire4", "fire6", "fire8")
    assert weights(embedded, strength=0.5).content == {"fire5": pytest.approx(0.35)}
    own = Extractor("own", ("first", "second"), dict)
    assert weights(own).style == {"first": 1.0, "second": 1.0}
    assert tuple(weights(own).content) == ("second",)


def test_only_a_strength_of_one_leaves_the_content_out():
    assert weights(strength=0.5).content == {"relu4_2": pytest.approx(0.01)}
    assert weights(strength=0.2) == weights(strength=0.5)  # `style_transfer.strength` does the rest
    assert weights(strength=1.0).content == {}


def test_layers_are_chosen_with_their_weights():
    found = weights(
        style_layers=("relu1_1=2", "relu3_1", "relu5_1=0"),
        content_layers=("relu2_1=3", "relu3_1"),
    )
    assert found.style == {"relu1_1": 2.0, "relu3_1": 1.0}
    assert found.content == pytest.approx({"relu2_1": 0.0075, "relu3_1": 0.0025})


@pytest.mark.parametrize(
    ("appearance", "message"),
    [
        ({"style_layers": ("relu9_9",)}, "appearance.style_layers: vgg has no relu9_9; it has"),
        ({"content_layers": ("conv",)}, "appearance.content_layers: vgg has no conv"),
        ({"style_layers": ("relu1_1=0",)}, "at least one weight above 0"),
    ],
)
def test_layers_that_cannot_be_used_are_named(appearance, message):
    with pytest.raises(InputError, match=message):
        weights(**appearance)
