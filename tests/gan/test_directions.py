"""The command line of directions."""

from pathlib import Path

import numpy as np
import pytest

from common import images as image_io
from common.errors import InputError
from gan import directions


def test_each_direction_is_a_row_of_walks_around_the_same_images(finished, tmp_path, capsys):
    out = tmp_path / "strip.png"
    words = ["--run", str(finished[0]), "--out", str(out), "--count", "3", "--label", "b"]
    assert directions.main(words) == 0
    assert "3 of 8 directions" in capsys.readouterr().out
    strip = image_io.to_array(image_io.read_image(out))
    height, width, _ = strip.shape
    side = 3 * 16  # pixels of an enlarged image
    assert height == 3 * (side + 4) + 4
    rows = [strip[4 + n * (side + 4) :][:side, width - 4 - 9 * side : width - 4] for n in range(3)]
    middles = [row[:, 4 * side : 5 * side] for row in rows]  # of the second walk
    np.testing.assert_array_equal(middles[0], middles[1])
    assert not np.array_equal(rows[0], rows[1])
    directions.main([*words, "--seed", "1"])
    assert not np.array_equal(strip, image_io.to_array(image_io.read_image(out)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"run": Path("/no/such/run")}, "--run /no/such/run: not a run"),
        ({"count": 0}, "--count: expected at least 1"),
        ({"count": 9}, "--count 9: the latent space has only 8 dimensions"),
        ({"distance": 0.0}, "--distance: expected more than 0"),
        ({"label": "z"}, "--label z: expected one of: a, b"),
        ({"out": Path("/")}, "--out /: a folder; expected the name of a file"),
        ({"out": Path("strip.xyz")}, "--out strip.xyz: images cannot be written in this format"),
    ],
    ids=str,
)
def test_bad_input_is_refused_before_tensorflow(finished, tmp_path, changes, message):
    values = {"run": finished[0], "out": tmp_path / "strip.png", **changes}
    with pytest.raises(InputError, match=message):
        directions.check(directions.Config(**values))


def test_a_walk_has_the_latent_itself_in_its_middle():
    latents = np.random.default_rng(0).normal(size=(2, 5)).astype(np.float32)
    path = directions.walk(latents, np.eye(5)[2], 2.0)
    np.testing.assert_array_equal(path[:, 4], latents)
    np.testing.assert_allclose(path[:, -1] - path[:, 0], np.eye(5)[[2, 2]] * 4.0, atol=1e-6)
