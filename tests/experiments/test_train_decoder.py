import sys

import pytest

from common.errors import InputError
from experiments import train_decoder
from style_transfer.instant import codec


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--crop", "82"), "--crop: expected a multiple of 4, got 82"),
        (("--batch-size", "5"), "--batch-size: expected an even number, got 5"),
        (("--crop", "16"), "--crop: expected"),
    ],
)
def test_bad_settings_are_named_before_anything_is_read(monkeypatch, words, message):
    monkeypatch.setattr(sys, "argv", ["train_decoder", "--images", "missing", *words])
    with pytest.raises(InputError, match=message):
        train_decoder.main()


def test_the_stride_is_the_codes():
    assert train_decoder.STRIDE == codec.STRIDE
