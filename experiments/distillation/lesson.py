"""Crops and generated textures to train on; without TensorFlow."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from common import cli
from common import images as image_io
from common.errors import InputError
from style_transfer.validation import check_extractor

HELD_OUT = 8  # every 8th image is held out
SIDES = (800, 640, 500, 400, 320, 250, 200, 160, 128)  # pixels of the longer side of cropped images
TEXTURES = 400


@dataclass(frozen=True)
class LessonConfig:
    """Distil a network from a VGG-19."""

    images: Path
    """A folder of photos and paintings."""
    teacher: str = "vgg19"
    """vgg19, through Keras, or a file of its weights."""
    batch_size: int = 16
    """Crops per step."""
    crop: int = 96
    """Pixels of a crop's side."""
    sides: tuple[int, ...] = SIDES
    """Pixels of the longer sides at which the images are cropped."""
    seed: int = 0
    """Seed of crops, textures and initial weights."""
    run_dir: Path | None = None
    """Folder for TensorBoard's events; runs/distill-DATE-TIME by default."""


C = TypeVar("C", bound=LessonConfig)


def parse(config: type[C], program: str) -> tuple[C, tuple[list[Path], list[Path]]]:
    """Parse and check a command line.

    Returns:
        The configuration, and the image files to train on and held out.

    Raises:
        InputError: An argument does not fit.
    """
    parsed = cli.parse(config, program, None)
    check_extractor(parsed.teacher, "--teacher")
    return parsed, split(parsed.images)


def split(folder: Path) -> tuple[list[Path], list[Path]]:
    """List a folder's image files to train on, and those that are held out.

    Raises:
        InputError: There is no such folder, or too few images in it.
    """
    if not folder.is_dir():
        raise InputError(f"--images {folder}: no such folder")
    paths = image_io.image_files(folder)
    if len(paths) < HELD_OUT:
        raise InputError(
            f"--images {folder}: found {len(paths)} images; expected at least {HELD_OUT}"
        )
    held_out = paths[HELD_OUT - 1 :: HELD_OUT]
    return [path for path in paths if path not in held_out], held_out


def load(paths: list[Path], least: int, sides: tuple[int, ...] = SIDES) -> list[np.ndarray]:
    """Load images at several sizes.

    Args:
        paths: Image files.
        least: Pixels of the shorter side at least.
        sides: Pixels of the longer side.

    Returns:
        uint8 (H, W, 3) arrays, `len(sides)` per file.
    """
    found = []
    for path in paths:
        image = image_io.read_image(path, channels=3)
        for side in sides:
            scale = min(1.0, side / max(image.size))
            size = tuple(max(least, round(scale * pixels)) for pixels in image.size)
            found.append(np.asarray(image_io.resize(image, size)))
    return found


def texture(random: np.random.Generator, side: int) -> np.ndarray:
    """Draw white noise, colored noise, gratings or strokes: float (side, side, 3)."""
    y, x = np.mgrid[:side, :side]
    kind = random.integers(4)
    if kind == 0:
        return random.random((side, side, 3))
    if kind == 1:
        frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)) + 1 / side
        spectrum = np.fft.fft2(random.normal(size=(3, side, side)))
        noise = np.fft.ifft2(spectrum / frequency ** random.uniform(0.5, 2.5)).real
        noise = noise.transpose(1, 2, 0) @ random.normal(size=(3, 3))
        return random.random(3) + random.uniform(0.05, 0.4) * noise / noise.std()
    if kind == 2:
        waves = np.zeros((side, side, 3)) + random.random(3)
        for _ in range(random.integers(1, 5)):
            angle, frequency = random.uniform(0, np.pi), random.uniform(0.02, 0.5)
            phase = 2 * np.pi * (frequency * (x * np.cos(angle) + y * np.sin(angle)))
            wave = np.tanh(random.uniform(0.5, 6) * np.sin(phase + random.uniform(0, 2 * np.pi)))
            waves += 0.3 * wave[..., None] * random.normal(size=3)
        return waves
    canvas = np.zeros((side, side, 3)) + random.random(3)
    for _ in range(random.integers(10, 120)):
        angle, (across, down) = random.uniform(0, np.pi), random.uniform(0, side, 2)
        along = (x - across) * np.cos(angle) + (y - down) * np.sin(angle)
        aside = (y - down) * np.cos(angle) - (x - across) * np.sin(angle)
        stroke = (np.abs(along) < random.uniform(3, 30)) & (np.abs(aside) < random.uniform(0.7, 5))
        canvas[stroke] = random.random(3)
    return canvas


def crop(image: np.ndarray, random: np.random.Generator, side: int) -> np.ndarray:
    """Cut a random square out of uint8 (H, W, 3), as floats in [0, 1]."""
    top, left = (random.integers(pixels - side + 1) for pixels in image.shape[:2])
    return image[top : top + side, left : left + side] / 255.0


def batches(images: list[np.ndarray], config: LessonConfig) -> Iterator[np.ndarray]:
    """Yield endless batches, float32 (B, side, side, 3) in [0, 1]; one in five is a texture.

    Crops are rotated by quarter turns and flipped, their channels shuffled, their
    contrast changed, two blended, noise added: what an image goes through while
    it is optimized.
    """
    random = np.random.default_rng(config.seed)
    textures = [np.clip(texture(random, config.crop), 0.0, 1.0) for _ in range(TEXTURES)]

    def draw() -> np.ndarray:
        if random.random() < 0.2:
            return textures[random.integers(len(textures))]
        return crop(images[random.integers(len(images))], random, config.crop)

    def example() -> np.ndarray:
        image = np.rot90(draw(), random.integers(4))
        if random.random() < 0.5:
            image = image[:, ::-1]
        if random.random() < 0.3:
            image = image[..., random.permutation(3)]
        if random.random() < 0.5:
            mean = image.mean(axis=(0, 1))
            image = (image - mean) * random.uniform(0.3, 1.8) + mean + random.normal(0, 0.1, 3)
        if random.random() < 0.3:
            share = random.uniform(0.2, 0.8)
            image = share * image + (1 - share) * draw()
        if random.random() < 0.5:
            image = image + random.normal(0, random.uniform(0, 0.15), image.shape)
        return np.clip(image, 0.0, 1.0)

    while True:
        yield np.stack([example() for _ in range(config.batch_size)]).astype(np.float32)
