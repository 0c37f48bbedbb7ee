"""TIFF files of 16 bits per channel, which Pillow does not write in color."""

import struct

import numpy as np


def encode(image: np.ndarray) -> bytes:
    """Encode an image as an uncompressed TIFF (TIFF 6.0, sections 2, 6 and 18).

    Args:
        image: uint16 (H, W, C) with 1, 3 or 4 channels. A fourth channel is
            alpha that is not multiplied into the colors.

    Returns:
        The bytes of the file, little-endian, in one strip.

    Example:
        >>> path.write_bytes(encode(np.zeros((2, 3, 3), np.uint16)))
    """
    height, width, channels = image.shape
    data = np.ascontiguousarray(image.astype("<u2")).tobytes()
    entries = [  # tag, value: one short or long each
        (256, width),
        (257, height),
        (258, 16),  # bits per sample; of several samples, the offset of their list
        (259, 1),  # uncompressed
        (262, 2 if channels > 1 else 1),  # RGB, or black is zero
        (273, 0),  # offset of the pixels
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
