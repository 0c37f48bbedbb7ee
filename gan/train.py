"""Train a GAN from the command line.

python -m gan.train                            letters and digits, nothing to download
python -m gan.train --dataset mnist            any image dataset of TensorFlow Datasets
python -m gan.train --dataset my_photos/       a folder of images
"""

import dataclasses
from collections.abc import Sequence

from common import cli, runs
from common.distribution import cluster
from common.errors import InputError
from gan import config as configuration
from gan import presets, resume, validation
from gan.config import AUTO, Config

PROGRAM = "python -m gan.train"
CODES = {"interrupted": 130, "collapsed": 1, "diverged": 1}  # exit codes by status


def parse(arguments: Sequence[str] | None) -> Config:
    """Parse a command line.

    The defaults of its flags are those of the preset, or of the resumed run.

    Args:
        arguments: The arguments; None: those of this process.

    Raises:
        InputError: An argument is unknown or has a wrong type.

    Example:
        >>> parse(["--networks", "tutorial"]).generator.learning_rate
        0.0001
    """
    given = cli.parse(Config, PROGRAM, arguments)
    if given.run.resume is not None:
        folder = given.run.resume
        saved = runs.read_config(folder, "--resume")["config"]
        default = configuration.from_dict(saved, folder, f"--resume {folder}: config.json")
        return cli.parse(Config, PROGRAM, arguments, default=default)
    name = given.preset
    if name == AUTO:
        name = presets.choose(given)
    preset = presets.apply(Config(), name)
    config = cli.parse(Config, PROGRAM, arguments, default=preset)
    default = presets.fitted(preset, config.networks.name)
    if default != preset:
        config = cli.parse(Config, PROGRAM, arguments, default=default)
    return dataclasses.replace(config, preset=preset.preset)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train as the command line says and return the exit code."""
    config = validation.resolve(parse(arguments))
    try:
        validation.check(config)
    except InputError as error:
        raise validation.blamed(error, config, cli.parse(Config, PROGRAM, arguments)) from None
    resume.read(config)
    if cluster.find(config.run.strategy):
        return cli.end_at_once(lambda: _run(config))
    return _run(config)


def _run(config: Config) -> int:
    cli.import_tensorflow()
    from gan.trainer import train

    result = train(config)
    folder, images = result.folder, int(result.gan.images_seen.numpy())
    if not result.chief:
        return CODES.get(result.status, 0)
    python = cli.python_to_type()
    print(f"{result.status}: {result.reason} ({images / 1000:.0f} thousand images seen)")
    if result.status == "interrupted":
        print(f"the run is saved; continue with: {python} -m gan.train --resume {folder}")
    elif result.status == "collapsed":
        print(f"the best checkpoint: {python} -m gan.sample --run {folder} --checkpoint best")
    elif result.status == "diverged":
        print(
            f"the last finite state is saved, with samples in {folder}/latest.png\n"
            "try lower learning rates"
        )
    else:
        print(
            f"images: {folder}/latest.png and training.gif | metrics: make tensorboard | more "
            f"images: {python} -m gan.sample --run {folder} --count 64 --out grid.png"
        )
    return CODES.get(result.status, 0)


if __name__ == "__main__":
    cli.run(main)
