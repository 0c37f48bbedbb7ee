"""A folder of images in any size, format and mode; its subfolders are the classes."""

import contextlib
import hashlib
import os
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from common import images as image_io
from common.decoding import upright_size
from common.errors import InputError, printable
from gan.data import crop
from gan.data.base import Request, Source, class_name, source_key
from gan.resolution import Resolution, Size, auto_size, pair

PIXELS_IN_FLIGHT = 48_000_000  # decoded at a time by all threads; some 12 bytes each
COMPANIONS = frozenset(  # suffixes of files that come with images; left out without a word
    [
        *(".txt", ".md", ".rst", ".html", ".json", ".jsonl", ".csv", ".tsv"),
        *(".xml", ".yaml", ".yml", ".py", ".ini", ".db", ".log", ".pdf"),
    ]
)
RUN_FILES = ("checkpoints", "metrics.jsonl", "samples", "summary.json")


def source(request: Request) -> Source:
    """Find the images below a folder; the first level of subfolders names the classes.

    There are classes if every image lies in a subfolder and there are at least
    two of those. The key hashes the files' bytes, so that a copy of the folder
    is the same dataset and a rewritten file is noticed.

    Args:
        request: By default the resolution is chosen by the median image (see
            `auto_size`), and there is 1 channel if all images are gray, otherwise
            there are 3.

    Raises:
        InputError: No such folder, or no image in it.
    """
    folder = existing(request.name)
    files, skipped = scan(folder)
    tops = [path.relative_to(folder).parts[:-1][:1] for path in files]
    names = [class_name(top[0]) if top else "" for top in tops]
    class_names = tuple(sorted(set(names))) if all(tops) else ()
    if len(class_names) < 2:
        class_names = ()
    labels = [class_names.index(name) if class_names else 0 for name in names]
    resolution, channels = _shape(files, request)
    size = pair(resolution)
    with ThreadPoolExecutor() as pool:  # hashing releases the interpreter's lock
        digests = list(pool.map(_digest, files))
    content = [(class_names[label] if class_names else "", digest)
               for label, digest in zip(labels, digests, strict=True)]  # fmt: skip
    budget = _PixelBudget(PIXELS_IN_FLIGHT)

    def read(path: Path) -> Image.Image | str:
        try:
            with budget.hold(_decoded_pixels(path, max(size))):
                image = image_io.read_image(path, channels, near=max(size))
                return crop.fit(image, size)
        except InputError as error:
            return printable(str(error).removeprefix(f"{folder}/"))

    def examples() -> Iterator[tuple[Image.Image | str, int]]:
        with ThreadPoolExecutor() as pool:  # Pillow decodes outside the interpreter's lock
            for start in range(0, len(files), 1024):
                part = slice(start, start + 1024)
                yield from zip(pool.map(read, files[part]), labels[part], strict=True)

    def measured() -> crop.Fitting | None:
        headers = _headers(files, most=len(files))
        sizes, transparent = [each.size for each in headers], [each.transparent for each in headers]
        return crop.measure(sizes, sum(transparent), size) if sizes else None

    version = "folder 4" if channels == 4 else "folder 3"  # 4 fills transparent pixels
    return Source(
        name=printable(str(folder)),
        key=source_key(version, content, resolution, channels),
        resolution=resolution,
        channels=channels,
        class_names=class_names,
        examples=examples,
        skipped=skipped,
        fitting=measured,
    )


def shape(request: Request) -> tuple[Resolution, int]:
    """Determine resolution and channels from the headers of a folder's files, without decoding.

    Raises:
        InputError: No such folder, or no image in it.
    """
    files, _ = scan(existing(request.name))
    return _shape(files, request)


def _shape(files: list[Path], request: Request) -> tuple[Resolution, int]:
    """Resolution in pixels and number of channels, of the request or else of the files."""
    resolution, channels = request.resolution, request.channels
    if not resolution or not channels:
        headers = _headers(files)
        sizes = [each.size for each in headers] or [(1, 1)]
        resolution = resolution or auto_size(sizes, request.supported)
        gray = bool(headers) and all(each.gray for each in headers)
        channels = channels or (1 if gray else 3)
    return resolution, channels


def existing(name: str) -> Path:
    """The folder that `name` means, with ~ expanded.

    Raises:
        InputError: There is no such folder.
    """
    try:
        folder = Path(name).expanduser()
    except RuntimeError as error:
        raise InputError(f"--dataset {name}: {error}") from None
    if not folder.is_dir():
        raise InputError(f"--dataset {printable(name)}: no such folder")
    return folder


def scan(folder: Path) -> tuple[list[Path], tuple[str, ...]]:
    """List the images below a folder, following links.

    Every folder is read once, under its own path rather than a link to it;
    this also ends loops. Hidden files and folders, and the folders of training
    runs, are no data.

    Args:
        folder: An existing folder.

    Returns:
        The images, sorted by path, and what was left out, each with the reason.

    Raises:
        InputError: There is no image, or the folder is a training run's.
    """
    if is_run(folder):
        raise InputError(
            f"--dataset {folder}: holds a training run, not a dataset\n"
            "name the folder of its images, such as its samples/, if you mean those"
        )
    files, skipped, seen = [], [], set()
    waiting, links = deque([folder]), deque()
    while waiting or links:
        linked = not waiting
        here = links.popleft() if linked else waiting.popleft()
        relative = here.relative_to(folder)
        try:
            status = here.stat()
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except OSError as error:
            skipped.append(f"{relative}: {error.strerror}")
            continue
        if (status.st_dev, status.st_ino) in seen:
            if linked:
                skipped.append(f"{relative}: a link to a folder that is read already")
            continue
        seen.add((status.st_dev, status.st_ino))
        if here != folder and is_run(here):
            continue
        for entry in entries:
            path = Path(entry.path)
            if entry.name.startswith("."):
                continue
            if path.is_dir():
                (links if entry.is_symlink() else waiting).append(path)
            elif reason := _reason_to_skip(path):
                skipped.append(f"{path.relative_to(folder)}: {reason}")
            elif path.suffix.lower() in image_io.SUFFIXES:
                files.append(path)
    if not files:
        left_out = f"; left out: {printable(skipped[0])}" if skipped else ""
        raise InputError(
            f"--dataset {printable(str(folder))}: no image in this folder "
            f"(looked for .png, .jpg and the other suffixes that Pillow reads){left_out}"
        )
    return sorted(files), tuple(map(printable, skipped))


def is_run(folder: Path) -> bool:
    """Whether a folder is a training run's: its samples change while it is read."""
    return (folder / "config.json").is_file() and any(
        (folder / name).exists() for name in RUN_FILES
    )


def _reason_to_skip(path: Path) -> str:
    """Why a file is not read; empty for an image, and for a file that is no image anyway."""
    suffix = path.suffix.lower()
    if suffix in COMPANIONS:
        return ""
    if suffix not in image_io.SUFFIXES:
        return f"{suffix or 'no suffix'}, not an image format that Pillow reads"
    if not path.exists():
        return "a link that leads nowhere"
    return "" if path.is_file() else "not a regular file"


class _Header(NamedTuple):
    """What is known of an image before it is decoded: (height, width), and its mode."""

    size: Size
    gray: bool
    transparent: bool


def _headers(files: list[Path], most: int = 200) -> list[_Header]:
    """Read the headers of some of the images."""
    found = []
    for path in files[:: max(1, len(files) // most)]:
        try:
            with Image.open(path, formats=image_io.FORMATS) as image:
                width, height = upright_size(image)
                gray = image.mode in ("1", "L", "LA") or image.mode.startswith(("I", "F"))
                found.append(_Header((height, width), gray, image.has_transparency_data))
        except Exception:  # Pillow's readers raise almost anything
            continue  # named and counted when it is decoded
    return found


def _digest(path: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    try:
        with path.open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    except OSError as error:
        return f"unreadable: {error.strerror}"
    return digest.hexdigest()


def _decoded_pixels(path: Path, near: int) -> int:
    """Pixels that `image_io.read_image` will decode; 0 for a file that it will refuse."""
    try:
        with Image.open(path, formats=image_io.FORMATS) as image:
            image.draft(None, (2 * near, 2 * near))
            return image.width * image.height
    except Exception:  # Pillow's readers raise almost anything
        return 0


class _PixelBudget:
    """Bounds the pixels that several threads decode at a time; a larger image goes alone."""

    def __init__(self, pixels: int):
        self.pixels, self.held = pixels, 0
        self.changed = threading.Condition()

    @contextlib.contextmanager
    def hold(self, pixels: int) -> Iterator[None]:
        pixels = min(pixels, self.pixels)
        with self.changed:
            self.changed.wait_for(lambda: self.held + pixels <= self.pixels)
            self.held += pixels
        try:
            yield
        finally:
            with self.changed:
                self.held -= pixels
                self.changed.notify_all()
