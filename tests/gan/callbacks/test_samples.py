from types import SimpleNamespace

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from common.summaries import SummaryWriter
from gan.callbacks.samples import Snapshots


def constant_generator(value):
    latent = keras.Input((4,))
    image = keras.layers.Reshape((2, 2, 1))(latent)
    return keras.Model(latent, keras.layers.Rescaling(0.0, offset=value)(image))


def test_snapshots_become_rarer_and_end_in_an_animation(tmp_path):
    snapshots = Snapshots(tmp_path, SummaryWriter(tmp_path), classes=0, latent_size=4, seed=0)
    model = SimpleNamespace(ema_generator=constant_generator(1.0), images_seen=tf.constant(0))
    snapshots.set_model(model)
    snapshots.on_train_begin()
    for tick in range(100):
        model.images_seen = tf.constant(tick + 1)
        snapshots.on_epoch_end(tick, {})
    written = sorted(int(path.stem) for path in (tmp_path / "samples").iterdir())
    assert written[:41] == list(range(41))
    assert 41 < len(written) < 80
    assert max(np.diff(written)) > 1
    snapshots.on_train_end()
    assert (tmp_path / "samples" / f"{100:012d}.png").exists()
    with Image.open(tmp_path / "latest.png") as latest:
        assert np.asarray(latest).max() == 255
    with Image.open(tmp_path / "training.gif") as animation:
        assert animation.format == "GIF"


def test_a_damaged_grid_is_left_out_of_the_animation(tmp_path):
    snapshots = Snapshots(tmp_path, SummaryWriter(tmp_path), classes=0, latent_size=4, seed=0)
    model = SimpleNamespace(ema_generator=constant_generator(1.0), images_seen=tf.constant(0))
    snapshots.set_model(model)
    snapshots.on_train_begin()
    folder = tmp_path / "samples"
    (folder / f"{1:012d}.png").write_bytes((folder / f"{0:012d}.png").read_bytes()[:-30])
    (folder / "1 copy.png").write_bytes(b"")
    Image.new("L", (9, 9)).save(folder / f"{2:012d}.png")
    model.images_seen = tf.constant(3)
    model.ema_generator = constant_generator(0.0)
    snapshots.on_train_end()
    with Image.open(tmp_path / "training.gif") as animation:
        assert animation.n_frames == 2


def test_every_class_has_its_column(tmp_path):
    snapshots = Snapshots(tmp_path, SummaryWriter(tmp_path), classes=10, latent_size=4, seed=0)
    assert snapshots.columns == 10
    assert snapshots.labels.tolist() == 10 * list(range(10))
