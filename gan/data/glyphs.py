"""Glyphs: digits and capital letters drawn from matplotlib's fonts, nothing to download."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from common import images as image_io
from gan.data.base import Request, Source, source_key
from gan.resolution import Size, auto_resolution, pair

GLYPH_CLASSES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
GLYPH_COUNT = 36_000
OWN_RESOLUTION = 32  # pixels
GLYPH_FONTS = (  # those of matplotlib's fonts that hold letters and digits
    *(f"DejaVuSans{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSansMono{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSerif{style}" for style in ("", "-Bold", "-Italic", "-BoldItalic")),
    *(f"STIXGeneral{style}" for style in ("", "Bol", "Italic", "BolIta")),
    *("cmb10", "cmr10", "cmss10", "cmti10", "cmtt10"),
)


def source(request: Request) -> Source:
    """Draw `GLYPH_COUNT` glyphs, the 36 classes in turn.

    Args:
        request: By default 32 pixels and 1 channel.

    Returns:
        A source of white characters on black, turned, sheared, scaled and
        shifted at random.
    """
    resolution = request.resolution or auto_resolution([OWN_RESOLUTION], request.supported)
    channels = request.channels or 1
    seed = request.seed
    return Source(
        name=request.name,
        key=source_key("glyphs 2", GLYPH_COUNT, GLYPH_FONTS, resolution, channels, seed),
        resolution=resolution,
        channels=channels,
        class_names=tuple(GLYPH_CLASSES),
        examples=lambda: _draw_glyphs(GLYPH_COUNT, pair(resolution), channels, seed),
    )


def _draw_glyphs(
    count: int, size: Size, channels: int, seed: int
) -> Iterator[tuple[Image.Image, int]]:
    """White letters and digits on black, varied by font, weight, pose and size.

    Drawn at three times the resolution through one random affine map, then
    reduced by box filtering. Classes come in turn, so all are equally frequent.
    """
    import matplotlib  # here, because only this dataset needs it

    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    canvas = 3 * size[1], 3 * size[0]  # width, height
    height = round(0.75 * min(canvas))
    faces = [ImageFont.truetype(str(fonts / f"{name}.ttf"), height) for name in GLYPH_FONTS]
    random = np.random.default_rng(seed)
    stencils: dict[tuple[int, int, int], Image.Image] = {}
    for index in range(count):
        label = index % len(GLYPH_CLASSES)
        face, weight = int(random.integers(len(faces))), int(random.integers(3))
        key = (face, label, weight)
        if key not in stencils:
            stencils[key] = _stencil(faces[face], GLYPH_CLASSES[label], canvas, weight)
        image = stencils[key].transform(
            canvas,
            Image.Transform.AFFINE,
            _pose(random, canvas),
            Image.Resampling.BILINEAR,
        )
        yield image.reduce(3).convert(image_io.MODES[channels]), label


def _stencil(
    face: ImageFont.FreeTypeFont, character: str, canvas: tuple[int, int], weight: int
) -> Image.Image:
    """One character, centred by its ink; `weight` thickens the strokes by that many hundredths."""
    stroke = round(weight * min(canvas) / 100)
    left, top, right, bottom = face.getbbox(character, stroke_width=stroke)
    image = Image.new("L", canvas)
    origin = ((canvas[0] - right - left) / 2, (canvas[1] - bottom - top) / 2)
    ImageDraw.Draw(image).text(origin, character, fill=255, font=face, stroke_width=stroke)
    return image


def _pose(random: np.random.Generator, canvas: tuple[int, int]) -> tuple[float, ...]:
    """Pillow's six affine coefficients, output to input: rotate, shear, scale, shift."""
    angle = np.deg2rad(random.uniform(-8.0, 8.0))
    shear = random.uniform(-0.15, 0.15)
    width, height = random.uniform(0.85, 1.15, size=2)
    shift = random.uniform(-0.06, 0.06, size=2) * min(canvas)
    rotate = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.linalg.inv(rotate @ np.array([[width, shear], [0.0, height]]))
    centre = np.array(canvas) / 2
    offset = centre - matrix @ (centre + shift)
    return (*matrix[0], offset[0], *matrix[1], offset[1])
