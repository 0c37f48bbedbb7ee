"""What a training records."""

from pathlib import Path

import numpy as np

from style_transfer.feedforward import monitor, scenes


def test_the_samples_are_different_contents_and_one_is_a_landscape(monkeypatch):
    def noise(side, random):
        return random.integers(0, 256, (side, side, 3), np.uint8)

    monkeypatch.setattr(scenes, "dead_leaves", noise)
    contents = scenes.contents(32, seed=0)
    samples = monitor.Samples(Path(), None, contents).photos
    assert len({sample.tobytes() for sample in samples}) == monitor.SAMPLES
    np.testing.assert_array_equal(samples[0], monitor._square(contents[0]))
    np.testing.assert_array_equal(samples[-1], monitor._square(contents[-1]))  # a landscape
