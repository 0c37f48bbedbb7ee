"""Trains a DCGAN.

python -m gan.train                                 letters and digits, nothing to download
python -m gan.train --dataset mnist                 any image dataset of TensorFlow Datasets
python -m gan.train --dataset my_pictures/          a folder
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from common import cli, runs
from common.distribution import cluster
from gan import config as configuration
from gan.config import Config

if TYPE_CHECKING:
    pass
from gan.trainer import train

PROGRAM = "python -m gan.train"
CODES = {"interrupted": 130, "collapsed": 1, "diverged": 1}  # to exit with, by status


def parse(arguments: Sequence[str] | None) -> Config:
    """The configuration that a command line asks for; on a resume, the run's own by default."""
    config = cli.parse(Config, PROGRAM, arguments)
    if config.run.resume is None:
        return config
    saved = runs.read_config(config.run.resume, "--resume")["config"]
    default = configuration.from_dict(saved, config.run.resume)
    return cli.parse(Config, PROGRAM, arguments, default=default)


def main(arguments: Sequence[str] | None = None) -> int:
    config = parse(arguments)
    if cluster.find(config.run.strategy):
        return cli.end_at_once(lambda: _run(config))
    return _run(config)


def _run(config: Config) -> int:
    result = train(config)
    folder, images = result.folder, int(result.gan.images_seen.numpy())
    if not result.chief:
        return CODES.get(result.status, 0)
    python = cli.python_to_type()
    print(f"{result.status}: {result.reason}, after {images / 1000:.0f} thousand images")
    if result.status == "interrupted":
        print(f"everything is saved; go on with: {python} -m gan.train --resume {folder}")
    elif result.status == "collapsed":
        print(f"the best state is kept: {python} -m gan.sample --run {folder} --checkpoint best")
    elif result.status == "diverged":
        print(f"the last good state is kept; try lower rates. Its samples: {folder}/latest.png")
    else:
        print(
            f"pictures: {folder}/latest.png and training.gif | metrics: make tensorboard | more "
            f"pictures: {python} -m gan.sample --run {folder} --count 64 --out grid.png"
        )
    return CODES.get(result.status, 0)


if __name__ == "__main__":
    cli.run(main)
