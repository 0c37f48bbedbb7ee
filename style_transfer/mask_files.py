"""Files of masks on the command line, and which of them belong to a content image."""

from collections.abc import Sequence
from pathlib import Path

from common.errors import InputError
from common.images import image_files
from style_transfer import masks
from style_transfer.config import Config


def given(config: Config) -> bool:
    """Return whether the command line names masks."""
    return bool(config.masks) or config.keep is not None


def of(config: Config, content: object) -> tuple[tuple[Path, ...], Path | None]:
    """Choose the masks of one content image.

    Args:
        config: Names the masks, or folders of the content's masks.
        content: A file; its mask in a folder has the same name, but for the suffix.

    Returns:
        The masks of the content and the styles, and what is kept, or None.

    Raises:
        InputError: A folder has no mask of this name.
    """
    chosen = tuple(_match("--masks", path, content) for path in config.masks[:1])
    keep = None if config.keep is None else _match("--keep", config.keep, content)
    return (*chosen, *config.masks[1:]), keep


def check(config: Config, contents: Sequence[Path | None]) -> None:
    """Check the files of masks, without reading them.

    Args:
        config: A configuration from a command line.
        contents: The content images.

    Raises:
        InputError: There are too few masks or too many, a file is missing, a setting
            does not go with masks, or a folder of contents has no folder of masks.
    """
    if not given(config):
        return
    masks.check_settings(config)
    masks.check_count(len(config.masks), max(1, len(config.style)))
    folder = config.content is not None and config.content.is_dir()
    keep = [config.keep] if config.keep else []
    for flag, paths in (("--masks", config.masks), ("--keep", keep)):
        for number, path in enumerate(paths):
            if not path.exists():
                raise InputError(f"{flag} {path}: no such file")
            if folder and number == 0 and not path.is_dir():
                raise InputError(
                    f"{flag} {path}: expected a folder of masks for a folder of contents, one for "
                    "each image by its name"
                )
            if path.is_dir() and (number or not folder):
                raise InputError(f"{flag} {path}: a folder; expected an image file")
            if path.is_dir() and config.output.out and _same(path, config.output.out):
                raise InputError(f"--out {path}: is the folder of masks; name another")
    if folder:
        for content in contents:
            of(config, content)


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _match(flag: str, path: Path, content: object) -> Path:
    if not path.is_dir():
        return path
    found = [each for each in image_files(path) if each.stem == Path(content).stem]
    if not found:
        raise InputError(
            f"{flag} {path}: no mask for {Path(content).name}\n"
            f"expected {Path(content).stem}.png, or another image of this name"
        )
    return found[0]
