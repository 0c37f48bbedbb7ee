import weakref
from dataclasses import replace

import keras
import numpy as np
import pytest

from common.callbacks import Ending, TimeBudget
from style_transfer import optimize
from style_transfer.masks import WHOLE, Masks
from tests.style_transfer.quick import quick


def listener():
    heard = []
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=lambda _, logs: heard.append(logs))
    return callback, heard


@pytest.mark.slow
def test_lbfgs_lowers_the_same_loss(content, style):
    listen, heard = listener()
    config = quick(optimization={"optimizer": "lbfgs"})
    result, levels = optimize.paint(content, style, config, [listen])
    assert result.shape == (48, 36, 3)
    assert heard[-1]["loss"] < heard[-6]["loss"]
    assert [level.size for level in levels] == [(18, 24), (36, 48)]


@pytest.mark.slow
def test_every_stage_reports_how_it_went(content, style):
    config = quick(optimization={"refine": 0.5, "correct": 3, "iterations": 10})
    _, levels = optimize.paint(content, style, config)
    assert [(level.size, level.iterations) for level in levels] == [
        ((18, 24), 20),
        ((36, 48), 5),
        ((36, 48), 5),
    ]
    assert [level.extractor for level in levels] == ["compact", "compact", "compact's reference"]
    assert {level.status for level in levels} == {"finished"}
    assert all(np.isfinite(level.loss) and level.seconds > 0 for level in levels)


def test_the_budget_ends_everything_at_full_size(content, style):
    ending = Ending()
    result, levels = optimize.paint(
        content, style, quick(96), [TimeBudget(1e-6, ending)], ending=ending
    )
    assert result.shape == (96, 72, 3)
    assert len(levels) == 1
    assert levels[0].status == "finished"
    assert "minutes" in levels[0].reason


@pytest.mark.parametrize("keeps", [False, True])
def test_a_stage_begins_without_the_model_and_the_graphs_of_the_one_before(content, style, keeps):
    config, graphs, models, held = quick(optimization={"iterations": 2}), [], [], []

    def look(model):
        held.append([sum(each() is not None for each in kept) for kept in (graphs, models)])
        graphs.append(weakref.ref(model.evaluation().get_concrete_function().graph))
        models.append(weakref.ref(model))

    watch = keras.callbacks.Callback()
    watch.on_train_begin = lambda logs=None: look(watch.model)
    extractor = replace(optimize.load_extractor(config), keeps_graphs=keeps)
    optimize.paint(content, style, config, [watch], extractor)
    assert held == [[0, 0], [1, 0] if keeps else [0, 0]]


@pytest.mark.slow
def test_a_black_mask_of_what_is_kept_changes_nothing(content, style):
    def paint(masks):
        ending = Ending()
        budget = TimeBudget(1e-6, ending)
        return optimize.paint(content, style, quick(), [budget], ending=ending, masks=masks)[0]

    whole = np.ones((1, 1, 1), np.float32)
    black = Masks(WHOLE, whole, (whole,), np.zeros((80, 60), np.float32))
    np.testing.assert_allclose(paint(black), paint(None), atol=0.01)


def test_regions_keep_the_colors_of_the_content(content, style):
    goal, reference = (np.float32(each) / 255.0 for each in (content, style))
    halves = np.repeat([[[1.0]], [[0.0]]], 2, axis=2).astype(np.float32)
    halves[:, :, 1] = 1.0 - halves[:, :, 0]
    keep = np.zeros((80, 60), np.float32)
    keep[:40] = 1.0
    regions = Masks(("white", "black"), halves, (halves,), keep)
    assert optimize.recolored(goal, [reference], quick(), regions) is goal
    kept = Masks(WHOLE, halves[:1], (halves[:1],), keep)
    found = optimize.recolored(goal, [reference], quick(), kept)
    whole = optimize.recolored(goal, [reference], quick(), None)
    np.testing.assert_allclose(found[:40], goal[:40], atol=1e-6)
    np.testing.assert_allclose(found[40:], whole[40:], atol=1e-6)
    assert np.abs(whole - goal).mean() > 0.02
