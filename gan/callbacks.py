"""Keras callbacks that need a GAN: speed and quality figures, snapshots, checkpoints.

A Keras epoch is a tick here: a fixed number of images, not a pass over the data.
"""

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np
from PIL import Image
from tqdm import tqdm

from common import image_io, runs
from common.callbacks import is_better
from common.summaries import Events
from gan import evaluate, health, metrics
from gan.config import EVALUATED as FRECHET
from gan.config import UNEVALUATED as QUALITY
from gan.data import Pictures
from gan.model import GAN
from gan.sample import columns_for, draw, draw_latents, labels_in_turn

SPEED, EVALUATION = "speed/images_per_second", "speed/share_of_evaluation"
ALARMS, BY_HEART = "health/alarms", "health/by_heart"
ADDED_FIGURES, EVALUATED = (SPEED, QUALITY, *health.VITALS, ALARMS), (FRECHET, EVALUATION)


class Speed(keras.callbacks.Callback):
    """Adds `speed/images_per_second` of the tick to the logs."""

    def on_train_begin(self, logs=None):
        self.last = (time.perf_counter(), int(self.model.images_seen.numpy()))

    def on_epoch_end(self, epoch, logs=None):
        now, images = time.perf_counter(), int(self.model.images_seen.numpy())
        logs[SPEED] = (images - self.last[1]) / (now - self.last[0])
        self.last = (now, images)


class Quality(keras.callbacks.Callback):
    """Adds the sliced Wasserstein distance of fixed samples to fixed real pictures to the logs."""

    COUNT = 256

    def __init__(self, real: np.ndarray, labels: np.ndarray, latent_size: int, seed: int):
        """`real` is uint8 (N, H, W, C), `labels` (N,)."""
        super().__init__()
        self.real, self.labels = _some(real, labels, self.COUNT, seed)
        self.latents = draw_latents(len(self.real), latent_size, seed + 1)

    def on_epoch_end(self, epoch, logs=None):
        fake = draw(self.model.averaged_generator, self.latents, self.labels)
        logs[QUALITY] = metrics.sliced_wasserstein(self.real, image_io.to_signed(fake))


def _some(
    real: np.ndarray,
    labels: np.ndarray,
    count: int,
    seed: int,
    among: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """At most `count` of the pictures, uint8 (N, H, W, C), in [-1, 1], and their labels."""
    among = np.arange(len(real)) if among is None else among
    chosen = np.random.default_rng(seed).choice(among, min(count, len(among)), False)
    chosen.sort()
    return image_io.to_signed(real[chosen]), np.asarray(labels)[chosen]


class Evaluate(keras.callbacks.Callback):
    """Adds the Frechet distance of fixed samples of the averaged generator to some ticks' logs.

    It also adds the share of the training time that this takes, and puts off
    what would bring that above a tenth.
    """

    MOST = 0.1  # of the time

    def __init__(self, real: evaluate.RealSide, every_kimg: float, latent_size: int, seed: int):
        super().__init__()
        self.real, self.every = real, 1000.0 * every_kimg
        labels = real.pictures.labels[real.index]
        self.labels = np.random.default_rng(seed).permutation(labels)
        self.latents = draw_latents(len(labels), latent_size, seed + 2)
        self.spent, self.cost = 0.0, 0.0

    def on_train_begin(self, logs=None):
        self.began, self.last = time.perf_counter(), int(self.model.images_seen.numpy())

    def on_epoch_end(self, epoch, logs=None):
        images, started = int(self.model.images_seen.numpy()), time.perf_counter()
        due = images // self.every > self.last // self.every
        if not due or self.spent + self.cost > self.MOST * (started - self.began):
            return
        self.last = images
        fake = draw(self.model.averaged_generator, self.latents, self.labels)
        logs[FRECHET] = evaluate.frechet(self.real, fake)
        ended = time.perf_counter()
        self.cost = ended - started
        self.spent += self.cost
        logs[EVALUATION] = self.spent / (ended - self.began)


class Vitals(keras.callbacks.Callback):
    """Adds health.VITALS of fresh pictures, in the discriminator's own features, to the logs.

    The generator of now is drawn from, not its average, which collapses later.
    """

    COUNT = 128

    def __init__(self, real: np.ndarray, labels: np.ndarray, latent_size: int, seed: int):
        """`real` is uint8 (N, H, W, C), `labels` (N,)."""
        super().__init__()
        self.real, self.labels = _some(real, labels, self.COUNT, seed)
        self.latents = draw_latents(len(self.real), latent_size, seed + 3)

    def on_train_begin(self, logs=None):
        discriminator = self.model.discriminator
        names = [layer.name for layer in discriminator.layers]
        place = {"name": "features"} if "features" in names else {"index": -2}
        layer = discriminator.get_layer(**place)
        self.features = keras.Model(discriminator.inputs, layer.output)

    def on_epoch_end(self, epoch, logs=None):
        fake = image_io.to_signed(draw(self.model.generator, self.latents, self.labels))
        real, generated = self._features(self.real), self._features(fake)
        logs["health/spread"] = health.spread(real, generated)
        logs["health/neighbours"] = health.neighbours(real, generated)
        logs["health/class_entropy"] = health.class_entropy(
            self.real.reshape(len(fake), -1), self.labels, fake.reshape(len(fake), -1)
        )

    def _features(self, images: np.ndarray) -> np.ndarray:
        inputs = [images, self.labels][: len(self.features.inputs)]
        found = np.asarray(self.features(inputs, training=False), np.float32)
        return found.reshape(len(images), -1)


class Overfitting(keras.callbacks.Callback):
    """Adds health.by_heart to the logs and tells it the balance; in every process, as all need it.

    With fewer than ten pictures none is held out, and all count as known by heart.
    """

    COUNT = 128

    def __init__(
        self, pictures: Pictures, learnt: np.ndarray, held_out: np.ndarray, latent_size: int
    ):
        """`learnt` and `held_out` say which of `pictures` are learnt from and which not."""
        super().__init__()
        images, labels = pictures.images, pictures.labels
        self.learnt = _some(images, labels, self.COUNT, 0, among=learnt)
        self.held_out = _some(images, labels, self.COUNT, 0, among=held_out)
        self.latents = draw_latents(len(self.learnt[0]), latent_size, 0)

    def on_epoch_end(self, epoch, logs=None):
        logs[BY_HEART] = 1.0
        if len(self.held_out[0]):
            labels = self.learnt[1]
            fake = image_io.to_signed(draw(self.model.generator, self.latents, labels))
            shown = (self.learnt, self.held_out, (fake, labels))
            logs[BY_HEART] = health.by_heart(*(self._judge(*pictures) for pictures in shown))
        self.model.balance.learn(logs[BY_HEART])

    def _judge(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        inputs = self.model.with_labels(images, labels)
        return np.asarray(self.model.discriminator(inputs, training=False), np.float32)


class Alarm(keras.callbacks.Callback):
    """Says what health.Watch notices, in the terminal and TensorBoard, and acts on it.

    Adds `health/alarms`, how many have been raised so far, to the logs.

    Attributes:
        raised: what was noticed and when, for summary.json; survives a resume.
    """

    def __init__(self, events: Events, act: Callable[[str], str], state: Mapping[str, object]):
        """`act` is told the symptom's name and returns what it has done, as text."""
        super().__init__()
        self.events, self.act = events, act
        self.watch = health.Watch()
        self.watch.restore(state)
        self.raised: list[dict[str, object]] = list(state["alarms"])

    def state(self) -> dict[str, object]:
        return {**self.watch.state(), "alarms": self.raised}

    def on_epoch_end(self, epoch, logs=None):
        images = int(self.model.images_seen.numpy())
        for name in self.watch.look(logs) if images >= health.WARMUP else ():
            message = health.describe(name, images)
            done = self.act(name)
            tqdm.write(f"{message}\n{done}" if done else message)
            self.events.text("health/alarm", f"{message}\n\n{done}", step=images)
            self.raised.append(
                {"images": images, "symptom": name, "advice": health.SYMPTOMS[name].advice}
            )
        logs[ALARMS] = len(self.raised)


class Log(keras.callbacks.Callback):
    """Writes the logs of every tick to metrics.jsonl and TensorBoard, and histograms on request."""

    def __init__(self, folder: Path, events: Events, histograms: bool):
        super().__init__()
        self.folder, self.events, self.histograms = folder, events, histograms

    def on_epoch_end(self, epoch, logs=None):
        images = int(self.model.images_seen.numpy())
        figures = {name: float(value) for name, value in logs.items()}
        if not all(map(math.isfinite, figures.values())):
            return  # the run has diverged and been set back; summary.json says so
        runs.append_metrics(self.folder, {"images": images, **figures})
        self.events.scalars(figures, step=images)
        if self.histograms:
            networks = (self.model.generator, self.model.discriminator)
            variables = [v for network in networks for v in network.trainable_variables]
            self.events.histograms(variables, step=images)


class Snapshots(keras.callbacks.Callback):
    """Grids of the averaged generator on fixed latents, and at the end their animation.

    Every tick at first, then ever more rarely (each 3 % of the run so far), so
    that a long run does not drown in pictures and the animation slows down as
    the pictures do.
    """

    EVERY = 40  # the first so many ticks each leave a picture

    def __init__(self, folder: Path, events: Events, classes: int, latent_size: int, seed: int):
        super().__init__()
        self.folder, self.events = folder / "samples", events
        count = min(144, classes * math.ceil(100 / classes)) if classes else 100
        self.columns = columns_for(count, classes)
        self.latents = draw_latents(count, latent_size, seed)
        self.labels = labels_in_turn(count, classes)
        self.tick = 0

    def on_train_begin(self, logs=None):
        if int(self.model.images_seen.numpy()) == 0:
            self._write()

    def on_epoch_end(self, epoch, logs=None):
        self.tick = epoch + 1
        if self.tick <= self.EVERY or _growth(self.tick) > _growth(self.tick - 1):
            self._write()

    def on_train_end(self, logs=None):
        """Also the last state, and the animation from the files, those before a resume included."""
        latest = self._write()
        image_io.write_image(self.folder.parent / "latest.png", latest)
        images = int(self.model.images_seen.numpy())
        paths = [p for p in sorted(self.folder.glob("[0-9]*.png")) if int(p.stem) <= images]
        frames = [image_io.to_array(Image.open(path)) for path in paths]
        image_io.write_animation(self.folder.parent / "training.gif", frames)

    def _write(self) -> np.ndarray:
        images = int(self.model.images_seen.numpy())
        sheet = image_io.grid(
            draw(self.model.averaged_generator, self.latents, self.labels), self.columns
        )
        image_io.write_image(self.folder / f"{images:012d}.png", sheet)
        self.events.picture("samples/fixed_latents", sheet, step=images)
        return sheet


def _growth(tick: int) -> int:
    return int(math.log(tick) / math.log(1.03))


class SaveCheckpoints(keras.callbacks.Callback):
    """Saves the whole state each tick, and keeps the best by one figure.

    Until that figure has a value, the last is the best. A state with a non-finite
    weight is never saved.
    """

    def __init__(
        self,
        checkpoints: runs.Checkpoints,
        monitor: str,
        mode: str,
        state: Callable[[], Mapping[str, object]],
        best: float | None = None,
    ):
        """`state` returns what must survive beside the variables; `best` is the best so far."""
        super().__init__()
        self.checkpoints, self.monitor, self.mode = checkpoints, monitor, mode
        self.state, self.best = state, best

    def on_train_begin(self, logs=None):
        if not self.checkpoints.paths("last"):
            self._save()

    def on_epoch_end(self, epoch, logs=None):
        if not all(np.isfinite(value.numpy()).all() for value in self.model.weights):
            return
        value = logs.get(self.monitor)
        first = self.best is None
        better = value is not None and (first or is_better(value, self.best, self.mode))
        if better:
            self.best = float(value)
        path = self._save()
        if better or first:
            self.checkpoints.promote(path)

    def _save(self) -> Path:
        return self.checkpoints.save(
            "last",
            int(self.model.images_seen.numpy()),
            checkpoint_variables(self.model),
            {**self.state(), "best": self.best},
        )


def go_back(gan: GAN, arrays: Mapping[str, np.ndarray]) -> None:
    """Gives networks and optimizers the values of a checkpoint; clock, chance and balance stay."""
    kept = [gan.images_seen, gan.seed.state, *gan.balance.variables]
    values = [variable.numpy() for variable in kept]
    runs.assign(checkpoint_variables(gan), arrays)
    for variable, value in zip(kept, values, strict=True):
        variable.assign(value)


def checkpoint_variables(gan: GAN) -> list[keras.Variable]:
    """All that decides how a run goes on: networks, average, balance, streams, both optimizers."""
    return [
        *gan.variables,
        *gan.generator_optimizer.variables,
        *gan.discriminator_optimizer.variables,
    ]
