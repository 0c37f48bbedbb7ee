"""Image files to arrays and back, grids and animations.

The only place where value ranges and colour spaces change. In files and caches
a picture is uint8 in [0, 255]; inside the GAN it is float32 in [-1, 1], inside
style transfer float32 in [0, 1].
"""

import struct
import zlib

import numpy as np


def _deep_png(image: np.ndarray) -> bytes:
    """uint16 (H, W, C) as a PNG of 16 bits, which Pillow does not write in colour.

    PNG specification, third edition, sections 5 and 9.
    """
    height, width, channels = image.shape
    rows = np.ascontiguousarray(image.astype(">u2")).reshape(height, -1).view(np.uint8)
    up = np.diff(rows, axis=0, prepend=np.zeros_like(rows[:1]))  # filter 2: minus the row above
    data = zlib.compress(np.insert(up, 0, 2, axis=1).tobytes(), 6)
    header = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 3: 2, 4: 6}[channels], 0, 0, 0)

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _deep_tiff(image: np.ndarray) -> bytes:
    """uint16 (H, W, C) as an uncompressed TIFF, which Pillow does not write in colour.

    TIFF 6.0, sections 2, 6 and 18.
    """
    height, width, channels = image.shape
    data = np.ascontiguousarray(image.astype("<u2")).tobytes()
    entries = [  # tag, value: one short or long each
        (256, width),
        (257, height),
        (258, 16),  # bits a sample; with several samples, where they are listed
        (259, 1),  # uncompressed
        (262, 2 if channels > 1 else 1),  # RGB, or black is zero
        (273, 0),  # where the pixels begin
        (277, channels),
        (278, height),  # all rows in one strip
        (279, len(data)),
    ]
    if channels == 4:
        entries.append((338, 2))  # the fourth sample is unassociated alpha
    after = 8 + 2 + 12 * len(entries) + 4
    bits = struct.pack(f"<{channels}H", *[16] * channels)
    directory = struct.pack("<H", len(entries))
    for tag, value in entries:
        kind, count = (3, 1) if value < 65536 and tag != 273 else (4, 1)
        if tag == 258 and channels > 2:
            kind, count, value = 3, channels, after
        if tag == 273:
            value = after + len(bits)
        fits_in_place = kind == 3 and count == 1
        directory += struct.pack("<HHI", tag, kind, count)
        directory += struct.pack("<HH", value, 0) if fits_in_place else struct.pack("<I", value)
    return b"II*\0" + struct.pack("<I", 8) + directory + struct.pack("<I", 0) + bits + data


DEEP = {".png": _deep_png, ".tif": _deep_tiff, ".tiff": _deep_tiff}
