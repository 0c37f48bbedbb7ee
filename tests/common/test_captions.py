import numpy as np
import pytest

from common.captions import rows_with_captions


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_rows_keep_their_pixels_beside_their_captions(channels):
    random = np.random.default_rng(0)
    rows = [random.integers(0, 200, (20, 50, channels), np.uint8) for _ in range(2)]
    sheet = rows_with_captions(rows, ["one", "a longer caption"])
    assert sheet.shape[2] == channels
    left = sheet.shape[1] - 50 - 4
    for number, row in enumerate(rows):
        top = 4 + number * 24
        np.testing.assert_array_equal(sheet[top : top + 20, left : left + 50], row)
    assert (sheet[:, :left].min(axis=(1, 2)) < 128).any()  # letters
    assert (sheet[:4] == 255).all()
