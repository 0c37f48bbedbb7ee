"""Stylize a photo after paintings: the command line and the Python function.

python -m style_transfer.stylize                                      embedded demonstration
python -m style_transfer.stylize --content photo.jpg --style painting.jpg --out result.png
python -m style_transfer.stylize --content photos/ --style painting.jpg --out results/
python -m style_transfer.stylize ... --method instant                 in seconds
python -m style_transfer.stylize ... --masks photo_mask.png painting_mask.png --keep face.png
python -m style_transfer.stylize ... --set output.shard=0/4           every fourth of a folder
"""

import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from common import cli
from common.files import remove_temporaries
from style_transfer import config as configuration
from style_transfer import demo, mask_files, validation
from style_transfer.config import Config
from style_transfer.instant import unsupported
from style_transfer.masks import read as read_masks
from style_transfer.prepare import Source, listed, read, read_content, read_styles

if TYPE_CHECKING:
    import keras

    from style_transfer.extractors import Extractor

PROGRAM = "python -m style_transfer.stylize"
DEFAULT = Config()


def stylize(
    content: Source,
    styles: Source | Sequence[Source],
    config: Config = DEFAULT,
    callbacks: Sequence["keras.callbacks.Callback"] = (),
    extractor: "Extractor | None" = None,
    *,
    masks: Sequence[Source] = (),
    keep: Source | None = None,
) -> np.ndarray:
    """Stylize an image.

    Args:
        content: A file, a Pillow image, or an array (H, W, 3 or 4), integers over
            their full range or floats in [0, 1].
        styles: One or several of the same.
        config: The configuration, checked as by the command line. Its fields
            `content`, `style`, `masks`, `keep` and `output` are not used. Its method
            "instant" takes no callbacks, extractor and masks.
        callbacks: Keras callbacks. They see all stages as one `fit` of a
            `StyledImage` with an epoch of 10 iterations; see
            `style_transfer.user_callbacks.UserCallbacks`. One that sets
            `model.stop_training` ends the stylization.
        extractor: Replaces `config.extractor`.
        masks: A mask of the content, then one of each style, as `content` may be:
            regions of one color belong together; gray levels blend two regions.
        keep: A mask of the content: what is white stays as it is.

    Returns:
        float32 (H, W, 3) in [0, 1], or (H, W, 4) if the content is transparent.
        The longer side is `config.size`.

    Raises:
        InputError: An image, a setting, a callback or the extractor cannot be used.

    Warns:
        RuntimeWarning: A stage diverged, or a callback or the time limit ended the
            stylization before its last stage.

    Example:
        >>> from common.images import from_unit, write_image
        >>> image = stylize("photo.jpg", "painting.jpg", Config(size=384))
        >>> write_image("result.png", from_unit(image))
    """
    unsupported.check_arguments(config, callbacks=callbacks, extractor=extractor, masks=masks)
    config = configuration.resolve(config)
    validation.check_settings(config, len(listed(styles)))
    if extractor is None:
        validation.check_extractor(config.extractor)
    content, styles = read(content, styles, config)
    guides = read_masks(masks, keep, content, styles, config)
    image, problems = _batch(config).stylize_one(
        content, styles, config, callbacks, extractor, masks=guides
    )
    for problem in problems:
        warnings.warn(problem, RuntimeWarning, stacklevel=2)
    return image


def run(config: Config) -> int:
    """Run the command line's configuration and print where the results are.

    Args:
        config: Images, settings and output.

    Returns:
        The number of images that could not be used, of a folder of contents.

    Raises:
        InputError: A file, a setting or the extractor cannot be used.
    """
    validation.check(config)
    config = configuration.resolve(config)
    styles, jobs = _sources(config)
    several = config.content is not None and config.content.is_dir()
    waiting = jobs
    if several:
        remove_temporaries(config.output.out, deep=False)
        waiting = [(content, out) for content, out in jobs if not out.exists()]
        if len(waiting) < len(jobs):
            print(f"{len(jobs) - len(waiting)} of {len(jobs)} images exist already")
    else:
        image = read_content(jobs[0][0], config)
        read_masks(*mask_files.of(config, jobs[0][0]), image, styles, config)
    if not waiting:
        return 0
    folder, reports, skipped = _batch(config).stylize_all(waiting, styles, config, several=several)
    done = Path(reports[-1]["out"] if reports and not several else config.output.out)
    finished = len(jobs) - len(waiting) + len(reports)
    print(f"{f'{finished} of {len(jobs)} images' if several else 'image'}: {done}")
    print(f"TensorBoard: {cli.python_to_type()} -m tensorboard.main --logdir {folder}")
    if skipped:
        print(f"{len(skipped)} of {len(jobs)} images were skipped; see above", file=sys.stderr)
    return len(skipped)


def _batch(config: Config) -> ModuleType:
    """Import the part that needs TensorFlow: a module with `stylize_one` and `stylize_all`."""
    cli.import_tensorflow()
    if config.method == "instant":
        from style_transfer.instant import runner

        return runner
    from style_transfer import batch

    return batch


def _sources(config: Config) -> tuple[list[Image.Image], list[tuple[Source, Path | None]]]:
    """The styles, and every content with its result; None is a file in the run folder."""
    if config.content is None:
        styles = read_styles(demo.painting(seed=config.seed), config)
        return styles, [(demo.photograph(), config.output.out)]
    styles = read_styles(config.style, config)
    contents = validation.contents(config)
    if not config.content.is_dir():
        return styles, [(contents[0], config.output.out)]
    return styles, list(zip(contents, validation.results(config), strict=True))


def main() -> int:
    """Parse the arguments and stylize.

    Returns:
        The exit code: 1 if images of a folder were skipped, otherwise 0.
    """
    return 1 if run(cli.parse(Config, PROGRAM, None)) else 0


if __name__ == "__main__":
    cli.run(main)
