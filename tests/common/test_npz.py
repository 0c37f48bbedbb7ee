import io
import zipfile

import numpy as np
import pytest

from common import npz
from common.errors import InputError


def test_arrays_come_back(tmp_path):
    path = tmp_path / "weights.npz"
    np.savez(path, a=np.arange(6).reshape(2, 3), b=np.float32(1.5))
    arrays = npz.read(path)
    assert arrays.keys() == {"a", "b"}
    np.testing.assert_array_equal(npz.take(path, arrays, "a", (None, 3)), [[0, 1, 2], [3, 4, 5]])
    assert npz.take(path, arrays, "b", ()) == 1.5


@pytest.mark.parametrize(
    "content", [None, b"", b"not an archive", "torn", "single", "pickle", "text", "bits", "header"]
)
def test_files_that_are_no_archive_are_named(tmp_path, content):
    path = tmp_path / "weights.npz"
    if content == "torn":
        np.savez(path, a=np.zeros(1000))
        path.write_bytes(path.read_bytes()[:500])
    elif content == "single":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    elif content == "pickle":
        np.savez(path, a=np.array([{}], dtype=object))
    elif content == "text":
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("notes.txt", "no array")
    elif content == "bits":
        np.savez_compressed(path, a=np.random.default_rng(0).random(1000))
        data = bytearray(path.read_bytes())
        data[200:220] = bytes(20)
        path.write_bytes(data)
    elif content == "header":  # a bracket that nothing closes: TokenError
        data = io.BytesIO()
        np.save(data, np.zeros((3, 16), np.uint8))
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("a.npy", data.getvalue().replace(b"(3, 16)", b"(3, 16 "))
    elif content is not None:
        path.write_bytes(content)
    message = "no such file" if content is None else "not an .npz file of weights"
    with pytest.raises(InputError, match=message) as caught:
        npz.read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("b", (2,), "no 'b'"),
        ("a", (2, 4), r"'a' has shape \(2, 3\), expected \(2, 4\)"),
        ("a", (None,), r"expected \(any\)"),
    ],
)
def test_arrays_that_do_not_fit_are_named(tmp_path, name, shape, message):
    with pytest.raises(InputError, match=message):
        npz.take(tmp_path / "w.npz", {"a": np.zeros((2, 3))}, name, shape)
