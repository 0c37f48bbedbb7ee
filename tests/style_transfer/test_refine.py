import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from style_transfer import plan, refine
from style_transfer.config import AppearanceConfig, Config, OptimizationConfig, resolve
from style_transfer.extractors import Extractor
from style_transfer.objective import Objective, Weights
from tests.style_transfer.test_objective import EXTRACTOR, pixels

SQUARES = Extractor("squares", ("one", "two"), lambda image: pixels(tf.square(image)))
BOTH = dataclasses.replace(EXTRACTOR, reference=SQUARES)
WEIGHTS = Weights({"one": 1.0, "two": 3.0}, {"one": 0.5}, 0.2)


@pytest.fixture
def images():
    random = np.random.default_rng(0)
    return [tf.constant(random.random((1, 4, 6, 3)), tf.float32) for _ in range(3)]


def test_a_corrected_loss_is_the_references_with_its_own_gradient(images):
    content, style, image = images
    styles = [(style, 1.0), (content, 2.0)]
    ours = refine.CorrectedObjective(BOTH, content, styles, WEIGHTS)
    theirs = Objective(SQUARES, content, styles, WEIGHTS)
    ours.correct(image)
    found, expected = ours(image), theirs(image)
    for layer in ("one", "two"):
        name = f"style/{layer}"
        assert float(found[name][0]) == pytest.approx(float(expected[name][0]), rel=1e-4)
    content_term = float(Objective(EXTRACTOR, content, styles, WEIGHTS)(image)["content/one"][0])
    assert float(found["content/one"][0]) == pytest.approx(content_term)
    # |G + offset - G*|^2 in one direction, by differences: the offset stands still
    direction = tf.constant(np.random.default_rng(3).normal(size=image.shape), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(image)
        loss = ours(image)["style/one"]
    slope = float(tf.reduce_sum(tape.gradient(loss, image) * direction))
    ahead, behind = (float(ours(image + s * direction)["style/one"][0]) for s in (1e-2, -1e-2))
    assert slope == pytest.approx((ahead - behind) / 2e-2, rel=2e-2)


def test_without_styles_there_is_nothing_to_correct(images):
    content, _, image = images
    objective = refine.CorrectedObjective(BOTH, content, [], WEIGHTS)
    assert objective.offsets == {}
    objective.correct(image)
    several = refine.CorrectedObjective(BOTH, content, [(content, 1.0), (image, 1.0)], WEIGHTS)
    assert {layer: len(parts) for layer, parts in several.offsets.items()} == {"one": 2, "two": 2}
    several.style_target(image + 0.1)
    several.correct(image)  # the variables are those of before
    assert float(tf.reduce_max(tf.abs(several.offsets["one"].second))) > 0.0


def build(extractor, images, statistic="gram", **optimization):
    content, style, _ = images
    config = Config(
        appearance=AppearanceConfig(statistic=statistic),
        optimization=OptimizationConfig(**optimization),
    )
    return refine.build_objective(config, extractor, content, [(style, 1.0)], WEIGHTS)


def test_an_objective_is_corrected_only_if_there_is_something_to_correct(images):
    assert isinstance(build(BOTH, images), refine.CorrectedObjective)
    for objective in (
        build(EXTRACTOR, images),
        build(BOTH, images, correct=0),
        build(BOTH, images, optimizer="lbfgs"),
        build(BOTH, images, statistic="wasserstein"),
    ):
        assert type(objective) is Objective


def test_without_a_reference_the_objective_is_the_plain_one(images):
    content, style, image = images
    plain = Objective(EXTRACTOR, content, [(style, 1.0)], WEIGHTS)(image)
    found = build(EXTRACTOR, images)(image)
    assert {name: float(value[0]) for name, value in found.items()} == {
        name: float(value[0]) for name, value in plain.items()
    }


def stages_of(config, extractor):
    return refine.with_refinement(plan.plan(config, (80, 60), extractor), config, extractor)


def test_the_last_iterations_use_the_reference_and_slow_down():
    reference = Extractor("true", ("relu1_1",), lambda image: {})
    extractor = dataclasses.replace(reference, name="quick", reference=reference)
    optimization = OptimizationConfig(iterations=12, smallest=32, learning_rate=0.1, refine=0.25)
    config = Config(size=64, optimization=optimization)
    stages = stages_of(config, extractor)
    assert [(stage.size, stage.iterations, stage.extractor.name) for stage in stages] == [
        ((32, 24), 24, "quick"),
        ((64, 48), 9, "quick"),
        ((64, 48), 3, "true"),
    ]
    assert [stage.rates for stage in stages] == [(0.1, 0.1)] * 2 + [pytest.approx((0.25, 0.02))]
    assert [stage.horizon for stage in stages] == [50.0, 50.0, 15.0]
    assert {stage.extractor.name for stage in stages_of(config, reference)} == {"true"}
    for share, counts in ((0.0, [24, 12]), (1.0, [24, 12])):
        whole = dataclasses.replace(
            config, optimization=dataclasses.replace(optimization, refine=share)
        )
        found = stages_of(whole, extractor)
        assert [stage.iterations for stage in found] == counts
        assert found[-1].extractor.name == ("true" if share else "quick")


def test_a_preview_does_without_the_reference():
    reference = Extractor("slow", ("one",), dict)
    preview = resolve(Config(preview=True, size=1024))
    stages = stages_of(preview, Extractor("quick", ("one",), dict, reference))
    assert [(stage.extractor.name, stage.iterations) for stage in stages] == [
        ("quick", 160),
        ("quick", 80),
    ]


def test_corrections_come_at_first_and_every_few_iterations():
    class Model:
        image, steps_done = tf.Variable([0.0]), 0

    corrected = []
    callback = refine.Correct(lambda image: corrected.append(Model.steps_done), every=20)
    callback.set_model(Model)
    callback.on_train_begin()
    for steps in range(0, 60, 10):
        Model.steps_done = steps
        callback.on_train_batch_begin(0)
    assert corrected == [0, 20, 40]
