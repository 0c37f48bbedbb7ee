"""A painting, photos and a trained run, all tiny."""

import keras
import numpy as np
import pytest
from PIL import Image

from common import runs
from common.checkpoints import Checkpoints
from style_transfer import demo
from style_transfer.feedforward import network
from style_transfer.feedforward.config import to_dict
from style_transfer.feedforward.fit import train
from style_transfer.feedforward.network import Shape
from style_transfer.feedforward.palettes import StylePalette
from tests.style_transfer.feedforward.tiny import tiny


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """A folder with two paintings and a folder of three photos."""
    folder = tmp_path_factory.mktemp("feedforward")
    (folder / "photos").mkdir()
    random = np.random.default_rng(0)
    for name, seed in (("one.png", 0), ("two.png", 1)):
        Image.fromarray(demo.painting(64, seed)).save(folder / name)
    for number in range(3):
        coarse = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((96, 72)).save(folder / "photos" / f"{number}.png")
    return folder


@pytest.fixture(scope="session")
def untrained(files, tmp_path_factory):
    """The folder of a run with two styles whose weights are random, in a moment."""
    folder = tmp_path_factory.mktemp("runs") / "random"
    config = tiny(files, "one.png", "two.png")
    keras.utils.set_random_seed(0)
    found = network.build(Shape(config.network.width, config.network.depth, 2))
    random = np.random.default_rng(0)
    for variable in found.weights:
        variable.assign(variable + 0.1 * random.normal(size=variable.shape))
    names = ["one.png", "two.png"]
    paintings = [np.asarray(Image.open(files / name)) for name in names]
    palettes = [StylePalette.of(each, 1.0).state() for each in paintings]
    data = {"styles": names, "palettes": palettes, "photos": 3, "fingerprint": ""}
    folder.mkdir()
    runs.write_config(folder, to_dict(config), data=data, machine={"precision": "float32"})
    Checkpoints(folder).save("last", 20, found.weights, {"elapsed": 1.0})
    return folder


@pytest.fixture(scope="session")
def trained(files, tmp_path_factory):
    """The folder of a run with two styles."""
    folder = tmp_path_factory.mktemp("runs") / "two"
    train(tiny(files, "one.png", "two.png", run_dir=folder, steps=7))
    return folder
