import numpy as np
import pytest
from PIL import Image

from style_transfer import demo


@pytest.fixture(scope="session")
def content():
    with Image.open(demo.photograph()) as image:
        return np.asarray(image.convert("RGB").resize((60, 80)))


@pytest.fixture(scope="session")
def style():
    return demo.painting(64)
