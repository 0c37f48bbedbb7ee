"""Image files to arrays and back, grids and animations.

The only place where value ranges and colour spaces change. Inside the networks
a picture is float32 in [-1, 1]; in files and caches it is uint8 in [0, 255].
"""

import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps, PngImagePlugin, UnidentifiedImageError

from common.files import InputError, atomic_path

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm"})
MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # channels -> Pillow's name for them
MAX_PIXELS = 300_000_000  # a decoded picture beyond this is refused, not swapped to disk

PngImagePlugin.MAX_TEXT_CHUNK = 64 * 2**20  # bytes; photo editors store large notes
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # Pillow warns from here and refuses at twice this


def read_picture(path: Path, channels: int | None = None, near: int | None = None) -> Image.Image:
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
            image = _to_mode(image, channels)
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


def _to_mode(image: Image.Image, channels: int | None) -> Image.Image:
    if channels is None:
        channels = 1 if image.mode in ("1", "L", "LA") else 3
    if channels < 4 and image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert(MODES[channels])


def fit_square(image: Image.Image, size: int) -> Image.Image:
    """The largest centred square, resampled to `size` x `size` pixels."""
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    if side == size:
        return image.crop((left, top, left + side, top + side))
    box = (left, top, left + side, top + side)
    return image.resize((size, size), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)


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
    """Writes uint8 (H, W, C) atomically; the suffix chooses the format.

    Raises:
        InputError: the suffix names no format that Pillow writes, or one that
            cannot hold the channels.
    """
    picture = _from_array(image)
    try:
        with atomic_path(path) as temporary:
            picture.save(temporary)
    except (ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise  # the disk's fault, not the name's
        raise InputError(f"{path}: cannot write this picture there ({error}); try .png") from None


def write_animation(path: Path, frames: Sequence[np.ndarray], seconds: float = 6.0) -> None:
    """Writes uint8 (H, W, C) frames as an endless GIF that lasts about `seconds`.

    The last frame stays for a second more. Written atomically.
    """
    pictures = [_from_array(frame) for frame in frames]
    each = max(20, round(1000 * seconds / len(pictures)))  # milliseconds; viewers clamp below 20
    durations = [each] * (len(pictures) - 1) + [each + 1000]
    with atomic_path(Path(path).with_suffix(".gif")) as temporary:
        pictures[0].save(
            temporary, save_all=True, append_images=pictures[1:], duration=durations, loop=0
        )


def _from_array(image: np.ndarray) -> Image.Image:
    return Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
