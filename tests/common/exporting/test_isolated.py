import pytest

from common.errors import InputError
from common.exporting import isolated


def test_an_export_that_takes_too_long_ends_in_one_line(monkeypatch):
    monkeypatch.setattr(isolated, "MINUTES", 0.005)
    with pytest.raises(InputError, match=r"--format onnx: .* more than 0.005 minutes") as error:
        isolated.run("import time; time.sleep(60)", {}, "onnx")
    assert len(str(error.value).splitlines()) == 1
