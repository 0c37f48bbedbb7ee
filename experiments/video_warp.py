"""Does a video flicker? Warp error of pans and zooms with known flow, by frame and carried along.

    python -m experiments.video_warp --content photo.jpg --style painting.jpg
    python -m experiments.video_warp --content photo.jpg --model runs/style-NAME

Of a network with several styles the first that its run has trained is used.
The camera moves over a photo. The warp error is the mean squared difference between a result and
the exactly moved one before it, where both are visible. With --style every frame of the rows "by
frame" is a whole stylization, so that takes most of the time.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from common import cli, runs
from common import images as image_io
from common.bounds import bounded, check_bounds
from common.errors import InputError
from common.files import write_json
from experiments import report
from style_transfer.config import OptimizationConfig
from style_transfer.feedforward import saved
from style_transfer.video import __main__ as video
from style_transfer.video import flow as optical
from style_transfer.video.config import Config, TemporalConfig, as_stylization

PROGRAM = "python -m experiments.video_warp"
DEFAULT = Config()
MOVES = {"pan": (2.3, 0.7, 1.0), "zoom": (0.0, 0.0, 0.985)}  # pixels and scale per frame
ASPECT = 3 / 4


@dataclass(frozen=True)
class Options:
    """Measure the warp error of a stylized pan and zoom over a photo."""

    content: Path
    """A photo of at least twice the size."""
    style: Path | None = None
    """A painting: optimize every frame."""
    model: Path | None = None
    """Run folder of a network: paint every frame with it."""
    size: int = bounded(256, 32, 2048)
    """Width of the frames in pixels; the height is three quarters of it."""
    frames: int = bounded(12, 2, 1000)
    """Frames of each clip."""
    moves: tuple[str, ...] = tuple(MOVES)
    """Movements of the camera: pan, zoom."""
    out: Path = Path("runs/video_warp")
    """Folder of the clips, results, sheet.png and results.json."""
    temporal: TemporalConfig = DEFAULT.temporal
    optimization: OptimizationConfig = DEFAULT.optimization


def boxes(move: str, size: int, frames: int, photo: tuple[int, int]) -> list[tuple[float, ...]]:
    """List the part of a photo that each frame shows: left, top, right, bottom.

    Args:
        move: A key of `MOVES`.
        size: Width of the frames in pixels.
        frames: Their number.
        photo: (width, height) in pixels.
    """
    right, down, scale = MOVES[move]
    shown = []
    for number in range(frames):
        factor = scale**number
        wide, high = factor * size, factor * size * ASPECT
        middle = [
            length / 2 + step * (number - (frames - 1) / 2)
            for length, step in zip(photo, (right, down), strict=True)
        ]
        left, top = middle[0] - wide / 2, middle[1] - high / 2
        shown.append((left, top, left + wide, top + high))
    return shown


def exact_flow(
    box: tuple[float, ...], before: tuple[float, ...], size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the flow from a frame to the previous one, and where both are visible.

    Args:
        box: What the frame shows.
        before: What the previous one showed.
        size: (width, height) of both.

    Returns:
        float32 (H, W, 2) and bool (H, W).
    """
    moved, inside = [], []
    for axis, length in enumerate(size):
        place = np.arange(length)
        pixel, pixel_before = ((b[axis + 2] - b[axis]) / length for b in (box, before))
        there = (box[axis] + (place + 0.5) * pixel - before[axis]) / pixel_before - 0.5
        moved.append(there - place)
        inside.append((there >= 0) & (there <= length - 1))
    columns, rows = np.meshgrid(*moved)
    return np.stack([columns, rows], axis=2).astype(np.float32), inside[1][:, None] & inside[0]


def warp_errors(results: np.ndarray, shown: list[tuple[float, ...]]) -> list[float]:
    """Compute the warp error of every result (T, H, W, 3) in [0, 1] after the first."""
    found, (height, width) = [], results.shape[1:3]
    for number in range(1, len(results)):
        flow, visible = exact_flow(shown[number], shown[number - 1], (width, height))
        warped = optical.warp_sharply(results[number - 1], flow)
        found.append(float(np.square(results[number] - warped)[visible].mean()))
    return found


def style_losses(results: np.ndarray, options: Options) -> list[float]:
    """Compute the style loss of every result (T, H, W, 3), by the extractor's reference."""
    import tensorflow as tf

    from style_transfer import optimize
    from style_transfer.objective import Objective
    from style_transfer.prepare import prepare, read_styles

    painting = options.style
    if painting is None:
        painting, _ = saved.read(options.model, "--model").own_style()
    config = as_stylization(Config(style=(painting,)), options.size)
    extractor = optimize.load_extractor(config)
    weights = optimize.choose_weights(config, extractor)
    first = image_io.as_image(results[0])
    _, references = prepare(first, read_styles(config.style, config), first.size, config)
    objective = Objective(
        extractor.reference, tf.constant(results[:1]), [(tf.constant(references[0][None]), 1.0)],
        weights, statistic=config.appearance.statistic,
    )  # fmt: skip
    losses = []
    for image in results:
        terms = objective.style_terms(objective.extractor(tf.constant(image[None])))
        losses.append(sum(float(term[0]) for term in terms.values()))
    return losses


def clip(folder: Path, shown: list[tuple[float, ...]], photo: Image.Image, size: int) -> np.ndarray:
    """Write the frames of a clip, and return them as float32 (T, H, W, 3) in [0, 1]."""
    shape = (size, round(size * ASPECT))
    drawn = [np.asarray(photo.resize(shape, image_io.RESAMPLING, box=box)) for box in shown]
    for number, frame in enumerate(drawn):
        image_io.write_image(folder / f"{number:03d}.png", frame)
    return image_io.to_unit(np.stack(drawn))


def stylized(folder: Path, options: Options, run: Path, weight: float) -> np.ndarray:
    """Stylize a clip as the command does, and return float32 (T, H, W, 3) in [0, 1]."""
    temporal = dataclasses.replace(options.temporal, temporal_weight=weight)
    style, appearance = (), DEFAULT.appearance
    if options.style is not None:
        style = (options.style,)
    else:
        _, weights = saved.read(options.model, "--model").own_style()
        appearance = dataclasses.replace(appearance, style_weights=tuple(weights))
    config = Config(
        input=folder, style=style, model=options.model, run_dir=run, size=options.size,
        temporal=temporal, optimization=options.optimization, appearance=appearance,
    )  # fmt: skip
    found = video.run(config)
    files = image_io.image_files(found)
    return image_io.to_unit(np.stack([np.asarray(image_io.read_image(file)) for file in files]))


def main() -> int:
    """Measure, print the ratios and write the sheet."""
    options = cli.parse(Options, PROGRAM, None)
    check_bounds(options)
    photo = image_io.read_image(options.content, channels=3)
    rows, lines = [], {}
    for move in options.moves:
        shown = boxes(move, options.size, options.frames, photo.size)
        corners = [*shown[0], *shown[-1]]
        if (
            min(corners) < 0
            or max(corners[2::4]) > photo.width
            or max(corners[3::4]) > photo.height
        ):
            raise InputError(f"--content {options.content}: too small for --size and --frames")
        inputs = options.out / move / "input"
        source = clip(inputs, shown, photo, options.size)
        results = {
            name: stylized(inputs, options, options.out / move / name.replace(" ", "_"), weight)
            for name, weight in (("by frame", 0.0), ("carried", options.temporal.temporal_weight))
        }
        found = {
            name: {"warp": np.mean(warp_errors(each, shown)), "style": style_losses(each, options)}
            for name, each in results.items()
        }
        still = np.mean(warp_errors(source, shown))
        for name, values in found.items():
            style = np.mean(values["style"])
            other = found["by frame"]
            lines[f"{move}, {name}"] = [
                f"{values['warp']:.5f}", f"{other['warp'] / values['warp']:.2f}",
                f"{style:.4f}", f"{style / np.mean(other['style']):.3f}",
            ]  # fmt: skip
        lines[f"{move}, input"] = [f"{still:.5f}", "", "", ""]
        chosen = np.linspace(0, options.frames - 1, min(6, options.frames)).round().astype(int)
        rows += [image_io.from_unit(each[chosen]) for each in (source, *results.values())]
    report.table("flicker", ["warp error", "times less", "style loss", "over by frame"], lines)
    sheet = image_io.grid(np.concatenate(rows), columns=len(rows[0]))
    image_io.write_image(options.out / "sheet.png", sheet)
    write_json(
        options.out / "results.json",
        {"options": runs.plain(dataclasses.asdict(options)), "rows": lines},
    )
    print(f"results: {options.out}/sheet.png and results.json")
    return 0


if __name__ == "__main__":
    cli.run(main)
