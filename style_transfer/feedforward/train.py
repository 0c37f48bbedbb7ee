"""Train a network that paints photos after one or several paintings.

python -m style_transfer.feedforward.train --style painting.jpg
python -m style_transfer.feedforward.train --style a.jpg b.jpg --photos my_photos/
python -m style_transfer.feedforward.train --style c.jpg --add-style runs/style-DATE-TIME
"""

import dataclasses
from collections.abc import Sequence

from common import cli
from style_transfer.feedforward import saved as saved_runs
from style_transfer.feedforward import validation
from style_transfer.feedforward.config import Config

MODULE = "style_transfer.feedforward.train"
PROGRAM = f"python -m {MODULE}"
CODES = {"interrupted": 130, "diverged": 1}  # exit codes by status
KEPT = ("network", "size", "strength", "statistic", "extractor", "photos")  # by --add-style


def parse(arguments: Sequence[str] | None) -> Config:
    """Parse a command line; the defaults are those of the resumed or extended run.

    Args:
        arguments: The arguments; None: those of this process.

    Raises:
        InputError: An argument is unknown or has a wrong type.

    Example:
        >>> parse(["--style", "painting.jpg", "--width", "24"]).network.width
        24
    """
    given = cli.parse(Config, PROGRAM, arguments)
    if given.resume is not None:
        saved = saved_runs.read(given.resume, "--resume").config
        default = dataclasses.replace(saved, resume=given.resume, run_dir=None)
    elif given.add_style is not None:
        base = saved_runs.read(given.add_style, "--add-style").config
        kept = {name: getattr(base, name) for name in KEPT}
        default = dataclasses.replace(Config(), add_style=given.add_style, **kept)
    else:
        return given
    return cli.parse(Config, PROGRAM, arguments, default=default)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train as the command line says and return the exit code."""
    config = parse(arguments)
    validation.check(config)
    cli.import_tensorflow()
    from common.fast.threads import overlap_operations
    from style_transfer.feedforward.fit import train

    overlap_operations()
    result = train(config)
    folder, python = result.folder, cli.python_to_type()
    print(f"{result.status}: {result.reason} ({result.steps} steps)")
    if result.status == "interrupted":
        print(f"the run is saved; continue with: {python} -m {MODULE} --resume {folder}")
    elif result.status == "diverged":
        print("the last finite state is saved; try a lower --learning-rate")
    else:
        print(
            f"samples: {folder}/latest.png | losses: make tensorboard | paint: "
            f"{python} -m style_transfer.feedforward.paint --model {folder} --content photo.jpg"
        )
    return CODES.get(result.status, 0)


if __name__ == "__main__":
    cli.run(main)
