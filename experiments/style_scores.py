"""Compare extractors in style transfer: losses seen by a judge, and times alternately."""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean, median

import keras
import numpy as np
import tensorflow as tf
from PIL import Image
from tqdm import tqdm

from common import fast
from common import images as image_io
from common.distribution import devices
from common.extractors import compact
from experiments import report
from experiments.bench.style import whole_vgg
from style_transfer import extractors
from style_transfer.config import Config
from style_transfer.extractors import Extractor
from style_transfer.image_model import StyledImage
from style_transfer.objective import Objective
from style_transfer.optimize import paint
from style_transfer.plan import choose_weights
from style_transfer.prepare import prepare

KINDS = ("style", "content")


def compare_pairs(
    pairs: Sequence[tuple[Path, Path]], config: Config, name: str, save: Path | None
) -> list[dict]:
    """Stylize pairs through a teacher and through `compact`, and measure the results.

    Args:
        pairs: Files of content and style.
        config: The same for both.
        name: The teacher, as `style_transfer.extractors.load` takes it. Its layers
            that compact predicts are used, and its features measure both.
        save: Folder for the images, or None.

    Returns:
        For each pair {"content": ..., "style": ..., "teacher": scores, "compact":
        scores} with "style_loss", "content_loss" and "seconds".
    """
    dtype = devices.resolve_precision("auto")
    layers = tuple(compact.TAPS)  # without the deep layers, which have another teacher
    judge, teacher, student = (
        dataclasses.replace(extractors.load(each, dtype=precision), layers=layers)
        for each, precision in ((name, "float32"), (name, dtype), ("compact", dtype))
    )
    rows = []
    for paths in tqdm(pairs, desc="pairs"):
        pair = [image_io.as_image(path) for path in paths]
        row = dict(zip(("content", "style"), (path.stem for path in paths), strict=True))
        for painter, extractor in (("teacher", teacher), ("compact", student)):
            image, levels = paint(*pair, config, extractor=extractor)
            style, content = losses(image[..., :3], *pair, config, judge)
            seconds = sum(level.seconds for level in levels)
            row[painter] = {"style_loss": style, "content_loss": content, "seconds": seconds}
            if save:
                path = save / f"{row['content']}-{row['style']}-{painter}.png"
                image_io.write_image(path, image_io.from_unit(image))
        rows.append(row)
    return rows


def show(rows: Sequence[dict]) -> None:
    """Print the scores of compact over the teacher's."""
    metrics = list(rows[0]["compact"])
    ratios = {m: [row["compact"][m] / row["teacher"][m] for row in rows] for m in metrics}
    lines = {
        f"{row['content'][:16]} + {row['style'][:16]}": [f"{ratios[m][i]:.2f}" for m in metrics]
        for i, row in enumerate(rows)
    }
    for name, summary in (("median", median), ("mean", mean), ("worst", max)):
        lines[name] = [f"{summary(ratios[m]):.2f}" for m in metrics]
    report.table("compact over teacher", metrics, lines)


def losses(
    image: np.ndarray, content: Image.Image, style: Image.Image, config: Config, judge: Extractor
) -> tuple[float, float]:
    """Compute the unweighted style and content loss of an image (H, W, 3) in [0, 1]."""
    weights = choose_weights(config, judge)
    weights = dataclasses.replace(weights, content=dict.fromkeys(weights.content, 1.0))
    goal, references = prepare(content, [style], image.shape[1::-1], config, palette=False)
    objective = Objective(
        judge, tf.constant(goal[None]), [(tf.constant(references[0][None]), 1.0)], weights
    )
    terms = {name: float(value[0]) for name, value in objective(tf.constant(image[None])).items()}
    return tuple(
        sum(value for name, value in terms.items() if name.startswith(f"{kind}/")) for kind in KINDS
    )


def iterations(extractor: Extractor, config: Config) -> Callable[[], None]:
    """Return a function that runs as many iterations as `stylize` between two checks."""
    random, size = np.random.default_rng(0), config.size
    goal, style = random.random((2, 1, size * 3 // 4, size, 3), np.float32)
    objective = Objective(
        extractor, tf.constant(goal), [(tf.constant(style), 1.0)], choose_weights(config, extractor)
    )
    model: keras.Model = StyledImage(goal, objective)
    model.compile(
        fast.adam("fast")(config.optimization.learning_rate, beta_1=0.9, beta_2=0.99),
        steps_per_execution=StyledImage.EXECUTION,
    )
    execute = model.make_train_function()
    execute(None)  # traces
    return lambda: execute(None)


def times_by_turns(
    painters: Mapping[str, Extractor], config: Config, rounds: int
) -> dict[str, float]:
    """Measure the median seconds of an iteration with each extractor, alternately."""
    executions = {name: iterations(extractor, config) for name, extractor in painters.items()}
    seconds: dict[str, list[float]] = {name: [] for name in executions}
    for _ in range(rounds):
        for name, execute in executions.items():
            started = time.perf_counter()
            execute()
            seconds[name].append((time.perf_counter() - started) / StyledImage.EXECUTION)
    return {name: median(values) for name, values in seconds.items()}


def compare_times(name: str, config: Config, rounds: int) -> dict[str, dict[str, float]]:
    """Time and print an iteration of compact, its reference, a teacher and the whole VGG-19.

    Args:
        name: The teacher.
        config: Names the size.
        rounds: Turns of each extractor.

    Returns:
        {precision: {extractor: seconds}}.
    """
    times = {}
    for precision in dict.fromkeys((devices.resolve_precision("auto"), "float32")):
        embedded = extractors.load("compact", dtype=precision)
        timed = {
            "teacher's five layers": extractors.load(name, dtype=precision),
            "compact": embedded,
            "compact's reference": embedded.reference,
            "VGG-19 to relu5_1": whole_vgg(precision),
        }
        times[precision] = times_by_turns(timed, config, rounds)
        lines = {
            extractor: [f"{1000 * seconds:.1f}", f"{seconds / times[precision]['compact']:.2f}"]
            for extractor, seconds in times[precision].items()
        }
        report.table(f"an iteration in {precision}", ["ms", "over compact"], lines)
    return times
