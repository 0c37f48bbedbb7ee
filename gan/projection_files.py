"""The images to project and the folder of results: what it holds and what is done."""

import contextlib
import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common import images as image_io
from common import npz, runs
from common.errors import InputError
from common.files import atomic_path, write_json
from gan.data import crop

if TYPE_CHECKING:
    from gan.projection import Projection

SETTINGS, STATE, SHEET = "projection.json", "unfinished.npz", "projections.png"
FRAME = 256  # pixels; smaller images are enlarged
SECONDS = 4.0  # of an animation
SHOWN = 64  # images of the sheet at most


@dataclass(frozen=True)
class Target:
    """An image to project.

    Attributes:
        name: Of the files of its result.
        image: uint8 (H, W, C), at the size of the run's images.
    """

    name: str
    image: np.ndarray


def read_targets(source: Path, height: int, width: int, channels: int) -> list[Target]:
    """Read the images to project, before TensorFlow is imported.

    Args:
        source: An image file, a folder of them, or an .npz with `images`, uint8
            (N, H, W, C), as gan.sample writes it.
        height: Of the run's images, in pixels.
        width: Of the run's images, in pixels.
        channels: Of the run's images.

    Raises:
        InputError: There is no image, one cannot be read, or has another aspect.

    Example:
        >>> [target.name for target in read_targets(Path("photos/"), 64, 64, 3)]
        ['beach', 'city']
    """
    flag = f"--image {source}"
    if source.suffix == ".npz":
        return _of_archive(source, (height, width, channels))
    if not source.exists():
        raise InputError(f"{flag}: no such file or folder")
    files = image_io.image_files(source) if source.is_dir() else [source]
    if not files:
        raise InputError(f"{flag}: no images in this folder")
    stems = Counter(path.stem for path in files)
    names = [p.stem if stems[p.stem] == 1 else p.name.replace(".", "-") for p in files]
    return [
        Target(name, _fitted(path, height, width, channels))
        for name, path in zip(names, files, strict=True)
    ]


def _of_archive(path: Path, shape: tuple[int, int, int]) -> list[Target]:
    images = npz.read(path).get("images")
    if images is None or images.dtype != np.uint8 or images.shape[1:] != shape or not len(images):
        found = "none" if images is None else f"{images.dtype} {images.shape}"
        sizes = ", ".join(map(str, shape))
        raise InputError(
            f"--image {path}: expected `images`, uint8 (N, {sizes}), as this run's, found {found}"
        )
    digits = len(str(len(images) - 1))
    return [Target(f"{path.stem}-{n:0{digits}d}", image) for n, image in enumerate(images)]


def _fitted(path: Path, height: int, width: int, channels: int) -> np.ndarray:
    image = image_io.read_image(path, channels, near=min(height, width))
    if abs(image.width * height / image.height - width) >= 1.0:  # a pixel of the run's images
        raise InputError(
            f"--image {path}: {image.width}x{image.height} pixels, expected the aspect of the "
            f"run's images, {width}x{height}\ncrop it first"
        )
    return image_io.to_array(crop.fit(image, (height, width)))


def check_folder(folder: Path, source: Path, settings: Mapping[str, Any]) -> None:
    """Check that a folder can hold the results, without making it.

    Args:
        folder: Of the results.
        source: Of the images to project, or one of them.
        settings: Of the search.

    Raises:
        InputError: It cannot be written, is that of the images, or holds results of
            other settings.
    """
    if folder.exists() and source.resolve() == folder.resolve():
        raise InputError(f"--out {folder}: is the folder of --image; name another")
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise InputError(f"--out {folder}: {nearest} is not a writable folder")
    if (folder / SETTINGS).exists():
        try:
            changed = runs.differences(
                dict(json.loads((folder / SETTINGS).read_text())), dict(settings)
            )
        except (TypeError, ValueError):
            changed = [f"{SETTINGS} cannot be read"]
        if changed:
            raise InputError(
                f"--out {folder}: holds projections with other settings: {'; '.join(changed)}\n"
                "name another folder, or leave these changes out"
            )


class Results:
    """The folder of results.

    For every image there are NAME.png (the image beside its projection), NAME.gif
    (the search) and NAME.npz, which is written last. unfinished.npz holds the state
    of the search in progress.

    Args:
        folder: Made if it is missing.
        settings: Those of the search, saved as projection.json.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        write_json(folder / SETTINGS, dict(settings))

    def path(self, name: str) -> Path:
        """Return the file that holds the latent vector of an image."""
        return self.folder / f"{name}.npz"

    def has(self, target: Target) -> bool:
        """Return whether an image is done: its file exists and is of the same pixels."""
        with contextlib.suppress(InputError):  # missing, or damaged by another program
            return np.array_equal(npz.read(self.path(target.name)).get("target"), target.image)
        return False

    def write(self, target: Target, found: "Projection", class_names: Sequence[str]) -> None:
        """Write the three files of an image."""
        scale = max(1, FRAME // target.image.shape[0])
        real = image_io.enlarge(target.image, scale)
        frames = [
            image_io.grid(np.stack([real, image_io.enlarge(frame, scale)]), columns=2, gap=8)
            for frame in found.frames
        ]
        image_io.write_image(self.folder / f"{target.name}.png", frames[-1])
        image_io.write_animation(self.folder / f"{target.name}.gif", frames, SECONDS)
        arrays = {name: value for name, value in vars(found).items() if name != "frames"}
        if class_names:
            arrays["class_name"] = class_names[found.label]
        else:
            del arrays["label"]
        with atomic_path(self.path(target.name)) as temporary:
            np.savez_compressed(temporary, target=target.image, **arrays)

    def write_all(
        self,
        targets: Sequence[Target],
        found: Sequence["Projection"],
        class_names: Sequence[str],
    ) -> None:
        """Write the files of several images, and remove the state of their search."""
        for target, each in zip(targets, found, strict=True):
            self.write(target, each, class_names)
        (self.folder / STATE).unlink(missing_ok=True)

    def errors(self, targets: Sequence[Target]) -> np.ndarray:
        """Return the pixel errors of images that are done, (N,)."""
        return np.array([npz.read(self.path(t.name))["pixel_error"] for t in targets])

    def write_sheet(self, targets: Sequence[Target]) -> Path:
        """Write one image of all: each image to the left of its projection."""
        stored = [npz.read(self.path(target.name)) for target in targets[:SHOWN]]
        pairs = [np.stack([each["target"], each["image"]]) for each in stored]
        scale = max(1, 64 // pairs[0].shape[1])
        pairs = [np.concatenate(list(pair), axis=1) for pair in pairs]
        sheet = image_io.grid(np.stack(pairs), columns=round(len(pairs) ** 0.5))
        path = self.folder / SHEET
        image_io.write_image(path, image_io.enlarge(sheet, scale))
        return path

    def save_state(self, targets: Sequence[Target], state: Mapping[str, np.ndarray]) -> None:
        """Write the state of the search in progress."""
        with atomic_path(self.folder / STATE) as temporary:
            np.savez(temporary, of=_digest(targets), **state)

    def load_state(self, targets: Sequence[Target]) -> dict[str, np.ndarray] | None:
        """Read the state of a search for these images; None without one."""
        path = self.folder / STATE
        if not path.exists():
            return None
        state = npz.read(path)
        return state if str(state.pop("of", "")) == _digest(targets) else None


def _digest(targets: Sequence[Target]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for target in targets:
        digest.update(target.name.encode() + target.image.tobytes())
    return digest.hexdigest()
