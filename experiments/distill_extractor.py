"""Can a small network stand in for VGG-19, for style?

    python -m experiments.distill_extractor --teacher vgg19 --pictures FOLDER
    python -m experiments.distill_extractor --teacher WEIGHTS.npz --pictures FOLDER --steps 5000

Trains the embedded extractor (`common.compact.student`) to predict the first
five layers of VGG-19 through linear heads, on crops of a folder of pictures and
on generated textures. Only the student is trained by gradients. The heads are
the solution of a linear regression on running averages of second moments,
renewed at every step (variable projection: Golub and Pereyra 1973), which
reaches in 300 steps what gradients on the heads do not reach in 600.

About 17 minutes for 5,000 steps on two cores with bfloat16. Every eighth picture
is held out; the relative errors on them are printed and go into the card beside
the weights. Curves: TensorBoard over runs/.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common import cli, npz, runs
from common import images as image_io
from common.distribution import devices
from common.errors import InputError
from common.files import atomic_path, write_bytes
from style_transfer.validation import check_extractor

WIDTHS = {"conv1": 48, "conv2": 64, "conv3": 64, "conv4": 128}
HELD_OUT = 8  # every so manyth picture is never trained on
# Pixels of the longer side that crops are taken at.
SIDES = (800, 640, 500, 400, 320, 250, 200, 160, 128)


@dataclass(frozen=True)
class LessonConfig:
    """What a student is taught from."""

    pictures: Path
    """A folder of photographs and paintings."""
    teacher: str = "vgg19"
    """vgg19, through Keras, or a file of its weights."""
    batch_size: int = 16
    """Crops a step."""
    crop: int = 96
    """Pixels of their sides."""
    seed: int = 0
    """Of crops, textures and initial weights."""
    run_dir: Path | None = None
    """TensorBoard's events; runs/distill-DATE-TIME by default."""


@dataclass(frozen=True)
class DistillConfig(LessonConfig):
    """Distils the compact extractor from a VGG-19."""

    steps: int = 5000
    """Training steps."""
    learning_rate: float = 0.01
    """Adam's highest; it falls to zero along a cosine."""
    start: Path | None = None
    """Weights to go on from, instead of random ones."""
    out: Path = Path("common/weights/compact.npz")
    """The weights; the card goes beside them."""


def load_pictures(folder: Path, least: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """All pictures of a folder at several sizes, uint8: those to learn from, those held out.

    Args:
        least: pixels of the shorter side.

    Raises:
        InputError: there is no such folder, or too little in it.
    """
    if not folder.is_dir():
        raise InputError(f"--pictures {folder}: no such folder")
    paths = image_io.image_files(folder)
    if len(paths) < HELD_OUT:
        raise InputError(f"--pictures {folder}: expected at least {HELD_OUT}, found {len(paths)}")
    learnt, held = [], []
    for index, path in enumerate(paths):
        picture = image_io.read_image(path, channels=3)
        for side in SIDES:
            scale = min(1.0, side / max(picture.size))
            size = tuple(max(least, round(scale * pixels)) for pixels in picture.size)
            into = held if index % HELD_OUT == HELD_OUT - 1 else learnt
            into.append(np.asarray(image_io.resize(picture, size)))
    return learnt, held


def texture(random: np.random.Generator, side: int) -> np.ndarray:
    """White noise, coloured noise, gratings or strokes: float (side, side, 3)."""
    y, x = np.mgrid[:side, :side]
    kind = random.integers(4)
    if kind == 0:
        return random.random((side, side, 3))
    if kind == 1:
        frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)) + 1 / side
        spectrum = np.fft.fft2(random.normal(size=(3, side, side)))
        noise = np.fft.ifft2(spectrum / frequency ** random.uniform(0.5, 2.5)).real
        noise = noise.transpose(1, 2, 0) @ random.normal(size=(3, 3))
        return random.random(3) + random.uniform(0.05, 0.4) * noise / noise.std()
    if kind == 2:
        waves = np.zeros((side, side, 3)) + random.random(3)
        for _ in range(random.integers(1, 5)):
            angle, frequency = random.uniform(0, np.pi), random.uniform(0.02, 0.5)
            phase = 2 * np.pi * (frequency * (x * np.cos(angle) + y * np.sin(angle)))
            wave = np.tanh(random.uniform(0.5, 6) * np.sin(phase + random.uniform(0, 2 * np.pi)))
            waves += 0.3 * wave[..., None] * random.normal(size=3)
        return waves
    canvas = np.zeros((side, side, 3)) + random.random(3)
    for _ in range(random.integers(10, 120)):
        angle, (across, down) = random.uniform(0, np.pi), random.uniform(0, side, 2)
        along = (x - across) * np.cos(angle) + (y - down) * np.sin(angle)
        aside = (y - down) * np.cos(angle) - (x - across) * np.sin(angle)
        stroke = (np.abs(along) < random.uniform(3, 30)) & (np.abs(aside) < random.uniform(0.7, 5))
        canvas[stroke] = random.random(3)
    return canvas


def crop(picture: np.ndarray, random: np.random.Generator, side: int) -> np.ndarray:
    """A random square of uint8 (H, W, 3), as floats in [0, 1]."""
    top, left = (random.integers(pixels - side + 1) for pixels in picture.shape[:2])
    return picture[top : top + side, left : left + side] / 255.0


def batches(pictures: list[np.ndarray], config: LessonConfig) -> Iterator[np.ndarray]:
    """Endless float32 (B, side, side, 3) in [0, 1]: one crop in five is a generated texture.

    Crops are turned, their channels shuffled, their contrast changed, two laid
    over each other, noise added: what a picture goes through while it is optimised.
    """
    random = np.random.default_rng(config.seed)
    textures = [np.clip(texture(random, config.crop), 0.0, 1.0) for _ in range(400)]

    def draw() -> np.ndarray:
        if random.random() < 0.2:
            return textures[random.integers(len(textures))]
        return crop(pictures[random.integers(len(pictures))], random, config.crop)

    def example() -> np.ndarray:
        image = np.rot90(draw(), random.integers(4))
        if random.random() < 0.5:
            image = image[:, ::-1]
        if random.random() < 0.3:
            image = image[..., random.permutation(3)]
        if random.random() < 0.5:
            mean = image.mean(axis=(0, 1))
            image = (image - mean) * random.uniform(0.3, 1.8) + mean + random.normal(0, 0.1, 3)
        if random.random() < 0.3:
            share = random.uniform(0.2, 0.8)
            image = share * image + (1 - share) * draw()
        if random.random() < 0.5:
            image = image + random.normal(0, random.uniform(0, 0.15), image.shape)
        return np.clip(image, 0.0, 1.0)

    while True:
        yield np.stack([example() for _ in range(config.batch_size)]).astype(np.float32)


def datasets(learnt: list[np.ndarray], held: list[np.ndarray], config: LessonConfig):
    """An iterator over batches, the same as a tf.data stream, and batches of what was held out."""
    import tensorflow as tf

    source = batches(learnt, config)
    shape = (config.batch_size, config.crop, config.crop, 3)
    stream = tf.data.Dataset.from_generator(
        lambda: source, output_signature=tf.TensorSpec(shape, tf.float32)
    ).prefetch(4)
    random = np.random.default_rng(config.seed + 1)
    test = np.stack([crop(picture, random, config.crop) for picture in held]).astype(np.float32)
    test = tf.data.Dataset.from_tensor_slices(test).batch(config.batch_size, drop_remainder=True)
    return source, stream, test


def adam(highest: float, steps: int):
    """Adam whose rate warms up and then falls to nearly zero along a cosine."""
    import keras

    rate = keras.optimizers.schedules.CosineDecay(
        0.02 * highest, steps, warmup_target=highest, warmup_steps=min(50, steps // 2)
    )
    return keras.optimizers.Adam(rate, beta_1=0.9, beta_2=0.99)


def fit(model, stream, steps: int, folder: Path, **kwargs: object) -> None:
    """`steps` steps on a stream of batches, with a line and TensorBoard's curves every 200."""
    import keras

    every = min(200, steps)
    curves = keras.callbacks.TensorBoard(folder)
    epochs = steps // every
    model.fit(stream, steps_per_epoch=every, epochs=epochs, callbacks=[curves], verbose=2, **kwargs)


def build(teacher, dtype: str, steps: int, learning_rate: float, side: int):
    """The student and its heads as a Keras model that learns from batches of pictures."""
    import keras
    import tensorflow as tf

    from common.extractors.compact import TAPS, student

    def second_moments(narrow: tf.Tensor, wide: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """E[f f^T] and E[f y^T] of activations with a one appended to f, float32."""
        narrow = tf.reshape(narrow, (-1, narrow.shape[-1]))
        narrow = tf.concat([narrow, tf.ones_like(narrow[:, :1])], axis=1)  # (N, C + 1)
        wide = tf.reshape(wide, (-1, wide.shape[-1]))  # (N, P T)
        count = tf.cast(tf.shape(wide)[0], tf.float32)
        return tuple(
            tf.cast(tf.matmul(narrow, other, transpose_a=True), tf.float32) / count
            for other in (narrow, wide)
        )

    class Distillation(keras.Model):
        MEMORY = 0.95  # of the running averages, per step
        RIDGE = 1e-4  # in units of the mean square of the student's activations

        def __init__(self):
            super().__init__()
            channels, self.kernels = 12, {}
            scale = keras.initializers.HeNormal(seed=0)
            for name, width in WIDTHS.items():
                self.kernels[name] = self.add_weight(
                    shape=(3, 3, channels, width), initializer=scale, name=name
                )
                self.kernels[f"{name}/bias"] = self.add_weight(shape=(width,), name=f"{name}_bias")
                channels = width
            self.own, self.cross, self.heads, self.phases = {}, {}, {}, {}
            wide = teacher(tf.zeros((1, side, side, 3)))
            narrow = self.narrow(tf.zeros((1, side, side, 3)))
            for layer, tap in TAPS.items():
                finer = wide[layer].values.shape[1] // narrow[tap].shape[1]
                rows, columns = WIDTHS[tap] + 1, finer**2 * wide[layer].values.shape[-1]
                self.phases[layer] = finer
                for group, shape in (
                    (self.own, (rows, rows)),
                    (self.cross, (rows, columns)),
                    (self.heads, (rows, columns)),
                ):
                    group[layer] = self.add_weight(
                        shape=shape, initializer="zeros", trainable=False, name=layer
                    )
            self.built = True

        def narrow(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
            return student(images, {k: tf.cast(v.value, dtype) for k, v in self.kernels.items()})

        def both(self, images: tf.Tensor) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
            """Per layer: the student's activations, and the teacher's on the student's grid."""
            wide, narrow, pairs = teacher(images), self.narrow(images), {}
            for layer, tap in TAPS.items():
                values = wide[layer].values
                if self.phases[layer] > 1:
                    values = tf.nn.space_to_depth(values, self.phases[layer])
                pairs[layer] = (narrow[tap], values)
            return pairs

        def errors(self, pairs) -> dict[str, tf.Tensor]:
            """Per layer the mean squared error in units of the teacher's mean square."""
            found = {}
            for layer, (narrow, wide) in pairs.items():
                head = tf.cast(self.heads[layer].value, narrow.dtype)
                guess = tf.cast(tf.tensordot(narrow, head[:-1], axes=1) + head[-1], tf.float32)
                wide = tf.cast(wide, tf.float32)
                error = tf.reduce_mean(tf.square(guess - wide))
                found[layer] = error / tf.reduce_mean(tf.square(wide))
            return found

        def learn_heads(self, pairs) -> None:
            for layer, (narrow, wide) in pairs.items():
                fresh = second_moments(narrow, wide)
                for average, value in zip((self.own, self.cross), fresh, strict=True):
                    average[layer].assign(
                        self.MEMORY * average[layer].value + (1.0 - self.MEMORY) * value
                    )
                own = self.own[layer].value
                rows = own.shape[0]
                ridge = self.RIDGE * tf.linalg.trace(own) / rows * tf.eye(rows)
                self.heads[layer].assign(tf.linalg.solve(own + ridge, self.cross[layer].value))

        def train_step(self, images):
            with tf.GradientTape() as tape:
                pairs = self.both(images)
                errors = self.errors(pairs)
                loss = tf.add_n(list(errors.values()))
            variables = self.trainable_variables
            self.optimizer.apply(tape.gradient(loss, variables), variables)
            self.learn_heads(pairs)
            return {"loss": loss, **errors}

        def test_step(self, images):
            return self.errors(self.both(images))

        @property
        def metrics(self):
            return []

    model = Distillation()
    model.compile(optimizer=adam(learning_rate, steps))
    return model


def refine_heads(model, source: Iterator[np.ndarray], count: int) -> None:
    """Solves for the heads once more on `count` batches that the student no longer changes on."""
    import tensorflow as tf

    model.MEMORY, model.RIDGE = 0.99, 1e-6
    learn = tf.function(lambda images: model.learn_heads(model.both(images)))
    for _ in range(count):
        learn(tf.constant(next(source)))


def write(model, config: DistillConfig, errors: dict[str, float], minutes: float) -> None:
    arrays = {name: weight.numpy() for name, weight in model.kernels.items()}
    for layer, head in model.heads.items():
        places = model.phases[layer] ** 2
        arrays[layer] = head.numpy().reshape(head.shape[0], places, -1)
    widths, layers = ", ".join(map(str, WIDTHS.values())), ", ".join(model.heads)
    start = ", from the weights of an earlier run" if config.start else ""
    publish(
        arrays,
        config.out,
        "CARD.md",
        CARD,
        errors={layer: f"{error:.3f}" for layer, error in errors.items()},
        config=config,
        widths=widths,
        layers=layers,
        start=start,
        minutes=minutes,
    )


def publish(
    arrays: dict[str, np.ndarray],
    out: Path,
    card: str,
    text: str,
    errors: dict[str, str],
    config: LessonConfig,
    **facts: object,
) -> None:
    """Writes the weights in half precision, and beside them `card`: `text` with its facts."""
    with atomic_path(out) as temporary:
        np.savez_compressed(temporary, **{k: v.astype(np.float16) for k, v in arrays.items()})
    filled = (text + SHARED).format(
        numbers=sum(values.size for values in arrays.values()),
        kib=out.stat().st_size // 1024,
        teacher=Path(config.teacher).name,
        date=time.strftime("%Y-%m-%d"),
        errors="\n".join(f"| {layer} | {error} |" for layer, error in errors.items()),
        config=config,
        **facts,
    )
    write_bytes(out.with_name(card), filled.encode())


CARD = """# The compact extractor

A student of VGG-19 for style transfer and for the distances between sets of pictures.

- **Architecture**: pictures in [0, 1] minus 0.45, four pixels to one place of twelve channels,
  then 3x3 convolutions with ReLU of {widths} channels, a 2x2 maximum before the last
  (`common/compact.py`). Linear heads read VGG-19's {layers} from them.
  {numbers:,} numbers, stored as float16: {kib} KiB.
- **Teacher**: VGG-19 (Simonyan and Zisserman 2015, CC BY 4.0), {teacher}.
- **Training**: `experiments/distill_extractor.py`, {config.steps} steps of
  {config.batch_size} crops{start}, Adam at most {config.learning_rate:g}, {minutes:.0f} minutes on
  two cores, {date}.
"""
SHARED = """\
- **Data**: crops of {config.crop} pixels from a folder of photographs and paintings, an eighth of
  them held out, and generated noise, gratings and strokes. No picture is contained in the weights.
- **Licence**: CC BY 4.0, as the teacher's.

Mean squared error on crops of held-out pictures, in units of the teacher's mean square:

| layer | error |
|---|---|
{errors}
"""


def main() -> int:
    config = cli.parse(DistillConfig, "python -m experiments.distill_extractor", None)
    check_extractor(config.teacher)
    learnt, held = load_pictures(config.pictures, config.crop)
    cli.import_tensorflow()
    import keras

    from style_transfer import extractors

    keras.utils.set_random_seed(config.seed)
    dtype = devices.resolve_precision("auto")
    teacher = extractors.load(config.teacher, dtype=dtype)
    model = build(teacher, dtype, config.steps, config.learning_rate, config.crop)
    folder = runs.create(config.run_dir, "distill")
    source, stream, test = datasets(learnt, held, config)
    started = time.perf_counter()
    if config.start:
        arrays = npz.read(config.start)
        for name, weight in model.kernels.items():
            weight.assign(npz.take(config.start, arrays, name, weight.shape))
    refine_heads(model, source, 20)
    model.MEMORY, model.RIDGE = type(model).MEMORY, type(model).RIDGE
    fit(model, stream, config.steps, folder, validation_data=test)
    refine_heads(model, source, 300)
    errors = evaluate(lambda images: model.errors(model.both(images)), test)
    write(model, config, errors, (time.perf_counter() - started) / 60)
    print({layer: round(error, 3) for layer, error in errors.items()})
    print(f"weights: {config.out}, card beside them; curves: tensorboard --logdir {folder}")
    return 0


def evaluate(errors, test) -> dict[str, float]:
    """What `errors` finds in every layer, averaged over the batches of `test`."""
    found = [errors(images) for images in test]
    return {layer: float(np.mean([batch[layer] for batch in found])) for layer in found[0]}


if __name__ == "__main__":
    cli.run(main)
