import json
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from common.summaries import SummaryWriter
from style_transfer import config as configuration
from style_transfer import progress
from style_transfer.config import Config
from style_transfer.image_model import StyledImage
from style_transfer.progress import Frames, Pyramid, Trace, comparable
from tests.style_transfer.bowl import distance_to, fit, start


def test_the_share_of_all_work_counts_the_cost_of_iterations():
    pyramid = Pyramid(images=2)
    pyramid.begin([((3, 2), 10, 6.0), ((6, 4), 10, 24.0)])  # 60 and 240 units of work
    pyramid.set_model(StyledImage(start(), distance_to(0.5)))
    pyramid.on_train_begin()
    assert pyramid.share() == 0.0
    pyramid.model.iteration.assign(5)
    assert pyramid.share() == pytest.approx(0.5 * 30 / 300)
    pyramid.on_train_begin()
    assert pyramid.share() == pytest.approx(0.5 * (60 + 120) / 300)
    pyramid.begin([((3, 2), 10, 7.0)])
    pyramid.on_train_begin()
    assert pyramid.share() == pytest.approx(0.5 + 0.5 * 0.5)
    assert pyramid.describe(5, 100.0) == "3x2 10 ms/iteration"


def test_frames_are_collected_every_ten_iterations_at_one_size():
    frames = Frames((12, 8), longest=6)
    fit(StyledImage(start(), distance_to(0.8)), 50, [frames])
    assert len(frames.frames) == 5
    assert {frame.shape for frame in frames.frames} == {(4, 6, 3)}
    assert frames.frames[-1].mean() > frames.frames[0].mean()


class Writer:
    """Records what a SummaryWriter would write."""

    def __init__(self):
        self.written = []

    def scalars(self, values, step):
        self.written.append((sorted(values), step))

    def image(self, name, array, step):
        assert array.dtype == np.uint8
        self.written.append((name, step))


def test_a_large_image_is_shown_reduced(monkeypatch, tmp_path):
    monkeypatch.setattr(progress, "LONGEST_SIDE", 6)
    shown = []
    writer = Writer()
    writer.image = lambda name, array, step: shown.append(array)
    trace = Trace(tmp_path, writer, "")
    initial = np.tile(np.linspace(0.0, 1.0, 12, dtype=np.float32)[:, None], (1, 8, 1, 3))
    trace.set_model(StyledImage(initial, distance_to(0.5)))
    trace._show()
    assert shown[0].shape == (4, 6, 3)
    np.testing.assert_allclose(shown[0][0, :, 0], 255 * (np.arange(6) * 2 + 0.5) / 11, atol=0.51)


def test_hyperparameters_hold_no_folders():
    config = Config(content=Path("photos/cat.jpg"), style=(Path("a/b.png"), Path("/c d/e.png")))
    found = comparable(configuration.to_dict(config))
    assert found["style.content"] == "cat.jpg"
    assert found["style.style"] == "b.png e.png"
    assert found["style.appearance.strength"] == 0.5
    assert not [name for name, value in found.items() if "/" in str(value)]
    assert not [name for name in found if "output" in name]


def test_metrics_and_images_are_logged_by_iteration(tmp_path):
    writer = Writer()
    model = StyledImage(start(), distance_to(0.8), first_step=100)
    fit(model, 120, [Trace(tmp_path, writer, "one/")])
    names = ["one/loss", "one/loss/bowl", "one/speed/seconds_per_iteration"]
    scalars = [step for name, step in writer.written if name == names]
    assert scalars == [120, 140, 160, 180, 200, 220]
    assert [step for name, step in writer.written if name == "stylized/one"] == [200, 220]
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [row["iteration"] for row in rows] == scalars
    assert not [names for names, _ in writer.written if "at_end/loss" in names]


def test_a_single_image_has_final_metrics(tmp_path):
    writer = SummaryWriter(tmp_path)
    fit(StyledImage(start(), distance_to(0.8)), 40, [Trace(tmp_path, writer)])
    events = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0})
    events.Reload()
    for tag in ("at_end/loss", "at_end/seconds"):
        assert [event.step for event in events.Tensors(tag)] == [40]
