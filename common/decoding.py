"""Opened Pillow images to what a viewer shows: upright, sRGB, 8 bits per channel."""

import io
import warnings

import numpy as np
from PIL import ExifTags, Image, ImageCms

from common.errors import InputError, InputWarning

MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # channels -> Pillow's name
REDUCIBLE = frozenset({"L", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "I", "F"})
GAP = 3  # pixels kept per pixel needed; fewer would change what resampling sees
SPACES = {"L": ("GRAY", "RGB"), "RGB": ("RGB",), "RGBA": ("RGB",), "CMYK": ("CMYK",)}
TURNS = {  # EXIF orientation -> how the image is turned upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = (
    *(Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_270),
    *(Image.Transpose.TRANSVERSE, Image.Transpose.ROTATE_90),
)
_warned: set[str] = set()  # kinds of warnings, so that a folder is not one warning per file


def normalize(
    image: Image.Image, channels: int | None = None, near: int | None = None, name: str = "image"
) -> Image.Image:
    """Convert an opened image to what a viewer shows.

    The EXIF orientation is applied, the ICC profile is converted to sRGB, and
    more than 8 bits per channel are reduced to 8.

    Args:
        image: Any Pillow image; it is not changed.
        channels: 1, 3 or 4. None keeps gray as 1 and makes everything else 3.
        near: Pixels to which the caller will reduce the shorter side. A larger
            image is reduced early, to at least `GAP` times that, which saves
            memory.
        name: How warnings and errors name the image.

    Raises:
        InputError: A value is not finite.
    """
    profile, deep = image.info.get("icc_profile"), _stores_16_bits(image)
    image.load()  # a TIFF is turned here
    turn = _turn(image)
    image = _reduce(_expand(image), near)
    if turn is not None:
        image = image.transpose(turn)
    if image.mode.startswith(("I", "F")):
        image = _reduce(_to_8_bits(image, name), near)
    elif deep and 0 < max(_extrema(image)) < 16:
        _warn_of_12_bits(name)
    image = to_mode(_to_srgb(image, profile), channels)
    image.info = {}  # what it said has been applied, and must not be applied twice
    return image


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Return (width, height) of an opened image after its EXIF orientation, without decoding.

    Example:
        >>> upright_size(Image.open("portrait.jpg"))
        (3000, 4000)
    """
    turned = _turn(image) in SIDEWAYS
    return image.size[::-1] if turned else image.size


def to_mode(image: Image.Image, channels: int | None) -> Image.Image:
    """Convert to 1, 3 or 4 channels; transparency is laid over white unless there are 4.

    Args:
        image: A Pillow image of 8 bits per channel.
        channels: None keeps gray as 1 and makes everything else 3.
    """
    if channels is None:
        channels = 1 if image.mode in ("1", "L", "LA") else 3
    if channels < 4 and image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert(MODES[channels])


def array_to_uint8(array: np.ndarray) -> np.ndarray:
    """Convert an array of any numeric type to uint8, over the full range of its type.

    Args:
        array: bool, uint8, uint16, other integers in [0, 255] or floats in [0, 1];
            any shape.

    Raises:
        InputError: Not numbers, not finite, or a range that is not clear.

    Example:
        >>> array_to_uint8(np.array([0.2, 1.0]))
        array([ 51, 255], dtype=uint8)
    """
    if array.dtype.name == "bfloat16":
        array = array.astype(np.float32)
    kind = array.dtype
    if kind == np.uint8:
        return array
    if kind.kind not in "biuf":
        raise InputError(f"array: expected numbers, got {kind}")
    if not np.isfinite(array).all():
        raise InputError("array: NaN or infinite values; expected finite ones")
    low, high = float(array.min(initial=0)), float(array.max(initial=0))
    full, slack = {"b": (1, 0), "f": (1.0, 0.01)}.get(kind.kind, (255, 0))
    full = 65535 if kind == np.uint16 else full
    if low < -slack or high > full + slack:
        raise InputError(
            f"array: {kind} from {low:g} to {high:g}; expected 0 to {full:g}, or uint8 or uint16"
        )
    return np.clip(np.rint(array * np.float64(255.0 / full)), 0, 255).astype(np.uint8)


def _turn(image: Image.Image) -> Image.Transpose | None:
    """Return how the EXIF orientation turns an image; damaged EXIF says nothing, as in a viewer."""
    try:
        return TURNS.get(image.getexif().get(ExifTags.Base.Orientation))
    except Exception:  # Pillow's reader raises almost anything
        return None


def _stores_16_bits(image: Image.Image) -> bool:
    """Whether a color file has 16 bits per channel, of which Pillow keeps the upper 8."""
    tiles = getattr(image, "tile", None)
    return bool(tiles) and ";16" in str(tiles[0][3])


def _expand(image: Image.Image) -> Image.Image:
    """Replace a palette and a transparent color by channels, which can be averaged."""
    if image.mode in ("P", "PA"):
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("L", "RGB") and "transparency" in image.info:
        return image.convert({"L": "LA", "RGB": "RGBA"}[image.mode])
    return image


def _reduce(image: Image.Image, near: int | None) -> Image.Image:
    factor = min(image.size) // (GAP * near) if near else 1
    if factor < 2 or image.mode not in REDUCIBLE:
        return image
    return image.reduce(factor)


def _to_8_bits(image: Image.Image, name: str) -> Image.Image:
    """Scale gray of 16 bits, 32 bits or floats to 8 bits.

    The full range is 65535 for integers and 1 for floats, or 255 for whole
    numbers of which the largest is in [16, 255]. Values beyond are divided by
    their maximum.
    """
    values = np.asarray(image)
    if not np.isfinite(values).all():
        raise InputError(f"{name}: NaN or infinite pixels; expected finite values")
    highest = float(values.max(initial=0))
    if image.mode == "F":
        whole = 16.0 <= highest <= 255.0 and bool((values == np.rint(values)).all())
        full = 255.0 if whole else max(1.0, highest)
    else:
        full = max(65535.0, highest)
        if 0 < highest < 4096:
            _warn_of_12_bits(name)
    if full == highest and full not in (1.0, 255.0, 65535.0):
        _warn_once("range", f"{name}: values up to {highest:g} were divided by their maximum")
    scaled = np.empty(values.shape, np.uint8)
    for row, source in zip(scaled, values, strict=True):  # row by row: float64 takes 8 bytes
        row[:] = np.rint(np.clip(source / np.float64(full), 0.0, 1.0) * 255.0)
    return Image.fromarray(scaled)


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert from an embedded ICC profile; a profile that does not fit is ignored."""
    if image.mode == "LAB":
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    if not profile:
        return image
    if image.mode == "LA":
        gray, alpha = image.split()
        return Image.merge("LA", (_to_srgb(gray, profile), alpha))
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        if image.mode != "LAB" and space not in SPACES.get(image.mode, ()):
            return image
        colored = image.convert("RGB") if image.mode == "L" and space == "RGB" else image
        target = "RGBA" if image.mode == "RGBA" else "RGB"
        converted = ImageCms.profileToProfile(
            colored, source, ImageCms.createProfile("sRGB"), outputMode=target
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    return converted.convert("L") if image.mode == "L" else converted


def _extrema(image: Image.Image) -> list[float]:
    """Return the highest value of each color channel."""
    colors = image.convert("RGB") if image.mode in ("RGBA", "LA") else image
    extrema = colors.getextrema()
    return [high for _, high in (extrema if isinstance(extrema[0], tuple) else [extrema])]


def _warn_of_12_bits(name: str) -> None:
    _warn_once(
        "12 bits",
        f"{name}: 16 bits per channel, but no value above 4095, so it is dark; multiply a 12-bit "
        "image by 16",
    )


def _warn_once(kind: str, message: str) -> None:
    if kind not in _warned:
        _warned.add(kind)
        warnings.warn(message, InputWarning, stacklevel=2)
