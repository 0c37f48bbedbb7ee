"""A folder for the Hugging Face Hub: the unzipped Keras model, its description and its card."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from common import images as image_io
from common.priors import PRIORS
from gan import generator_file
from gan.exporting import model_card
from gan.generate import columns_for, draw, draw_latents, labels_in_turn

MOST = 64  # images in the card, or one per class


def write_folder(
    folder: Path, generator: keras.Model, about: Mapping[str, Any], readme: str
) -> None:
    """Write the files that `keras.saving.load_model("hf://user/name")` loads, and the card.

    Args:
        folder: Exists already.
        generator: Stock Keras layers in float32.
        about: What `generator_file.describe` returned.
        readme: Text of the model card.

    Example:
        >>> sorted(path.name for path in folder.iterdir())
        ['README.md', 'config.json', 'generator.json', 'metadata.json', 'model.weights.h5', ...]
    """
    generator.save(folder, zipped=False)
    (folder / generator_file.MEMBER).write_text(json.dumps(about, indent=2) + "\n")
    classes = len(about["classes"])
    count = MOST if classes == 0 else classes * max(1, MOST // classes)
    prior = PRIORS[about["latent"]["prior"]]
    latents = draw_latents(count, about["latent"]["size"], 0, prior)
    images = draw(generator, latents, labels_in_turn(count, classes))
    image_io.write_image(
        folder / model_card.SAMPLES, image_io.grid(images, columns_for(count, classes))
    )
    (folder / "README.md").write_text(readme)
