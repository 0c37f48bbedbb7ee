import numpy as np
import pytest
from PIL import Image

from experiments.bench import figure

FOUND = {
    "step": [
        {
            "networks": "tutorial",
            "precision": "float32",
            "ours_images_per_second": 400.0,
            "pytorch_images_per_second": 350.0,
        },
        {"networks": "default", "precision": "bfloat16", "ours_images_per_second": 1800.0},
    ],
    "kernels": [{"precision": "bfloat16", "keras_images_per_second": 1200.0}],
    "tutorial": [{"images_per_second": 200.0}],
    "growth": [{"batch_size": {16: 9.0, 32: 14.0}, "resolution": {16: 10.0, 32: 30.0}}],
    "style": [
        {"extractor": "compact", "size": 256, "precision": "float32", "ours_seconds": 0.02},
        {"extractor": "compact", "size": 512, "precision": "float32", "ours_seconds": 0.09},
    ],
}


def test_the_figure_shows_every_way_to_train_the_same_networks():
    assert figure.bars(FOUND, "tutorial") == {
        "ours, float32": 400.0,
        "PyTorch, float32": 350.0,
        "the tutorial's loop": 200.0,
    }
    assert figure.bars(FOUND, "default") == {
        "ours, bfloat16": 1800.0,
        "kernels keras, bfloat16": 1200.0,
    }


@pytest.mark.parametrize("parts", [tuple(FOUND), ("growth",), ()])
def test_the_figure_is_made_of_what_was_measured(tmp_path, parts):
    figure.draw({part: FOUND[part] for part in parts}, tmp_path / "bench.png")
    assert np.asarray(Image.open(tmp_path / "bench.png")).std() > 5.0
