"""Find the latent vectors whose images are nearest to given images.

python -m gan.project --run runs/NAME --image photo.png --out projected/
python -m gan.project --run runs/NAME --image photos/ --out projected/     a folder
"""

import contextlib
import dataclasses
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from common import cli
from common.bounds import bounded, check_bounds
from common.priors import PRIORS
from gan import generator_file
from gan.data.base import class_name
from gan.projection_files import Results, Target, check_folder, read_targets
from gan.sample import check_label

if TYPE_CHECKING:
    from gan.projection import Search

PROGRAM = "python -m gan.project"
SAVE_EVERY = 10.0  # seconds
FOUND = 0.01  # pixel error below which an image counts as found


@dataclass(frozen=True)
class Config:
    """Find the latent vectors whose images are nearest to given images.

    The same command continues an interrupted one and skips images that are done.
    """

    run: Path
    """Folder of the run."""
    image: Path
    """An image, a folder of images, or an archive (.npz) of gan.sample. Their aspect is that of the
    run's images."""
    out: Path
    """Folder of the results: for each image its projection, an animation and the latent vector."""
    label: str | None = None
    """Name of the class of all images, for a class-conditional run. Default: search it, too."""
    starts: int = bounded(64, 1, 1024)
    """Latent vectors that are optimized per image; the best 8 of them to the end."""
    steps: int = bounded(200, 5)
    """Steps of Adam, the first fifth for all starts."""
    seed: int = bounded(0, 0)
    """Seed of the latent vectors to start from."""
    checkpoint: Literal["last", "best"] = "last"
    """Checkpoint of the run."""


def check(config: Config) -> list[Target]:
    """Check everything that is known without TensorFlow.

    Returns:
        The images to project.

    Raises:
        InputError: A value is out of its bounds, the run cannot be loaded or has no
            such class, an image cannot be used, or the folder cannot be written.
    """
    check_bounds(config)
    source = generator_file.find(config.run, config.checkpoint)
    run = source.description
    check_label(config.label, run)
    check_folder(config.out, config.image, _settings(config, source))
    return read_targets(config.image, run.spec.height, run.spec.width, run.spec.channels)


def _settings(config: Config, source: generator_file.Source) -> dict[str, Any]:
    """Return what the results depend on besides the images, for projection.json."""
    label = None if config.label is None else class_name(config.label)
    return {
        "run": str(config.run.absolute()),
        "checkpoint": config.checkpoint,
        "images_seen": source.images_seen,
        "label": label,
        "starts": config.starts,
        "steps": config.steps,
        "seed": config.seed,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Project as the command line says and return the exit code."""
    config = cli.parse(Config, PROGRAM, arguments)
    targets = check(config)
    results = Results(
        config.out, _settings(config, generator_file.find(config.run, config.checkpoint))
    )
    waiting = [target for target in targets if not results.has(target)]
    if len(waiting) < len(targets):
        print(f"{len(targets) - len(waiting)} of {len(targets)} images are done already")
    if waiting:
        cli.import_tensorflow()
        _project(config, waiting, results)
    errors = results.errors(targets)
    sheet = results.write_sheet(targets)
    print(
        f"{len(targets)} images; pixel error (mean absolute, [0, 1]): median "
        f"{sorted(errors)[len(errors) // 2]:.4f}, below {FOUND} for {int((errors < FOUND).sum())}\n"
        f"side by side: {sheet} | latent vectors: {config.out}/NAME.npz | searches: NAME.gif"
    )
    return 0


def _project(config: Config, targets: Sequence[Target], results: Results) -> None:
    """Project images batch by batch, and save the state when interrupted."""
    import numpy as np

    from common.progress_bar import Progress
    from gan import generate, projection

    generator, about = generate.stock_generator(config.run, config.checkpoint)
    names = about["classes"]
    label = None if config.label is None else names.index(class_name(config.label))
    settings = dataclasses.replace(
        projection.DEFAULT,
        starts=config.starts,
        kept=min(projection.DEFAULT.kept, config.starts),
        steps=config.steps,
    )
    images = about["images"]
    size = projection.batch_size(images["height"], images["width"], config.starts)
    done = 0.0  # images, the unfinished ones by their share of the steps
    progress = Progress(
        lambda: done / len(targets),
        lambda: done,
        lambda count, speed: f"{count:.0f} of {len(targets)} images",
        (),
    )
    with progress:
        progress.on_train_begin()
        for start in range(0, len(targets), size):
            batch = targets[start : start + size]
            search = projection.Search(
                generator,
                PRIORS[about["latent"]["prior"]],
                np.stack([target.image for target in batch]),
                classes=len(names),
                label=label,
                seed=config.seed,
                settings=settings,
            )
            state = results.load_state(batch)
            if state is not None:
                search.restore(state)
            with _saved_if_interrupted(search, batch, results, names):
                saved = time.monotonic()
                while search.done < settings.steps:
                    search.step()
                    done = start + len(batch) * search.done / settings.steps
                    progress.on_train_batch_end(search.done)
                    if time.monotonic() - saved > SAVE_EVERY:
                        results.save_state(batch, search.state())
                        saved = time.monotonic()
                results.write_all(batch, search.results(), names)


@contextlib.contextmanager
def _saved_if_interrupted(
    search: "Search", batch: Sequence[Target], results: Results, names: Sequence[str]
) -> Iterator[None]:
    """Save a search, or its results if it has ended, before Ctrl-C ends the program."""
    try:
        yield
    except KeyboardInterrupt:
        if search.done < search.settings.steps:
            results.save_state(batch, search.state())
        else:
            results.write_all(batch, search.results(), names)
        print("\nthe search is saved; the same command continues it")
        raise


if __name__ == "__main__":
    cli.run(main)
