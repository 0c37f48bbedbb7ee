"""Random image files: formats, modes, profiles, orientations, damage and lies in the header."""

import io
import os
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageCms

from common import tiff16

Image.init()  # finds Pillow's writers
FORMATS = {  # suffix -> Pillow's format
    **{".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".jfif": "JPEG", ".jpe": "JPEG"},
    **{".gif": "GIF", ".bmp": "BMP", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"},
    **{".ppm": "PPM", ".pgm": "PPM", ".tga": "TGA", ".ico": "ICO", ".jp2": "JPEG2000"},
    **{".pcx": "PCX", ".sgi": "SGI", ".dds": "DDS", ".avif": "AVIF", ".im": "IM"},
    **{".PNG": "PNG", ".Jpg": "JPEG", ".apng": "PNG"},
}
COMMON = (".png", ".jpg", ".gif", ".tif", ".webp", ".bmp")
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "I;16", "F")
STEMS = (
    *("a", "b", "photo 1", "my painting", "  two spaces", "caf\u00e9", "cafe\u0301", "\u732b"),
    *("\U0001f408", "-x", "--help", "-", "a=b", "%s%d", "{0}", "[red]x", "$(x)", "'q'", '"q"'),
    *("*", "a,b", "a;b", "#", "~", "x.tar", "...", "0", "None", "a" * 120, "\u202etxt", "tab\tx"),
    *("line\nbreak", "\n", "two\n\nlines\n", "re\rturn", "\x1b[31mred", "bell\x07", "\x7f"),
    *("a\x85b", "a\u2028b", "\x01", "error: no\nsuch file"),
    *(os.fsdecode(b"caf\xe9"), os.fsdecode(b"\xff\xfe"), os.fsdecode(b"b\xc3")),
)


def pick(rng: np.random.Generator, items: object) -> object:
    """Choose one item of a sequence, which may hold items of any type."""
    items = tuple(items)
    return items[int(rng.integers(len(items)))]


def name(rng: np.random.Generator, suffix: str = "") -> str:
    """Draw a file name: often plain, sometimes with spaces, line breaks, stray bytes or dashes."""
    stem = pick(rng, STEMS) if rng.random() < 0.6 else f"file{rng.integers(1000)}"
    return f"{stem}{suffix}"


def file(rng: np.random.Generator, plain: float = 0.3) -> tuple[str, bytes]:
    """Draw an image file, or something with the name of one.

    Args:
        rng: The source of all randomness.
        plain: Probability of an ordinary image.

    Returns:
        Its suffix and its bytes.

    Example:
        >>> suffix, data = file(np.random.default_rng(0))
    """
    if rng.random() < plain:
        return pick(rng, COMMON), encode(rng, "RGB", pick(rng, (".png", ".bmp")), side(rng, 16, 40))
    makers: tuple[Callable[[np.random.Generator], tuple[str, bytes]], ...] = (
        *(_any_mode, _any_mode, _any_mode, _damaged, _damaged, _float_tiff, _sixteen_bits),
        *(_animation, _forged_png, _no_image, _extreme_size),
    )
    return pick(rng, makers)(rng)


def side(rng: np.random.Generator, low: int, high: int) -> tuple[int, int]:
    """Draw (width, height), each from `low` to `high`."""
    width, height = rng.integers(low, high + 1, size=2)
    return int(width), int(height)


def size(rng: np.random.Generator) -> tuple[int, int]:
    """Draw (width, height) from 1x1 to a few hundred pixels, mostly small."""
    if rng.random() < 0.15:
        return pick(rng, ((1, 1), (1, 2), (2, 1), (15, 16), (16, 15), (16, 300), (700, 16), (3, 3)))
    return side(rng, 16, 48) if rng.random() < 0.7 else side(rng, 1, 200)


def encode(rng: np.random.Generator, mode: str, suffix: str, shape: tuple[int, int]) -> bytes:
    """Encode random pixels; a mode that the format lacks becomes RGB.

    Args:
        rng: The source of all randomness.
        mode: Pillow's name of the mode.
        suffix: One of `FORMATS`.
        shape: (width, height) in pixels.
    """
    image = _pixels(rng, mode, shape)
    options = _options(rng, image)
    for attempt, more in ((image, options), (image, {}), (image.convert("RGB"), {})):
        buffer = io.BytesIO()
        try:
            attempt.save(buffer, FORMATS[suffix], **more)
            return buffer.getvalue()
        except Exception:  # Pillow's writers raise almost anything for what they cannot write
            continue
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


def _pixels(rng: np.random.Generator, mode: str, shape: tuple[int, int]) -> Image.Image:
    width, height = shape
    if mode == "F":
        high = pick(rng, (1.0, 0.1, 255.0, 1e30))
        return Image.fromarray((rng.random((height, width)) * high).astype(np.float32))
    if mode in ("I", "I;16"):
        high = pick(rng, (2, 256, 4096, 65536))
        values = rng.integers(high, size=(height, width))
        return Image.fromarray(values.astype(np.int32 if mode == "I" else np.uint16))
    colors = Image.fromarray(rng.integers(256, size=(height, width, 3)).astype(np.uint8))
    if mode == "PA":
        return colors.convert("P").convert("PA")
    if mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        found = ImageCms.profileToProfile(
            colors, ImageCms.createProfile("sRGB"), lab, outputMode="LAB"
        )
        del found.info["icc_profile"]  # it holds the time of its creation
        return found
    image = colors.convert(mode)
    if mode in ("LA", "RGBA"):
        alpha = rng.integers(256, size=(height, width)) * rng.integers(2)
        image.putalpha(Image.fromarray(alpha.astype(np.uint8)))
    return image


def _options(rng: np.random.Generator, image: Image.Image) -> dict[str, object]:
    options: dict[str, object] = {}
    if rng.random() < 0.4:
        options["icc_profile"] = _profile(rng)
    if rng.random() < 0.4:
        exif = Image.Exif()
        exif[0x0112] = pick(rng, (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 65535))
        options["exif"] = exif.tobytes() if rng.random() < 0.9 else rng.bytes(40)
    if rng.random() < 0.2:
        transparent = {"RGB": (1, 2, 3), "L": 5, "P": pick(rng, (0, b"\x00\x80", 300))}
        options["transparency"] = transparent.get(image.mode, 0)
    if rng.random() < 0.2:
        options["compression"] = pick(rng, ("tiff_lzw", "packbits", "tiff_deflate"))
    if rng.random() < 0.2:
        options["progressive"] = True
    return options


def _profile(rng: np.random.Generator) -> bytes:
    whole = ImageCms.ImageCmsProfile(
        ImageCms.createProfile(pick(rng, ("sRGB", "LAB", "XYZ")))
    ).tobytes()
    whole = whole[:24] + bytes(12) + whole[36:]  # without the time of its creation
    if rng.random() < 0.5:
        return whole
    damaged = bytearray(whole)
    for place in rng.integers(len(damaged), size=20):
        damaged[place] = int(rng.integers(256))
    return pick(rng, (b"", rng.bytes(200), whole[: len(whole) // 2], bytes(damaged)))


def _any_mode(rng: np.random.Generator) -> tuple[str, bytes]:
    suffix = pick(rng, FORMATS)
    data = encode(rng, pick(rng, MODES), suffix, size(rng))
    return (suffix if rng.random() < 0.9 else pick(rng, FORMATS)), data


def _damaged(rng: np.random.Generator) -> tuple[str, bytes]:
    suffix = pick(rng, FORMATS)
    data = bytearray(encode(rng, pick(rng, MODES), suffix, size(rng)))
    if rng.random() < 0.5:
        return suffix, bytes(data[: int(rng.integers(len(data)))])
    for place in rng.integers(len(data), size=int(rng.integers(1, 30))):
        data[place] = int(rng.integers(256))
    return suffix, bytes(data)


def _float_tiff(rng: np.random.Generator) -> tuple[str, bytes]:
    width, height = size(rng)
    values = rng.normal(size=(height, width)).astype(np.float32)
    values[0, 0] = pick(rng, (np.nan, np.inf, -np.inf, 1e38, 0.0, -1.0))
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "TIFF")
    return pick(rng, (".tif", ".tiff", ".TIF")), buffer.getvalue()


def _sixteen_bits(rng: np.random.Generator) -> tuple[str, bytes]:
    width, height = size(rng)
    channels, high = pick(rng, (1, 3, 4)), pick(rng, (16, 4096, 65536))
    values = rng.integers(high, size=(height, width, channels)).astype(np.uint16)
    if rng.random() < 0.5:
        return ".tif", tiff16.encode(values)
    color = {1: 0, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return ".png", png((width, height), rows, bits=16, color=color)


def _animation(rng: np.random.Generator) -> tuple[str, bytes]:
    frames = [_pixels(rng, pick(rng, ("P", "RGB", "L")), side(rng, 8, 30)) for _ in range(3)]
    buffer = io.BytesIO()
    suffix = pick(rng, (".gif", ".webp", ".png", ".tif"))
    frames = [frame.resize(frames[0].size) for frame in frames]
    frames[0].save(buffer, FORMATS[suffix], save_all=True, append_images=frames[1:])
    return suffix, buffer.getvalue()


def _forged_png(rng: np.random.Generator) -> tuple[str, bytes]:
    """A PNG whose header promises another size than its data, from none to far too many."""
    sizes = ((0, 0), (0, 5), (100_000, 100_000), (2**31 - 1, 1), (20_000, 20_000), (40, 40))
    return ".png", png(pick(rng, sizes), rng.bytes(500), bits=8, color=pick(rng, (0, 2, 3, 6, 7)))


def _no_image(rng: np.random.Generator) -> tuple[str, bytes]:
    texts = (b"", b"\0", b"\n", b"<html>404</html>", b"%PDF-1.4", b"GIF89a", b"\x89PNG\r\n\x1a\n")
    return pick(rng, FORMATS), pick(rng, (*texts, b"BM", b"II*\0", rng.bytes(300)))


def _extreme_size(rng: np.random.Generator) -> tuple[str, bytes]:
    """A very long or, rarely, a large image; uniform, so that its file is small."""
    shapes = [(1, 5000), (5000, 1), (17, 9000), (20_000, 16), (2, 2), (1, 1)]
    shape = pick(rng, shapes) if rng.random() < 0.95 else (6000, 5000)
    buffer = io.BytesIO()
    Image.new(pick(rng, ("L", "RGB", "RGBA")), shape, 200).save(buffer, "PNG")
    return ".png", buffer.getvalue()


def png(shape: tuple[int, int], rows: bytes, bits: int, color: int) -> bytes:
    r"""Assemble a PNG file, true or forged (ISO/IEC 15948, sections 5 and 11).

    Args:
        shape: (width, height) that the header names.
        rows: Filtered rows before compression.
        bits: Bits per channel.
        color: Color type: 0 gray, 2 RGB, 3 palette, 6 RGBA.

    Example:
        >>> png((1, 1), b"\0\xff", bits=8, color=0)[:4]
        b'\x89PNG'
    """

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", *shape, bits, color, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
