import dataclasses

import keras
import numpy as np
import pytest
from PIL import Image

from common import runs
from common.errors import InputError
from common.files import write_json
from style_transfer.feedforward import apply, saved, validation
from style_transfer.feedforward.build import shape_of
from style_transfer.feedforward.config import (
    Config,
    NetworkConfig,
    from_dict,
    resolved,
    to_dict,
)
from style_transfer.feedforward.fit import train
from style_transfer.feedforward.train import parse
from style_transfer.feedforward.waves import LENGTHS, START, vectors, waves
from tests.command_line import run_here
from tests.style_transfer.feedforward.tiny import TRAINING, tiny


def test_a_wave_has_its_length_and_direction():
    found = vectors(50)
    lengths = 2 * np.pi / np.linalg.norm(found, axis=0)
    assert LENGTHS[0] - 1e-3 < lengths.min() < 20
    assert 80 < lengths.max() < LENGTHS[1] + 1e-3
    angles = np.arctan2(found[1], found[0])
    assert angles.min() < 0.3
    assert angles.max() > 2.8
    np.testing.assert_array_equal(vectors(3), found[:, :3])  # more waves keep the first


def test_waves_are_sines_of_the_position():
    corner = np.array([[3.0, 50.0], [0.0, 0.0]], np.float32)
    found = waves(keras.ops.zeros((2, 5, 4, 7)), 8, 6, corner)
    assert found.shape == (2, 5, 4, 6)
    row, column = 2, 3
    for example, (top, left) in enumerate(corner):
        position = np.array([8 * row + top, 8 * column + left]) + START
        expected = np.sin(position @ vectors(6))
        np.testing.assert_allclose(found[example, row, column], expected, atol=1e-4)
    unmoved = waves(keras.ops.zeros((1, 5, 4, 7)), 8, 6)
    np.testing.assert_allclose(unmoved[0], found[1], atol=1e-6)


def test_a_run_from_before_there_were_waves_has_none():
    fields = to_dict(Config())
    del fields["network"]["waves"]
    assert from_dict(fields, "config.json").network.waves == 0
    assert from_dict(to_dict(Config()), "config.json").network.waves is None


def test_a_run_from_before_there_were_subpixel_convolutions_resizes():
    fields = to_dict(Config())
    del fields["network"]["upsampling"]
    assert from_dict(fields, "config.json").network.upsampling == "resize"
    assert from_dict(to_dict(Config()), "config.json").network.upsampling == "subpixel"


@pytest.mark.parametrize(("video", "expected"), [(False, 16), (True, 0)])
def test_a_network_for_video_has_no_waves(video, expected):
    assert resolved(Config(video=video)).network.waves == expected
    assert shape_of(Config(video=video), 2).waves == expected


@pytest.fixture(scope="module")
def old(files, tmp_path_factory):
    """A run from before there were waves or subpixel convolutions."""
    folder = tmp_path_factory.mktemp("old") / "run"
    network = NetworkConfig(width=4, depth=1, waves=0, upsampling="resize")
    train(tiny(files, "one.png", run_dir=folder, steps=1, network=network))
    about = runs.read_object(folder / runs.CONFIG)
    del about["config"]["network"]["waves"], about["config"]["network"]["upsampling"]
    write_json(folder / runs.CONFIG, about)
    return folder


def test_an_old_run_still_paints_and_can_be_resumed_and_extended(old, files):
    brush = apply.load(old)
    assert (brush.shape.waves, brush.shape.upsampling) == (0, "resize")
    assert brush.paint(Image.new("RGB", (32, 24))).shape == (24, 32, 3)
    for words in (("--resume", old, "--steps", "9"), ("--add-style", old, "--style", "two.png")):
        config = parse([*map(str, words)])
        if config.add_style is not None:
            config = dataclasses.replace(config, style=(files / "two.png",), training=TRAINING)
        validation.check(config)
        assert resolved(config).network == resolved(saved.read(old, "--run").config).network


def test_another_number_of_waves_than_that_of_the_extended_run_is_refused(old, files):
    network = NetworkConfig(width=4, depth=1)
    config = tiny(files, "two.png", add_style=old, network=network)
    with pytest.raises(
        InputError,
        match=r"0 waves and resize upsampling\nleave out --width, --depth, --set network\.w",
    ):
        validation.check(config)


def test_a_seed_without_waves_is_refused(old, files, tmp_path):
    photo = next((files / "photos").iterdir())
    words = ("--model", old, "--content", photo, "--out", tmp_path / "out.png", "--seed", "3")
    with pytest.raises(InputError, match=r"--seed 3: --model .* has no waves"):
        run_here("style_transfer.feedforward.paint", *words)
    assert not (tmp_path / "out.png").exists()
