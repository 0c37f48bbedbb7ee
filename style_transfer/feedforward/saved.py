"""What the folder of a trained network says about it, read without TensorFlow."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import runs
from common.checkpoints import Checkpoints
from common.errors import InputError, printable
from style_transfer.feedforward import config as configuration
from style_transfer.feedforward.config import Config
from style_transfer.feedforward.palettes import StylePalette


@dataclass(frozen=True)
class Saved:
    """A trained network.

    Attributes:
        folder: Of its run.
        config: Of its run.
        styles: Names of all its styles, in the order of the network's input.
        about: All of config.json.
        palettes: Of the styles; empty if the network gets photos unchanged, as those that were
            trained before there were palettes do.
    """

    folder: Path
    config: Config
    styles: tuple[str, ...]
    about: dict[str, Any]
    palettes: tuple[StylePalette, ...] = ()

    def own_style(self) -> tuple[Path, list[float]]:
        """Return the first style that this run has trained, and the weights that choose it.

        The network has the styles of an extended run before it.
        """
        first = len(self.styles) - len(self.config.style)
        weights = [float(number == first) for number in range(len(self.styles))]
        return self.config.style[0], weights


def read(folder: Path, flag: str) -> Saved:
    """Read config.json of a run of `feedforward.train`.

    Args:
        folder: Of the run.
        flag: That named it, for error messages.

    Raises:
        InputError: It is not such a run.

    Example:
        >>> read(Path("runs/style-wave"), "--model").styles
        ('great_wave.jpg',)
    """
    about = runs.read_config(folder, flag)
    styles = about["data"].get("styles") if isinstance(about["data"], dict) else None
    if not isinstance(styles, list) or not styles or not all(isinstance(s, str) for s in styles):
        raise InputError(
            f"{flag} {folder}: not a run of `make train-style` (its config.json names no styles)"
        )
    config = configuration.from_dict(about["config"], f"{flag} {folder}: config.json")
    return Saved(folder, config, tuple(styles), about, _palettes(about, len(styles), folder, flag))


def _palettes(
    about: dict[str, Any], styles: int, folder: Path, flag: str
) -> tuple[StylePalette, ...]:
    stored = about["data"].get("palettes", [])
    try:
        found = tuple(map(StylePalette.restore, stored)) if isinstance(stored, list) else None
    except (KeyError, TypeError, ValueError):
        found = None
    if found is None or len(found) not in (0, styles):
        raise InputError(
            f"{flag} {folder}: config.json has no valid palette for each of its {styles} styles\n"
            "restore the file"
        )
    return found


def check_trained(saved: Saved, flag: str) -> None:
    """Check that a run has a checkpoint.

    Raises:
        InputError: It has none.
    """
    if not Checkpoints(saved.folder).paths("last"):
        raise InputError(f"{flag} {saved.folder}: no checkpoint; the run ended before its first")


def check_style_weights(saved: Saved, weights: Sequence[float]) -> None:
    """Check that there is a weight for each style of a network, and one above 0; or none at all.

    Raises:
        InputError: There is another number of them, or all are 0.
    """
    if weights and len(weights) != len(saved.styles):
        raise InputError(
            f"--style-weights: expected one for each of the {len(saved.styles)} styles "
            f"({printable(', '.join(saved.styles))}), got {len(weights)}"
        )
    if weights and not any(weights):
        raise InputError("--style-weights: expected at least one above 0")
