"""A name or a folder to square pictures, and pictures to a tf.data pipeline.

Every source is brought once to one uint8 array, cached on disk and memory
mapped: training reads it in an order that is a pure function of the seed and
the number of pictures drawn, so a resumed run continues at the very next one.
"""

import difflib
import hashlib
import itertools
import json
import shutil
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from common import image_io
from common.files import TEMPORARY, InputError

if TYPE_CHECKING:
    import tensorflow as tf

GLYPHS = "glyphs"
GLYPH_CLASSES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
GLYPH_COUNT = 36_000
GLYPH_FONTS = (  # those of matplotlib's fonts that hold letters and digits
    *(f"DejaVuSans{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSansMono{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSerif{style}" for style in ("", "-Bold", "-Italic", "-BoldItalic")),
    *(f"STIXGeneral{style}" for style in ("", "Bol", "Italic", "BolIta")),
    *("cmb10", "cmr10", "cmss10", "cmti10", "cmtt10"),
)
MIN_RESOLUTION, MAX_RESOLUTION = 16, 128  # pixels
AUTO_RESOLUTION_LIMIT = 64  # pixels; beyond it two cores need hours
MIN_PER_CLASS = 50  # pictures; sub-folders with fewer on average are no classes to learn
HELD_OUT = 128  # pictures at most, for the figures that need some
PROBE_SECONDS = 10.0
OFFLINE_HINT = "what works offline: glyphs, a folder of pictures, a dataset downloaded before"


@dataclass(frozen=True)
class Pictures:
    """A dataset in memory-mapped form.

    Attributes:
        images: uint8 (N, H, W, C), H = W.
        labels: int32 (N,) in [0, len(class_names)); zeros without classes.
        class_names: empty where the source has no labels.
        fingerprint: differs when the pictures do.
        skipped: the files that could not be read, each with the reason.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    fingerprint: str
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class _Source:
    """What is known of a dataset before its pictures are decoded."""

    name: str
    key: str  # changes whenever the cached array would
    resolution: int
    channels: int
    class_names: tuple[str, ...]
    examples: Callable[[], Iterator[tuple[Image.Image | str, int]]]  # a str says why not


def check_resolution(resolution: int) -> None:
    """Raises InputError unless the networks can be built for `resolution` pixels.

    They double a base of 4 to 7 pixels, so 16, 20, 24, 28, 32, 40, 48, 56, 64,
    80, 96, 112 and 128 fit. 0 asks for the dataset's own.
    """
    if resolution and resolution not in supported_resolutions():
        raise InputError(
            f"--resolution: expected one of {supported_resolutions()} or 0 for the dataset's own, "
            f"got {resolution}"
        )


def supported_resolutions() -> list[int]:
    """The resolutions in pixels, ascending."""
    sizes = {base << doublings for base in (4, 5, 6, 7) for doublings in range(1, 6)}
    return sorted(size for size in sizes if MIN_RESOLUTION <= size <= MAX_RESOLUTION)


def check_dataset(name: str) -> None:
    """Raises InputError for a folder without pictures; cheap, before TensorFlow is imported."""
    if not name:
        raise InputError("--dataset: expected glyphs, a folder or a dataset's name, got nothing")
    if is_folder(name):
        _picture_files(Path(name))


def is_folder(name: str) -> bool:
    """Whether `name` means a folder rather than a dataset, whose name may be "emnist/letters"."""
    return Path(name).is_dir() or name.startswith(("/", ".", "~")) or name.endswith("/")


def load(name: str, cache: Path, resolution: int = 0, channels: int = 0, seed: int = 0) -> Pictures:
    """Loads a dataset, from the cache if it was prepared before.

    Args:
        name: "glyphs", a dataset of TensorFlow Datasets, or a folder.
        cache: where prepared arrays (and downloads) are kept.
        resolution: pixels of a side, or 0: the dataset's own, at most 64.
        channels: 1, 3, 4, or 0: the dataset's own.
        seed: draws the glyphs; other datasets do not depend on it.

    Raises:
        InputError: an unknown name, no readable picture, no network for a
            download, a resolution or channel count that does not fit.
    """
    check_resolution(resolution)
    if channels not in (0, *image_io.MODES):
        raise InputError(f"--channels: expected 0 (the dataset's own), 1, 3 or 4, got {channels}")
    if name == GLYPHS:
        source = _glyphs_source(resolution, channels, seed)
    elif is_folder(name):
        source = _folder_source(Path(name).expanduser(), resolution, channels)
    else:
        source = _tfds_source(name, cache / "tensorflow_datasets", resolution, channels)
    folder = cache / f"{Path(source.name).name}-{source.resolution}px-{source.key}"
    if not (folder / "about.json").exists():
        _prepare(source, folder)
    about = json.loads((folder / "about.json").read_text())
    labels = np.load(folder / "labels.npy")
    shape = (source.resolution, source.resolution, source.channels)
    return Pictures(
        name=source.name,
        images=np.memmap(folder / "images.raw", np.uint8, "r").reshape(len(labels), *shape),
        labels=labels,
        class_names=source.class_names,
        fingerprint=source.key,
        skipped=tuple(about["skipped"]),
    )


def _prepare(source: _Source, folder: Path) -> None:
    """Decodes a source into `folder`, which appears only when it is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=folder.parent))
    try:
        labels, skipped = [], []
        with (temporary / "images.raw").open("wb") as images:
            for picture, label in source.examples():
                if isinstance(picture, str):
                    skipped.append(picture)
                    continue
                images.write(image_io.to_array(picture).tobytes())
                labels.append(label)
        if not labels:
            raise InputError(
                f"--dataset {source.name}: none of {len(skipped)} pictures can be read; "
                f"the first: {skipped[0]}"
            )
        np.save(temporary / "labels.npy", np.asarray(labels, np.int32))
        (temporary / "about.json").write_text(json.dumps({"skipped": skipped}))
        try:
            temporary.rename(folder)
        except OSError:
            if not (folder / "about.json").exists():  # no other process was faster
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _key(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def _auto_resolution(sides: Iterable[int]) -> int:
    """The largest supported resolution that the typical picture need not be enlarged for."""
    side = min(int(np.median(list(sides))), AUTO_RESOLUTION_LIMIT)
    return max((size for size in supported_resolutions() if size <= side), default=MIN_RESOLUTION)


# Glyphs


def _glyphs_source(resolution: int, channels: int, seed: int) -> _Source:
    resolution, channels = resolution or 32, channels or 1
    return _Source(
        name=GLYPHS,
        key=_key("glyphs 2", GLYPH_COUNT, GLYPH_FONTS, resolution, channels, seed),
        resolution=resolution,
        channels=channels,
        class_names=tuple(GLYPH_CLASSES),
        examples=lambda: _draw_glyphs(GLYPH_COUNT, resolution, channels, seed),
    )


def _draw_glyphs(
    count: int, resolution: int, channels: int, seed: int
) -> Iterator[tuple[Image.Image, int]]:
    """White letters and digits on black, varied by font, weight, pose and size.

    Drawn at three times the resolution through one random affine map, then
    reduced by box filtering. Classes come in turn, so all are equally frequent.
    """
    import matplotlib  # here, because only this dataset needs it

    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    canvas = 3 * resolution
    faces = [
        ImageFont.truetype(str(fonts / f"{name}.ttf"), round(0.75 * canvas)) for name in GLYPH_FONTS
    ]
    random = np.random.default_rng(seed)
    stencils: dict[tuple[int, int, int], Image.Image] = {}
    for index in range(count):
        label = index % len(GLYPH_CLASSES)
        face, weight = int(random.integers(len(faces))), int(random.integers(3))
        key = (face, label, weight)
        if key not in stencils:
            stencils[key] = _stencil(faces[face], GLYPH_CLASSES[label], canvas, weight)
        picture = stencils[key].transform(
            (canvas, canvas),
            Image.Transform.AFFINE,
            _pose(random, canvas),
            Image.Resampling.BILINEAR,
        )
        yield picture.reduce(3).convert(image_io.MODES[channels]), label


def _stencil(face: ImageFont.FreeTypeFont, character: str, canvas: int, weight: int) -> Image.Image:
    """One character, centred by its ink; `weight` thickens the strokes by that many hundredths."""
    stroke = round(weight * canvas / 100)
    left, top, right, bottom = face.getbbox(character, stroke_width=stroke)
    image = Image.new("L", (canvas, canvas))
    origin = ((canvas - right - left) / 2, (canvas - bottom - top) / 2)
    ImageDraw.Draw(image).text(origin, character, fill=255, font=face, stroke_width=stroke)
    return image


def _pose(random: np.random.Generator, canvas: int) -> tuple[float, ...]:
    """Pillow's six affine coefficients, output to input: rotate, shear, scale, shift."""
    angle = np.deg2rad(random.uniform(-8.0, 8.0))
    shear = random.uniform(-0.15, 0.15)
    width, height = random.uniform(0.85, 1.15, size=2)
    shift = random.uniform(-0.06, 0.06, size=2) * canvas
    rotate = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.linalg.inv(rotate @ np.array([[width, shear], [0.0, height]]))
    centre = np.full(2, canvas / 2)
    offset = centre - matrix @ (centre + shift)
    return (*matrix[0], offset[0], *matrix[1], offset[1])


# A folder of pictures


def _picture_files(folder: Path) -> list[Path]:
    """The picture files below `folder`, sorted; raises InputError when there are none."""
    try:
        folder = folder.expanduser()
    except RuntimeError as error:
        raise InputError(f"--dataset {folder}: {error}") from None
    if not folder.is_dir():
        raise InputError(f"--dataset {folder}: no such folder")
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in image_io.SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if not files:
        kinds = " ".join(sorted(image_io.SUFFIXES))
        raise InputError(f"--dataset {folder}: no picture in this folder (looked for {kinds})")
    return files


def _folder_source(folder: Path, resolution: int, channels: int) -> _Source:
    """Pictures in any size, format and mode; the first level of sub-folders names the classes."""
    files = _picture_files(folder)
    tops = [path.relative_to(folder).parts[:-1][:1] for path in files]
    class_names = tuple(sorted({top[0] for top in tops})) if all(tops) else ()
    if len(class_names) < 2:
        class_names = ()
    labels = [class_names.index(top[0]) if class_names else 0 for top in tops]
    if not resolution or not channels:
        own_resolution, own_channels = _look_at(files)
        resolution, channels = resolution or own_resolution, channels or own_channels
    stamps = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]

    def read(path: Path) -> Image.Image | str:
        try:
            picture = image_io.read_picture(path, channels, near=resolution)
        except InputError as error:
            return str(error)
        return image_io.fit_square(picture, resolution)

    def examples() -> Iterator[tuple[Image.Image | str, int]]:
        with ThreadPoolExecutor() as pool:  # Pillow decodes outside the interpreter's lock
            for start in range(0, len(files), 1024):
                part = slice(start, start + 1024)
                yield from zip(pool.map(read, files[part]), labels[part], strict=True)

    return _Source(
        name=str(folder),
        key=_key("folder 2", stamps, resolution, channels),
        resolution=resolution,
        channels=channels,
        class_names=class_names,
        examples=examples,
    )


def _look_at(files: list[Path], most: int = 200) -> tuple[int, int]:
    """A resolution and a channel count that fit, from the headers of some of the files."""
    sides, gray = [], []
    for path in files[:: max(1, len(files) // most)]:
        try:
            with Image.open(path) as image:
                sides.append(min(image.size))
                gray.append(image.mode in ("1", "L", "LA") or image.mode.startswith("I;16"))
        except Exception:  # Pillow's readers raise what they like
            continue  # named and counted when it is decoded
    if not sides:
        return MIN_RESOLUTION, 3
    return _auto_resolution(sides), 1 if all(gray) else 3


# TensorFlow Datasets


def _tfds_source(name: str, data_dir: Path, resolution: int, channels: int) -> _Source:
    import tensorflow_datasets as tfds  # here, because it takes seconds

    known = tfds.list_builders()
    if name.split("/")[0].split(":")[0] not in known:
        near = difflib.get_close_matches(name, [GLYPHS, *known], n=3, cutoff=0.5)
        nearest = f"; did you mean {', '.join(near)}?" if near else ""
        raise InputError(
            f"--dataset: expected glyphs, a folder, or an image dataset of TensorFlow Datasets, "
            f"got {name!r}{nearest}"
        )
    builder = _tfds_builder(name, data_dir)
    features = dict(builder.info.features)
    image_key = next((key for key, f in features.items() if _is_image(tfds, f)), None)
    label_key = next(
        (k for k, f in features.items() if isinstance(f, tfds.features.ClassLabel)), ""
    )
    if image_key is None:
        raise InputError(f"--dataset {name}: holds no pictures, only {', '.join(features)}")
    split = "train" if "train" in builder.info.splits else next(iter(builder.info.splits))
    if not resolution or not channels:
        head = itertools.islice(tfds.as_numpy(builder.as_dataset(split=split)), 50)
        shapes = [example[image_key].shape for example in head]
        own = Counter(shape[-1] for shape in shapes).most_common(1)[0][0]
        resolution = resolution or _auto_resolution(min(shape[:2]) for shape in shapes)
        channels = channels or own

    def examples() -> Iterator[tuple[Image.Image, int]]:
        for example in tfds.as_numpy(builder.as_dataset(split=split, shuffle_files=False)):
            array = example[image_key]
            picture = Image.fromarray(array[:, :, 0] if array.shape[-1] == 1 else array)
            picture = picture.convert(image_io.MODES[channels])
            yield (
                image_io.fit_square(picture, resolution),
                int(example[label_key]) if label_key else 0,
            )

    return _Source(
        name=name,
        key=_key("tfds 2", builder.info.full_name, split, resolution, channels),
        resolution=resolution,
        channels=channels,
        class_names=tuple(features[label_key].names) if label_key else (),
        examples=examples,
    )


def _is_image(tfds, feature) -> bool:
    return isinstance(feature, tfds.features.Image) and feature.np_dtype == np.uint8


def _tfds_builder(name: str, data_dir: Path):
    """The prepared builder of a dataset; downloads it unless that was done before."""
    import tensorflow_datasets as tfds

    tfds.core.utils.gcs_utils._is_gcs_disabled = True
    try:
        builder = tfds.builder(name, data_dir=str(data_dir))
        if not builder.is_prepared():
            _probe([str(url) for url in builder.url_infos or ()], name)
            builder.download_and_prepare()
    except InputError:
        raise
    except Exception as error:  # every dataset's own code runs here
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(
            f"--dataset {name}: cannot be prepared ({reason[:200]})\n{OFFLINE_HINT}"
        ) from error
    return builder


def _probe(urls: list[str], name: str) -> None:
    """Raises InputError unless some server answers for the download, in seconds."""
    if not urls:
        return  # made on this machine
    url = urls[0]
    request = urllib.request.Request(url, method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=PROBE_SECONDS).close()
    except urllib.error.HTTPError:
        return  # a server that refuses HEAD is a network all the same
    except (OSError, ValueError) as error:
        host = urllib.parse.urlsplit(url).netloc
        raise InputError(
            f"--dataset {name}: must be downloaded, and {host} cannot be reached ({error})\n"
            f"{OFFLINE_HINT}"
        ) from None


# Pictures to batches


def share(batch_size: int, updates: int, replica: int, replicas: int) -> np.ndarray:
    """The places in a batch that one of the replicas takes: an equal part of each update's."""
    return np.arange(batch_size).reshape(updates, replicas, -1)[:, replica].ravel()


def hold_out(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of `count` pictures to learn from, and which not: a tenth, at most `HELD_OUT`."""
    order = np.random.default_rng(seed).permutation(count)
    held_out = min(HELD_OUT, count // 10)
    return np.sort(order[held_out:]), np.sort(order[:held_out])


def batches(
    pictures: Pictures,
    batch_size: int,
    seed: int,
    start: int = 0,
    mirror: bool = False,
    shares: Sequence[np.ndarray] | None = None,
    among: np.ndarray | None = None,
) -> "tf.data.Dataset":
    """An endless, shuffled stream of batches.

    Picture number n of the stream is entry n mod N of the (n div N)-th random
    permutation, computed without state: a stream that starts at `start` yields
    exactly what one that started at 0 would yield from there.

    Args:
        batch_size: pictures in a batch.
        seed: chooses the permutations.
        start: pictures already drawn, a multiple of `batch_size`.
        mirror: flips every second picture left to right at random.
        shares: places in a batch; instead of each batch the stream holds so many
            parts of it, one after the other.
        among: which pictures to draw from; all by default.

    Returns:
        Batches of float32 (B, H, W, C) in [-1, 1] and int32 labels (B,).
    """
    import tensorflow as tf  # here, because the checks above must not wait for it

    among = np.arange(len(pictures)) if among is None else among
    count = len(among)
    shares = np.stack(shares or [np.arange(batch_size)])  # (parts, B)
    shape = (shares.shape[1], *pictures.images.shape[1:])

    def gather(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        chosen = among[indices]
        return pictures.images[chosen], pictures.labels[chosen]

    def draw(part: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        batch, places = part // len(shares), tf.gather(shares, part % len(shares))
        position = batch * batch_size + tf.cast(places, tf.int64)  # (B,)
        passes = position // count
        seeds = tf.stack([0 * passes, 0 * passes + seed, passes], axis=1)  # (B, 3)
        # The raw operation: tf.random.experimental.index_shuffle 2.21 mangles a seed per index.
        indices = tf.raw_ops.RandomIndexShuffle(
            index=position % count, seed=seeds, max_index=tf.constant(count - 1, tf.int64)
        )  # (B,)
        images, labels = tf.numpy_function(gather, [indices], [tf.uint8, tf.int32], stateful=False)
        images = tf.ensure_shape(images, shape)
        if mirror:
            chance = tf.random.stateless_uniform([batch_size, 1, 1, 1], [seed, batch])
            flip = tf.gather(chance, places) < 0.5
            images = tf.where(flip, images[:, :, ::-1], images)
        return tf.cast(images, tf.float32) / 127.5 - 1.0, tf.ensure_shape(labels, shape[:1])

    stream = tf.data.Dataset.counter(start=start // batch_size * len(shares))
    stream = stream.map(draw, num_parallel_calls=2, deterministic=True)
    return stream.prefetch(4)
