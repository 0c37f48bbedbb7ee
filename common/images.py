"""Image files to arrays and back, grids and animations.

The only place where value ranges and colour spaces change. In files and caches
a picture is uint8 in [0, 255]; inside the GAN it is float32 in [-1, 1], inside
style transfer float32 in [0, 1].
"""

import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps, PngImagePlugin, UnidentifiedImageError

from common.deep_images import DEEP
from common.errors import InputError
from common.files import atomic_path

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm"})
MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # channels -> Pillow's name for them
RESAMPLING = Image.Resampling.LANCZOS
MAX_PIXELS = 300_000_000  # a decoded picture beyond this is refused, not swapped to disk

PngImagePlugin.MAX_TEXT_CHUNK = 64 * 2**20  # bytes; photo editors store large notes
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # Pillow warns from here and refuses at twice this


def read_image(path: Path, channels: int | None = None, near: int | None = None) -> Image.Image:
    """Opens a picture as a person would see it: upright, sRGB, 8 bits a channel.

    Args:
        path: any file that Pillow reads. Of an animation, the first frame.
        channels: 1, 3 or 4; None keeps gray as 1 and everything else as 3.
            Transparency is laid over white unless 4 channels are asked for.
        near: pixels the shorter side will be reduced to; lets a large JPEG be
            decoded at a fraction of its size, still at least twice `near`.

    Raises:
        InputError: the file is missing, is no picture, is broken, or is larger
            than `MAX_PIXELS`.
    """
    try:
        # Through an open file: by name, Pillow 13 maps uncompressed TIFFs into memory and
        # scrambles those that are stored lying on their side.
        with Path(path).open("rb") as file, Image.open(file) as image:
            if near:
                image.draft(None, (2 * near, 2 * near))
            image = ImageOps.exif_transpose(image)
            image = _to_8_bits(image)
            image = _to_srgb(image)
            image = to_mode(image, channels)
            image.load()
            return image
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except UnidentifiedImageError:
        raise InputError(f"{path}: not a picture that Pillow can read") from None
    except Image.DecompressionBombError:
        raise InputError(f"{path}: more than {MAX_PIXELS // 10**6} million pixels") from None
    except MemoryError:
        raise
    except Exception as error:  # a damaged file makes Pillow's readers raise almost anything
        raise InputError(f"{path}: broken picture ({error})") from None


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Brings 16-bit, 32-bit and float gray to 8 bits by their own full range."""
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image, dtype=np.float64)
    floats_full = 1.0 if values.max(initial=0.0) <= 1.0 else 255.0
    full = floats_full if image.mode == "F" else 65535.0
    scaled = np.clip(values / full, 0.0, 1.0) * 255.0
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def _to_srgb(image: Image.Image) -> Image.Image:
    """Converts from the embedded ICC profile; an unusable profile is ignored."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "CMYK", "RGBA"):
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = "RGB" if image.mode == "CMYK" else image.mode
        return ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), outputMode=mode
        )
    except (ImageCms.PyCMSError, OSError):
        return image


def to_mode(image: Image.Image, channels: int | None) -> Image.Image:
    """To 1, 3 or 4 channels, None as of `read_image`; what has no fourth lies over white."""
    if channels is None:
        channels = 1 if image.mode in ("1", "L", "LA") else 3
    if channels < 4 and image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert(MODES[channels])


def image_files(folder: Path) -> list[Path]:
    """The picture files of one folder, by their names; hidden ones left out."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )


def fit_square(image: Image.Image, size: int) -> Image.Image:
    """The largest centred square, resampled to `size` x `size` pixels."""
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    if side == size:
        return image.crop((left, top, left + side, top + side))
    box = (left, top, left + side, top + side)
    return image.resize((size, size), RESAMPLING, box=box, reducing_gap=3.0)


def to_array(image: Image.Image) -> np.ndarray:
    """A Pillow picture as uint8 (H, W, C)."""
    array = np.asarray(image)
    return array[:, :, None] if array.ndim == 2 else array


def to_uint8(images: np.ndarray) -> np.ndarray:
    """[-1, 1] to uint8 [0, 255], rounded to nearest and clipped; any shape."""
    return np.clip(np.rint((np.asarray(images, np.float32) + 1.0) * 127.5), 0, 255).astype(np.uint8)


def to_signed(images: np.ndarray) -> np.ndarray:
    """uint8 [0, 255] to float32 [-1, 1], the inverse of `to_uint8`; any shape."""
    return np.asarray(images, np.float32) / 127.5 - 1.0


def to_unit(image: np.ndarray) -> np.ndarray:
    """uint8 [0, 255] or uint16 [0, 65535] to float32 [0, 1]; any shape."""
    return image.astype(np.float32) / np.iinfo(image.dtype).max


def from_unit(values: np.ndarray, bits: int = 8) -> np.ndarray:
    """[0, 1] to uint8 or uint16 over their full range, rounded to nearest and clipped."""
    kind = {8: np.uint8, 16: np.uint16}[bits]
    full = np.iinfo(kind).max
    return np.clip(np.rint(np.asarray(values, np.float64) * full), 0, full).astype(kind)


def fit_longer_side(size: tuple[int, int], longer: int) -> tuple[int, int]:
    """(width, height) scaled until the longer is `longer`; the shorter stays at least 1."""
    scale = longer / max(size)
    return tuple(max(1, round(scale * side)) for side in size)


def resize(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Resampled to (width, height), with as many pixels looked at as it takes not to alias."""
    if image.size == size:
        return image
    return image.resize(size, RESAMPLING, reducing_gap=3.0)


def as_image(source: Path | str | Image.Image | np.ndarray, near: int | None = None):
    """A file, a Pillow picture or an array as an 8-bit Pillow picture, RGB or RGBA.

    Args:
        source: arrays are (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), integers
            over their full range or floats in [0, 1].
        near: pixels that one side will be reduced to; see `read_image`.

    Raises:
        InputError: a file that cannot be read, or an array of another shape.
    """
    if isinstance(source, np.ndarray):
        if source.ndim == 2:
            source = source[:, :, None]
        if source.ndim != 3 or source.shape[2] not in MODES or not source.size:
            raise InputError(f"array: expected (H, W, 1, 3 or 4), got {source.shape}")
        values = source if source.dtype.kind == "f" else to_unit(source)
        return to_mode(from_array(from_unit(values)), 4 if source.shape[2] == 4 else 3)
    if isinstance(source, Image.Image):
        return to_mode(_to_8_bits(source), 4 if source.has_transparency_data else 3)
    picture = read_image(Path(source), channels=4, near=near)
    opaque = picture.getextrema()[3] == (255, 255)
    return picture.convert("RGB") if opaque else picture


def grid(images: np.ndarray, columns: int | None = None, gap: int = 2) -> np.ndarray:
    """Lays pictures out row by row on a neutral ground.

    Args:
        images: uint8 (N, H, W, C), N at least 1.
        columns: pictures in a row; about the square root of N if None.
        gap: pixels between pictures and around them.

    Returns:
        uint8 (rows * (H + gap) + gap, columns * (W + gap) + gap, C).
    """
    count, height, width, channels = images.shape
    columns = min(columns or math.ceil(math.sqrt(count)), count)
    rows = math.ceil(count / columns)
    sheet = np.full(
        (rows * (height + gap) + gap, columns * (width + gap) + gap, channels), 128, np.uint8
    )
    for index, picture in enumerate(images):
        row, column = divmod(index, columns)
        top, left = row * (height + gap) + gap, column * (width + gap) + gap
        sheet[top : top + height, left : left + width] = picture
    return sheet


def enlarge(image: np.ndarray, factor: int) -> np.ndarray:
    """Repeats each pixel of (H, W, C) `factor` times both ways."""
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def write_image(path: Path, image: np.ndarray) -> None:
    """Writes (H, W, C) atomically; the suffix chooses the format.

    Transparency is laid over white where the format has none.

    Args:
        path: ending in one of `SUFFIXES`.
        image: uint8; or uint16, for .png and .tif.

    Raises:
        InputError: the suffix names no format that Pillow writes, or one that
            cannot hold the picture.
    """
    suffix = Path(path).suffix.lower()
    if image.dtype == np.uint16:
        if suffix not in DEEP:
            raise InputError(f"{path}: 16 bits a channel fit into {', '.join(DEEP)} only")
        with atomic_path(path) as temporary:
            temporary.write_bytes(DEEP[suffix](image))
        return
    picture = from_array(image)
    if picture.mode == "RGBA" and suffix in OPAQUE:
        picture = to_mode(picture, 3)
    options = {"quality": 95, "subsampling": 0} if suffix in (".jpg", ".jpeg") else {}
    try:
        with atomic_path(path) as temporary:
            picture.save(temporary, **options)
    except (ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise  # the disk's fault, not the name's
        raise InputError(f"{path}: cannot write this picture there ({error}); try .png") from None


OPAQUE = {".jpg", ".jpeg", ".bmp", ".ppm"}  # formats without transparency


def write_animation(path: Path, frames: Sequence[np.ndarray], seconds: float = 6.0) -> None:
    """Writes uint8 (H, W, C) frames as an endless GIF that lasts about `seconds`.

    The last frame stays for a second more. Written atomically.
    """
    pictures = [from_array(frame) for frame in frames]
    each = max(20, round(1000 * seconds / len(pictures)))  # milliseconds; viewers clamp below 20
    durations = [each] * (len(pictures) - 1) + [each + 1000]
    with atomic_path(Path(path).with_suffix(".gif")) as temporary:
        pictures[0].save(
            temporary, save_all=True, append_images=pictures[1:], duration=durations, loop=0
        )


def from_array(image: np.ndarray) -> Image.Image:
    """uint8 (H, W, C), of one, three or four channels, as a picture."""
    return Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
