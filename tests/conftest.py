"""Fixtures shared by the tests, and a TensorFlow without its start-up messages."""

import gc

import numpy as np
import pytest
from PIL import Image

from common import cli

cli.import_tensorflow()
import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})  # tiny graphs
gc.freeze()  # what is imported stays
gc.disable()  # `_collect` does it, at better times


@pytest.fixture(scope="session")
def blobs(tmp_path_factory):
    """A folder of 64 gray 16x16 images: bright squares at random places."""
    folder = tmp_path_factory.mktemp("blobs")
    random = np.random.default_rng(0)
    for index in range(64):
        image = np.zeros((16, 16), np.uint8)
        top, left = random.integers(2, 9, size=2)
        image[top : top + 5, left : left + 5] = 255
        Image.fromarray(image).save(folder / f"{index:03d}.png")
    return folder


@pytest.fixture(autouse=True)
def _collect():
    """Free the graphs of a test: to collect those of 20 runs at once takes 20 s."""
    yield
    if gc.get_count()[0] > 50_000:  # objects since the last time
        gc.collect()


@pytest.fixture(autouse=True)
def _float32():
    """Start every test from float32: the precision is global in Keras."""
    keras.config.set_dtype_policy("float32")
