"""Frames of a square that moves over a texture, and a painter that needs no TensorFlow."""

import numpy as np
from PIL import Image


def moving(count=4, size=(48, 32)):
    """Return uint8 (T, H, W, 3): a smooth texture that moves by 2 pixels per frame."""
    width, height = size
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (height // 4, (width + 2 * count) // 4, 3), np.uint8)
    wide = np.asarray(Image.fromarray(coarse).resize((width + 2 * count, height), 3))
    return np.stack([wide[:, 2 * t : 2 * t + width] for t in range(count)])


def write(folder, images, names=None):
    """Write frames as 0.png, 1.png and so on, or under `names`."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(images):
        Image.fromarray(image).save(folder / (names[number] if names else f"{number}.png"))
    return folder


class Inverter:
    """Paints the negative, notes which frames it has painted, and may be interrupted."""

    def __init__(self, stops_at=None):
        self.stops_at, self.numbers, self.scenes = stops_at, [], []

    def __call__(self, number, frame, carried):
        if number == self.stops_at:
            raise KeyboardInterrupt
        self.numbers.append(number)
        if carried is None:
            self.scenes.append(number)
        return 255 - frame
