"""How near does the embedded extractor come to VGG-19, and how much sooner?

    python -m experiments.beside_the_teacher --teacher WEIGHTS.npz --pictures FOLDER

For ten pairs of pictures that the extractor was not trained on: one
stylization by the teacher's own five layers and one by `compact`, which refines
through its reference, with the same objective and the same iterations, both
measured in the teacher's features. Then the time of an iteration of each, and of
the whole VGG-19 to relu5_1, taking turns. Wanted: at most 1.3 times the
teacher's style loss at no more content loss; at least 3 times as fast as the
five layers and 6 times as fast as the whole. About 8 minutes on two cores with
bfloat16; writes runs/teacher.json.
"""

import dataclasses
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common import cli
from common import images as image_io
from common.distribution import devices
from common.errors import InputError
from common.files import write_json
from experiments.distill_extractor import HELD_OUT
from style_transfer.config import Config, OptimizationConfig
from style_transfer.optimize import STEPS_PER_EXECUTION, paint
from style_transfer.plan import choose_weights
from style_transfer.prepare import prepare
from style_transfer.validation import check_extractor


@dataclass(frozen=True)
class TeacherConfig:
    """Compares the compact extractor with its teacher."""

    pictures: Path
    """The folder that the extractor was distilled on; only what was held out is used."""
    teacher: str = "vgg19"
    """vgg19, through Keras, or a file of its weights."""
    pairs: int = 10
    """Pairs of a content and a style."""
    size: int = 384
    """Pixels of the longer side."""
    iterations: int = OptimizationConfig.iterations
    """At each level."""
    rounds: int = 9
    """Turns that each extractor takes for the time of an iteration."""
    out: Path = Path("runs/teacher.json")
    """Where the metrics go."""
    save: Path | None = None
    """A folder for the pictures: content, style, the teacher's, ours."""


def held_out_pairs(folder: Path, count: int) -> list[tuple[Path, Path]]:
    """Contents and styles, none of which the extractor has seen."""
    paths = image_io.image_files(folder)
    held = paths[HELD_OUT - 1 :: HELD_OUT]
    if len(held) < 2:
        raise InputError(f"--pictures {folder}: expected at least {2 * HELD_OUT} pictures")
    order = np.random.default_rng(0).permutation(len(held))
    shift = len(held) // 2
    return [
        (held[order[n % len(held)]], held[order[(n + shift) % len(held)]]) for n in range(count)
    ]


def losses(picture: np.ndarray, content, style, config: Config, judge) -> tuple[float, float]:
    """Style and content loss of a picture (H, W, 3), by the extractor `judge`; unweighted."""
    import tensorflow as tf

    from style_transfer.objective import Objective

    weights = choose_weights(config, judge)
    weights = dataclasses.replace(weights, content=dict.fromkeys(weights.content, 1.0))
    goal, references = prepare(content, [style], picture.shape[1::-1], config)
    objective = Objective(
        judge, tf.constant(goal[None]), [(tf.constant(references[0][None]), 1.0)], weights
    )
    terms = {name: float(value) for name, value in objective(tf.constant(picture[None])).items()}
    return tuple(
        sum(value for name, value in terms.items() if name.startswith(kind))
        for kind in ("style/", "content/")
    )


def iterations(extractor, config: Config, size: int) -> Callable[[], None]:
    """A function that does as many iterations as `stylize` at once, and as it does them."""
    import tensorflow as tf
    from common.fast.adam import Adam

    from style_transfer.image_model import StyledPicture
    from style_transfer.objective import Objective

    random = np.random.default_rng(0)
    goal, style = random.random((2, 1, size * 3 // 4, size, 3), np.float32)
    objective = Objective(
        extractor, tf.constant(goal), [(tf.constant(style), 1.0)], choose_weights(config, extractor)
    )
    model = StyledPicture(goal, objective)
    model.compile(
        Adam(config.optimization.learning_rate, beta_1=0.9, beta_2=0.99),
        steps_per_execution=STEPS_PER_EXECUTION,
    )
    execute = model.make_train_function()
    execute(None)  # traces
    return lambda: execute(None)


def whole_vgg(dtype: str):
    """VGG-19 to relu5_1 with random weights, which take as long as the true ones."""
    from style_transfer import extractors

    arrays = extractors.read_keras("VGG19", None)
    layers = extractors.vgg_layers(arrays)
    layers = layers[: layers.index("relu5_1") + 1]
    kept = {key: value for key, value in arrays.items() if key.split("/")[0] in (*layers, "input")}
    return extractors.vgg("vgg19 to relu5_1", kept, "max", dtype)


def compare_times(config: TeacherConfig, extractors: dict, settings: Config) -> dict[str, float]:
    """Median seconds of an iteration of each, taking turns."""
    executions = {
        name: iterations(each, settings, config.size) for name, each in extractors.items()
    }
    seconds: dict[str, list[float]] = {name: [] for name in executions}
    for _ in range(config.rounds):
        for name, execute in executions.items():
            started = time.perf_counter()
            execute()
            seconds[name].append((time.perf_counter() - started) / STEPS_PER_EXECUTION)
    return {name: statistics.median(values) for name, values in seconds.items()}


def main() -> int:
    config = cli.parse(TeacherConfig, "python -m experiments.beside_the_teacher", None)
    check_extractor(config.teacher)
    pairs = held_out_pairs(config.pictures, config.pairs)
    cli.import_tensorflow()
    from style_transfer import extractors

    search = OptimizationConfig(iterations=config.iterations, tolerance=0.0)
    settings = Config(size=config.size, optimization=search)
    dtype = devices.resolve_precision("auto")
    teacher, compact = (extractors.load(name, dtype=dtype) for name in (config.teacher, "compact"))
    judge = extractors.load(config.teacher)
    kept = compact.layers
    teacher = dataclasses.replace(teacher, layers=kept)
    judge = dataclasses.replace(judge, layers=kept)
    rows = []
    print(f"{'pair':>24}  style: teacher   ours  ratio   content: teacher   ours  ratio")
    for content, style in pairs:
        pictures = [image_io.as_image(path) for path in (content, style)]
        by_teacher, teachers_way = paint(*pictures, settings, extractor=teacher)
        by_us, our_way = paint(*pictures, settings, extractor=compact)
        theirs, ours = (
            losses(picture[..., :3], *pictures, settings, judge) for picture in (by_teacher, by_us)
        )
        row = {
            "content": content.name,
            "style": style.name,
            "style_loss": {"teacher": theirs[0], "compact": ours[0], "ratio": ours[0] / theirs[0]},
            "content_loss": {
                "teacher": theirs[1],
                "compact": ours[1],
                "ratio": ours[1] / theirs[1],
            },
            "seconds": {
                "teacher": sum(stage.seconds for stage in teachers_way),
                "compact": sum(stage.seconds for stage in our_way),
            },
        }
        rows.append(row)
        print(
            f"{content.stem[:11]:>11} + {style.stem[:10]:<10}"
            f"  {theirs[0]:14.5f} {ours[0]:6.5f} {row['style_loss']['ratio']:6.2f}"
            f"  {theirs[1]:16.4f} {ours[1]:6.4f} {row['content_loss']['ratio']:6.2f}",
            flush=True,
        )
        if config.save:
            for kind, picture in (("teacher", by_teacher), ("compact", by_us)):
                name = f"{content.stem}-{style.stem}-{kind}.png"
                image_io.write_image(config.save / name, image_io.from_unit(picture))
    for kind in ("style_loss", "content_loss"):
        ratios = [row[kind]["ratio"] for row in rows]
        print(
            f"{kind}, ours over the teacher's: median {statistics.median(ratios):.2f}, "
            f"mean {statistics.mean(ratios):.2f}, worst {max(ratios):.2f}"
        )
    whole = {
        name: statistics.median(row["seconds"][name] for row in rows)
        for name in ("teacher", "compact")
    }
    print(
        f"a whole picture, median: {whole['teacher']:.1f} s by the teacher, "
        f"{whole['compact']:.1f} s by us, {whole['teacher'] / whole['compact']:.1f}"
    )
    times = {}
    for precision in dict.fromkeys((dtype, "float32")):
        ours = extractors.load("compact", dtype=precision)
        timed = {
            "teacher's five layers": extractors.load(config.teacher, dtype=precision),
            "compact": ours,
            "compact's reference": ours.reference,
            "VGG-19 to relu5_1": whole_vgg(precision),
        }
        times[precision] = compare_times(config, timed, settings)
        for name, seconds in times[precision].items():
            ratio = seconds / times[precision]["compact"]
            print(f"{precision:>9} {name:<22} {1000 * seconds:7.1f} ms an iteration, {ratio:.2f}")
    write_json(config.out, {"size": config.size, "pairs": rows, "seconds": times})
    return 0


if __name__ == "__main__":
    cli.run(main)
