import keras
import numpy as np
import pytest
import tensorflow as tf

from gan.build import build_gan, compile_gan
from gan.callbacks.growth import AcrossStages
from gan.config import Config, NetworkConfig
from gan.networks.base import ImageSpec


class Record(keras.callbacks.Callback):
    """Records its calls, and ends training in an epoch."""

    def __init__(self, last):
        super().__init__()
        self.last, self.calls = last, []

    def on_train_begin(self, logs=None):
        self.calls.append("begin")

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append((epoch, self.model.current.side, self.model.stop_training))
        if epoch == self.last:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        self.calls.append("end")


def fit(last):
    """Train on batches of 4 images: 8 of 8 px, then 16 px."""
    networks = NetworkConfig("progressive", latent_size=4, width=2, options=("first=8",))
    config = Config(networks=networks, precision="float32")
    gan = build_gan(config, ImageSpec(16, 16, 1))
    compile_gan(gan, config)
    record = Record(last)
    callbacks = AcrossStages([record], gan, lambda: int(gan.images_seen) / 20)  # 40 % of 20: 8
    while True:
        side = gan.current.side
        images = np.zeros((4, side, side, 1), np.float32)
        stream = tf.data.Dataset.from_tensors((images, np.zeros(4, np.int32))).repeat()
        epoch = int(gan.images_seen) // 12
        gan.fit(stream, epochs=9, steps_per_epoch=3, initial_epoch=epoch, callbacks=callbacks,
                shuffle=False, verbose=0)  # fmt: skip
        if not callbacks.growing:
            return gan, record.calls


@pytest.mark.slow
def test_callbacks_see_one_training_and_no_end_between_the_stages():
    gan, calls = fit(last=2)
    assert gan.grown == [8]
    assert calls == ["begin", (0, 16, False), (0, 16, False), (1, 16, False), (2, 16, False), "end"]


def test_a_callback_can_end_the_run_while_it_grows():
    gan, calls = fit(last=0)
    assert calls == ["begin", (0, 16, False), "end"]
    assert int(gan.images_seen) == 8
