import keras
import numpy as np
import pytest

from common.callbacks import Ending, TimeBudget
from style_transfer import optimize
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
