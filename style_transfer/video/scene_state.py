"""What the first frame of a scene has found and the other frames need, kept in the run folder.

`state.json` is {name: {number of a scene's first frame: value}}.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common import runs
from common.files import write_json

STATE = "state.json"


def note(folder: Path, number: int, found: Mapping[str, Any]) -> None:
    """Keep what a frame that begins a scene has found, before the frame is written.

    Args:
        folder: The run folder.
        number: Of the frame.
        found: {name: a JSON value}.
    """
    kept = runs.read_object(folder / STATE)
    state = {name: {**kept.get(name, {}), str(number): value} for name, value in found.items()}
    write_json(folder / STATE, state)


def of_scene(folder: Path, number: int, name: str) -> Any:
    """Return what the first frame of the scene that a frame continues has found.

    Args:
        folder: The run folder.
        number: Of the frame.
        name: Of what was noted.

    Returns:
        The value, or None if there is none.
    """
    found = runs.read_object(folder / STATE).get(name, {})
    first = str(max((int(key) for key in found if int(key) < number), default=0))
    return found.get(first)
