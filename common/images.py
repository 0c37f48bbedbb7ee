"""Image files to arrays and back, grids and animations.

Value ranges and color spaces change here and in `common/decoding.py` only. In
files and caches an image is uint8 in [0, 255]; inside the GAN it is float32 in
[-1, 1], inside style transfer float32 in [0, 1].
"""

import math
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from common import tiff16, transparency
from common.decoding import MODES, array_to_uint8, normalize, to_mode
from common.errors import InputError
from common.files import atomic_path

# Formats whose readers need other programs or only know the header, and documents
NOT_IMAGES = {"BUFR", "EPS", "GRIB", "HDF5", "IPTC", "MPEG", "WMF"}
_EXTENSIONS = Image.registered_extensions()  # also loads Pillow's readers
FORMATS = tuple(name for name in Image.ID if name in Image.OPEN and name not in NOT_IMAGES)
SUFFIXES = frozenset(suffix for suffix, name in _EXTENSIONS.items() if name in (*FORMATS, "MPO"))
JPEG = frozenset(suffix for suffix, name in _EXTENSIONS.items() if name == "JPEG")
TRANSPARENT = {"PNG", "WEBP", "TIFF", "GIF", "TGA", "AVIF", "JPEG2000", "DDS"}
# Without those that lack one of gray, RGB and RGBA, and those of icons, which change the size
WRITERS = Image.SAVE.keys() - {"BLP", "MSP", "QOI", "XBM", "ICO", "ICNS"}
WRITABLE = frozenset(suffix for suffix in SUFFIXES if _EXTENSIONS.get(suffix) in WRITERS)
RESAMPLING, BEST = Image.Resampling.LANCZOS, {"quality": 95, "subsampling": 0}  # BEST of JPEG
MAX_PIXELS = 300_000_000  # a decoded image beyond this is refused, not swapped to disk

PngImagePlugin.MAX_TEXT_CHUNK = 64 * 2**20  # bytes; photo editors store large notes
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # Pillow warns from here and refuses at twice this


def read_image(path: Path, channels: int | None = None, near: int | None = None) -> Image.Image:
    """Read an image as a viewer shows it: upright, sRGB, 8 bits per channel.

    Args:
        path: A file in any of Pillow's formats. Of an animation, the first frame.
        channels: 1, 3 or 4. None keeps gray as 1 and makes everything else 3.
            Transparency is laid over white unless there are 4.
        near: Pixels to which the caller will reduce the shorter side. A larger
            image is decoded or reduced to at least twice that, which saves
            memory.

    Raises:
        InputError: The file is missing, is not a regular file or an image, is
            broken, has values that are not finite, or more than `MAX_PIXELS`.

    Example:
        >>> read_image(Path("photo.jpg"), channels=3, near=256).mode
        'RGB'
    """
    return _read(path, near, lambda image: normalize(image, channels, near, str(path)))


def _read(path: Path, near: int | None, convert: Any) -> Image.Image:
    try:
        mode = Path(path).stat().st_mode
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "a pipe or device"
            raise InputError(f"{path}: expected a regular file, found {kind}")
        # Through an open file: by name, Pillow 13 maps uncompressed TIFFs into memory and
        # scrambles those that are stored on their side.
        with Path(path).open("rb") as file, Image.open(file, formats=FORMATS) as image:
            if near:
                image.draft(None, (2 * near, 2 * near))
            return convert(image)
    except (InputError, MemoryError):
        raise
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except UnidentifiedImageError:
        raise InputError(f"{path}: not an image that Pillow can read") from None
    except Image.DecompressionBombError:
        raise InputError(f"{path}: more than {MAX_PIXELS // 10**6} million pixels") from None
    except Exception as error:  # a damaged file makes Pillow's readers raise almost anything
        if isinstance(error, OSError) and error.errno:
            raise InputError(f"{path}: {error.strerror}") from None
        raise InputError(f"{path}: broken image ({error})") from None


def as_image(source: Any, near: int | None = None) -> Image.Image:
    """Convert a file, a Pillow image or an array to an 8-bit Pillow image, RGB or RGBA.

    Args:
        source: A path, a Pillow image (turned upright and converted to sRGB as
            a file is) or an array, also a tensor: (H, W), (H, W, 1), (H, W, 3)
            or (H, W, 4); bool, uint8, uint16, other integers in [0, 255] or
            floats in [0, 1].
        near: Pixels to which the caller will reduce one side; see `read_image`.

    Returns:
        Mode RGBA if any pixel is transparent or an array has 4 channels,
        otherwise RGB.

    Raises:
        InputError: A file that cannot be read, or an array of another shape,
            type or range.

    Example:
        >>> as_image(np.zeros((8, 8, 3))).mode
        'RGB'
    """
    if isinstance(source, str | Path):
        return _read(Path(source), near, lambda image: _with_alpha(image, near, str(source)))
    if isinstance(source, Image.Image):
        return _with_alpha(source, near, "image")
    if not hasattr(source, "__array__"):
        found = type(source).__name__
        raise InputError(f"image: expected a file, a Pillow image or an array, got {found}")
    array = np.asarray(source)
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in MODES or not array.size:
        raise InputError(f"array: expected (H, W, 1, 3 or 4), got {array.shape}")
    return to_mode(from_array(array_to_uint8(array)), 4 if array.shape[2] == 4 else 3)


def _with_alpha(image: Image.Image, near: int | None, name: str) -> Image.Image:
    """Normalize to RGBA if a pixel is transparent, otherwise to RGB."""
    image = normalize(image, 4 if image.has_transparency_data else 3, near, name)
    opaque = image.mode == "RGBA" and image.getextrema()[3] == (255, 255)
    return image.convert("RGB") if opaque else image


def image_files(folder: Path) -> list[Path]:
    """List the image files of one folder by name, without hidden files and subfolders."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and not path.is_dir()
    )


def fit_rectangle(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Cut out the largest centered rectangle of an aspect, and resample it to (height, width)."""
    height, width = size
    wide = max(1, min(image.width, round(image.height * width / height)))
    high = max(1, min(image.height, round(image.width * height / width)))
    left, top = (image.width - wide) // 2, (image.height - high) // 2
    box = (left, top, left + wide, top + high)
    if (high, wide) == size:
        return image.crop(box)
    return image.resize((width, height), RESAMPLING, box=box, reducing_gap=3.0)


def fit_longer_side(size: tuple[int, int], longer: int) -> tuple[int, int]:
    """Scale (width, height) until the longer is `longer`; the shorter stays at least 1."""
    scale = longer / max(size)
    return tuple(max(1, round(scale * side)) for side in size)


def resize(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Resample to (width, height) pixels with a filter that does not alias."""
    if image.size == size:
        return image
    return image.resize(size, RESAMPLING, reducing_gap=3.0)


def to_array(image: Image.Image) -> np.ndarray:
    """Convert a Pillow image of 8 bits per channel to uint8 (H, W, C)."""
    array = np.asarray(image)
    return array[:, :, None] if array.ndim == 2 else array


def from_array(image: np.ndarray) -> Image.Image:
    """Convert uint8 (H, W, C) with 1, 3 or 4 channels to a Pillow image."""
    return Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Convert [-1, 1] to uint8 [0, 255], rounded to nearest and clipped; any shape."""
    return np.clip(np.rint((np.asarray(images, np.float32) + 1.0) * 127.5), 0, 255).astype(np.uint8)


def to_signed(images: np.ndarray) -> np.ndarray:
    """Convert uint8 [0, 255] to float32 [-1, 1], the inverse of `to_uint8`; any shape."""
    return np.asarray(images, np.float32) / 127.5 - 1.0


def to_unit(image: np.ndarray) -> np.ndarray:
    """Convert uint8 [0, 255] or uint16 [0, 65535] to float32 [0, 1]; any shape."""
    return image.astype(np.float32) / np.iinfo(image.dtype).max


def from_unit(values: np.ndarray, bits: int = 8) -> np.ndarray:
    """Convert [0, 1] to uint8 or uint16 over their full range, rounded and clipped."""
    kind = {8: np.uint8, 16: np.uint16}[bits]
    full = np.iinfo(kind).max
    return np.clip(np.rint(np.asarray(values, np.float64) * full), 0, full).astype(kind)


def grid(images: np.ndarray, columns: int | None = None, gap: int = 2) -> np.ndarray:
    """Arrange images row by row on a gray background, or a transparent one if they have alpha.

    Args:
        images: uint8 (N, H, W, C), N at least 1.
        columns: Images per row; about the square root of N if None.
        gap: Pixels between images and around them.

    Returns:
        uint8 (rows * (H + gap) + gap, columns * (W + gap) + gap, C).
    """
    count, height, width, channels = images.shape
    columns = min(columns or math.ceil(math.sqrt(count)), count)
    rows = math.ceil(count / columns)
    size = (rows * (height + gap) + gap, columns * (width + gap) + gap, channels)
    sheet = np.full(size, 128, np.uint8)
    sheet[..., 3:] = 0
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        top, left = row * (height + gap) + gap, column * (width + gap) + gap
        sheet[top : top + height, left : left + width] = image
    return sheet


def enlarge(image: np.ndarray, factor: int) -> np.ndarray:
    """Repeat each pixel of (H, W, C) `factor` times in both directions."""
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def check_writable(path: Path, flag: str = "") -> None:
    """Check that `write_image` knows the format that a suffix names.

    Args:
        path: The file to write.
        flag: How the error names its source.

    Raises:
        InputError: The suffix is not one of `WRITABLE`.

    Example:
        >>> check_writable(Path("icon.ico"), "--out")
        InputError: --out icon.ico: images cannot be written in this format
    """
    if Path(path).suffix.lower() not in WRITABLE:
        raise InputError(
            f"{f'{flag} {path}'.strip()}: images cannot be written in this format\n"
            f"expected a name that ends in one of {', '.join(sorted(WRITABLE))}"
        )


def write_image(path: Path, image: np.ndarray) -> None:
    """Write (H, W, C) atomically in the format that the suffix names.

    Transparency is laid over white if the format has none.

    Args:
        path: Ends in one of `WRITABLE`. An existing file is replaced.
        image: uint8; or uint16, for .png and .tif.

    Raises:
        InputError: Pillow does not write this format, or it cannot hold the image.
    """
    check_writable(path)
    suffix = Path(path).suffix.lower()
    if image.dtype == np.uint16:
        if suffix not in (".png", ".tif", ".tiff"):
            raise InputError(f"{path}: 16 bits per channel fit into .png, .tif and .tiff only")
        with atomic_path(path) as temporary:
            temporary.write_bytes(_png16(image) if suffix == ".png" else tiff16.encode(image))
        return
    pillow = from_array(image)
    if pillow.mode == "RGBA" and _EXTENSIONS.get(suffix) not in TRANSPARENT:
        pillow = to_mode(pillow, 3)
    try:
        with atomic_path(path) as temporary:
            pillow.save(temporary, **(BEST if suffix in JPEG else {}))
    except (KeyError, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise  # the disk's fault, not the name's
        raise InputError(f"{path}: cannot write this image there ({error}); try .png") from None


def _png16(image: np.ndarray) -> bytes:
    # Here, because TensorFlow takes seconds to import and writes 16 bits only, which are rare
    import tensorflow as tf

    return tf.io.encode_png(image).numpy()


def write_animation(path: Path, frames: Sequence[np.ndarray], seconds: float = 6.0) -> None:
    """Write frames atomically as an endless GIF that lasts about `seconds`.

    Args:
        path: Where; the suffix becomes .gif.
        frames: uint8 (H, W, C) each, RGBA over a checkerboard. The last stays a second more.
        seconds: Time for all frames; at least 0.02 each.
    """
    images = [from_array(transparency.over_checker(frame)) for frame in frames]
    each = max(20, round(1000 * seconds / len(images)))  # milliseconds; viewers clamp below 20
    durations = [each] * (len(images) - 1) + [each + 1000]
    options = {"save_all": True, "append_images": images[1:], "duration": durations, "loop": 0}
    with atomic_path(Path(path).with_suffix(".gif")) as temporary:
        images[0].save(temporary, **options)
