import errno
import io
import os
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.util import tensor_util

from common.summaries import SummaryWriter, flatten


@pytest.fixture
def writer(tmp_path):
    return SummaryWriter(tmp_path)


def read(folder):
    accumulator = event_accumulator.EventAccumulator(str(folder), {"tensors": 0})
    accumulator.Reload()
    return {
        tag: [(event.step, tensor_util.make_ndarray(event.tensor_proto)) for event in events]
        for tag in accumulator.Tags()["tensors"]
        for events in [accumulator.Tensors(tag)]
    }


def test_scalars_by_name_and_step(writer, tmp_path):
    writer.scalars({"loss/generator": 0.5, "speed": np.float32(2.0)}, step=10)
    writer.scalars({"loss/generator": 0.25}, step=20)
    found = read(tmp_path)
    assert found["loss/generator"] == [(10, 0.5), (20, 0.25)]
    assert found["speed"] == [(10, 2.0)]


def test_an_image_keeps_its_pixels(writer, tmp_path):
    for channels in (1, 3, 4):
        image = np.random.default_rng(0).integers(0, 256, (5, 7, channels), dtype=np.uint8)
        writer.image(f"image{channels}", image, step=3)
        ((step, (width, height, png)),) = read(tmp_path)[f"image{channels}"]
        assert (step, int(width), int(height)) == (3, 7, 5)
        shown = np.asarray(Image.open(io.BytesIO(png))).reshape(image.shape)
        np.testing.assert_array_equal(shown, image)


def test_a_large_image_is_reduced_and_the_log_small(writer, tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (900, 4000, 3), dtype=np.uint8)
    writer.image("style", image, step=0)
    ((_, (width, height, _)),) = read(tmp_path)["style"]
    assert (int(width), int(height)) == (1024, 230)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 1_000_000


def test_histograms_text_and_hyperparameters(writer, tmp_path):
    layer = keras.layers.Dense(2)
    layer.build((None, 3))
    writer.histograms([layer.kernel], step=5)
    writer.text("config", "**bold**")
    writer.hyperparameters({"seed": 1}, trial="run", program="gan.train")
    found = read(tmp_path)
    ((step, buckets),) = found[f"weights/{layer.kernel.path}"]
    assert step == 5
    assert buckets[:, 2].sum() == 6  # the number of values
    assert found["config"][0][1].item() == b"**bold**"
    assert "_hparams_/session_start_info" in found


def experiment(folder):
    """Return what the HParams tab shows first: hyperparameters and metrics by name."""
    from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
    from tensorboard.context import RequestContext
    from tensorboard.plugins.base_plugin import TBContext
    from tensorboard.plugins.hparams.backend_context import Context

    events = EventMultiplexer().AddRunsFromDirectory(str(folder))
    events.Reload()
    provider = MultiplexerDataProvider(events, str(folder))
    backend, request = Context(TBContext(data_provider=provider)), RequestContext()
    found = backend.experiment_from_metadata(
        request, "", True, backend.hparams_metadata(request, ""), []
    )
    differ = [info.name for info in found.hparam_infos if info.differs]
    return differ, [info.name.tag for info in found.metric_infos]


def test_the_hparams_tab_begins_with_what_differs_and_the_final_metrics(tmp_path):
    for name, program, values in (
        ("one", "gan.train", {"batch_size": 8, "loss": "hinge", "balance.augment": 0.0}),
        ("two", "gan.train", {"batch_size": 8, "loss": "minimax", "balance.augment": 0.0}),
        ("three", "stylize", {"style.size": 64}),
    ):
        writer = SummaryWriter(tmp_path / name)
        writer.hyperparameters(values, name, program)
        writer.scalars({"balance/augment": 0.0, "discriminator/real": 0.5}, step=10)
        writer.final_metrics({"frechet_distance": 2.0}, step=10)
    differ, metrics = experiment(tmp_path)
    assert differ == ["Program", "loss"]
    assert metrics == ["at_end/frechet_distance", "balance/augment", "discriminator/real"]


def test_names_that_are_not_utf_8_are_escaped(tmp_path):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    writer = SummaryWriter(folder)
    name = folder.name
    writer.image(f"{name}/content", np.zeros((2, 2, 3), np.uint8), step=0)
    writer.text("config", name)
    writer.hyperparameters({"out": name}, name, program="gan.train")
    (events,) = folder.iterdir()
    (tmp_path / "copy").mkdir()
    events.rename(tmp_path / "copy" / events.name)
    found = read(tmp_path / "copy")
    assert "caf\\udce9/content" in found
    assert found["config"][0][1].item() == rb"caf\udce9"


def test_a_full_disk_is_an_os_error(writer):
    with pytest.raises(OSError, match="full") as caught, writer._at(0):
        raise tf.errors.ResourceExhaustedError(None, None, "the disk is full")
    assert caught.value.errno == errno.ENOSPC


def test_flatten_joins_names_by_dots():
    nested = {"a": {"b": 1, "c": {"d": None}}, "list": [1, "x"], "tuple": (), "flag": True}
    expected = {"a.b": 1, "a.c.d": "", "list": "1 x", "tuple": "", "flag": True}
    assert flatten(nested) == expected
