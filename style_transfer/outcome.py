"""What a run of `stylize` is given and what it has done, by either method."""

import sys
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from common.errors import InputError, printable
from style_transfer.prepare import Source

RESULT = "stylized.png"  # in the run folder, without --out
Job = tuple[Source, Path | None]
"""A content image and the file of its result; None is `RESULT` in the run folder."""


class Outcome(NamedTuple):
    """What a run has done.

    Attributes:
        folder: The run folder.
        reports: One for each image written.
        skipped: {content image: why it cannot be used}.
    """

    folder: Path
    reports: list[dict]
    skipped: dict[str, str]


def skip(content: Source, error: InputError, skipped: dict[str, str]) -> None:
    """Note and print why a content image of a folder cannot be used."""
    skipped[str(content)] = str(error)
    reason = str(error).removeprefix(f"{content}: ")
    tqdm.write(printable(f"skipped {content}: {reason}"), file=sys.stderr)
