import dataclasses

import numpy as np
import pytest

from common import overrides
from common.errors import InputError
from style_transfer.config import Config
from style_transfer.instant import unsupported
from style_transfer.stylize import stylize
from tests.command_line import run

INSTANT = Config(method="instant")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("optimization.iterations", 7, "--iterations: not with --method instant"),
        ("optimization.optimizer", "lbfgs", "--set optimization.optimizer: not with"),
        ("optimization.max_minutes", 1.0, "--max-minutes: not with"),
        ("appearance.init", "noise", "--init: not with"),
        ("appearance.statistic", "gram", "--statistic: not with"),
        ("extractor", "vgg19", "its decoder belongs to the embedded extractor"),
        ("preview", True, "--preview: not with"),
    ],
)
def test_what_has_no_use_is_refused(path, value, message):
    config = overrides.replace(INSTANT, path, value)
    with pytest.raises(InputError, match=message):
        unsupported.check(config)
    unsupported.check(dataclasses.replace(config, method="optimize"))


def test_what_has_a_use_is_accepted():
    for path, value in (
        ("size", 300),
        ("appearance.strength", 0.9),
        ("appearance.colors", "matched"),
        ("appearance.style_scale", 2.0),
        ("output.bits", 16),
    ):
        unsupported.check(overrides.replace(INSTANT, path, value))


def test_python_refuses_callbacks_and_masks():
    photo = np.zeros((32, 32, 3))
    with pytest.raises(InputError, match="masks: not with"):
        stylize(photo, photo, INSTANT, masks=[photo, photo])
    with pytest.raises(InputError, match="callbacks: not with"):
        stylize(photo, photo, INSTANT, callbacks=[object()])
    with pytest.raises(InputError, match="--iterations: not with"):
        stylize(photo, photo, overrides.replace(INSTANT, "optimization.iterations", 9))


def test_the_command_line_ends_with_2_before_tensorflow():
    code, _, error = run("style_transfer.stylize", "--method", "instant", "--iterations", "9")
    assert code == 2
    assert error.splitlines()[0] == (
        "error: --iterations: not with --method instant: it optimizes nothing"
    )
