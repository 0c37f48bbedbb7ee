"""The embedded demonstration: a photo from matplotlib and a painting that is drawn here."""

from pathlib import Path

import numpy as np

from style_transfer import landscape
from style_transfer.strokes import Layer, paint

CELLS = 400  # of the scene per side
LAYERS = (  # widths from a 33rd of the canvas down; the finest lie where the scene has detail
    Layer(width=0.030, length=5.0, coverage=3.0, base=1.0, variation=8.0),
    Layer(width=0.017, length=6.0, coverage=2.0, base=0.7, variation=11.0),
    Layer(width=0.0095, length=7.0, coverage=1.6, base=0.2, variation=12.0),
    Layer(width=0.0055, length=6.0, coverage=0.5, base=-0.4, variation=9.0),
)


def photograph() -> Path:
    """Return the file of a portrait of Grace Hopper (United States Navy, public domain)."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"


def painting(size: int = 768, seed: int = 0) -> np.ndarray:
    """Paint a moonlit river between hills and orchards, in brush strokes that follow the scene.

    The composition is the project's own, in the manner of the post-impressionists:
    complementary colors side by side, strokes of visible bristles from large to small.

    Args:
        size: Side in pixels.
        seed: Decides everything.

    Returns:
        uint8 (size, size, 3).

    Example:
        >>> Image.fromarray(painting(512, seed=3)).save("painting.png")
    """
    random = np.random.default_rng(seed)
    return paint(landscape.scene(min(size, CELLS), random), size, LAYERS, random)
