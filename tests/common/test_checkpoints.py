import hashlib

import keras
import numpy as np
import pytest

from common import checkpoints
from common.errors import InputError


def variables(*values):
    return [keras.Variable(value, name=f"v{index}") for index, value in enumerate(values)]


def test_a_checkpoint_brings_back_every_value_and_the_state(tmp_path):
    kept = checkpoints.Checkpoints(tmp_path)
    saved = variables(np.float32([1.5, -2.0]), np.int64(7))
    kept.save("last", 100, saved, {"elapsed": 1.25})
    arrays, state = kept.load("last")
    fresh = variables(np.zeros(2, np.float32), np.int64(0))
    checkpoints.assign(fresh, arrays)
    assert [np.asarray(v).tolist() for v in fresh] == [[1.5, -2.0], 7]
    assert state == {"elapsed": 1.25}


def test_only_the_newest_checkpoints_are_kept(tmp_path):
    kept = checkpoints.Checkpoints(tmp_path, keep=2)
    for images in (100, 2000, 300):
        kept.save("last", images, variables(np.float32(images)), {})
    assert len(kept.paths("last")) == 2
    assert kept.paths("best") == []


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_a_torn_checkpoint_is_never_loaded(tmp_path, damage):
    kept = checkpoints.Checkpoints(tmp_path)
    kept.save("last", 100, variables(np.float32(1.0)), {})
    newest = kept.save("last", 200, variables(np.float32(2.0)), {})
    data = bytearray(newest.read_bytes())
    if damage == "flipped":
        data[len(data) // 2] ^= 1
    newest.write_bytes({"truncated": data[:-10], "flipped": data, "empty": b""}[damage])
    arrays, _ = kept.load("last")
    assert [float(value) for value in arrays.values()] == [1.0]
    kept.paths("last")[1].write_bytes(b"torn")
    with pytest.raises(InputError, match="torn checkpoint"):
        kept.load("last")


@pytest.mark.parametrize("state", [None, b"", b"{", b"[]", b"\xff"])
def test_a_whole_file_that_is_no_checkpoint_is_named(tmp_path, state):
    kept = checkpoints.Checkpoints(tmp_path)
    kept.folder.mkdir()
    arrays = {} if state is None else {"state": np.frombuffer(state, np.uint8)}
    np.savez(kept.folder / "x.npz", **arrays)
    digest = hashlib.blake2b((kept.folder / "x.npz").read_bytes(), digest_size=8).hexdigest()
    (kept.folder / "x.npz").rename(kept.folder / f"last-{100:012d}-{digest}.npz")
    with pytest.raises(InputError, match=r"last-0+100-\w+.npz: not a checkpoint of this version"):
        kept.load("last")


def test_the_best_outlives_the_last_it_was_made_from(tmp_path):
    kept = checkpoints.Checkpoints(tmp_path, keep=1)
    kept.promote(kept.save("last", 100, variables(np.float32(1.0)), {}))
    kept.save("last", 200, variables(np.float32(2.0)), {})
    assert [float(value) for value in kept.load("best")[0].values()] == [1.0]
    kept.promote(kept.save("last", 300, variables(np.float32(3.0)), {}))
    assert [float(value) for value in kept.load("best")[0].values()] == [3.0]
    assert len(kept.paths("best")) == len(kept.paths("last")) == 1


def test_assign_names_what_does_not_fit():
    arrays = {"0000 v0": np.zeros((2, 2))}
    with pytest.raises(InputError, match=r"'v0' has shape \(2, 2\), expected \(3,\)"):
        checkpoints.assign(variables(np.zeros(3, np.float32)), arrays)
    with pytest.raises(InputError, match=r"^--run runs/a: its checkpoint: holds no 'v1'"):
        checkpoints.assign(
            variables(np.zeros((2, 2), np.float32), np.float32(0)),
            arrays,
            "--run runs/a: its checkpoint",
        )
