"""The command line of projection."""

import numpy as np
import pytest
from PIL import Image

from common import images as image_io
from common.errors import InputError
from gan import project, projection, sample
from gan.projection_files import read_targets

QUICK = ["--starts", "3", "--steps", "10"]


def words(run, image, out, *more):
    return ["--run", str(run), "--image", str(image), "--out", str(out), *QUICK, *more]


@pytest.fixture
def photos(tmp_path):
    """Three images of other sizes and modes than the run's, two of them with one stem."""
    folder = tmp_path / "photos"
    folder.mkdir()
    random = np.random.default_rng(0)
    for name, side in (("a.png", 16), ("b.png", 40), ("b.jpg", 64)):
        array = random.integers(0, 255, (side, side, 3), np.uint8)
        Image.fromarray(array).save(folder / name)
    return folder


def test_images_are_read_at_the_size_and_in_the_channels_of_the_run(photos):
    targets = read_targets(photos, 16, 16, 1)
    assert [target.name for target in targets] == ["a", "b-jpg", "b-png"]
    assert {target.image.shape for target in targets} == {(16, 16, 1)}
    one = read_targets(photos / "a.png", 16, 16, 3)[0].image
    np.testing.assert_array_equal(one, np.asarray(Image.open(photos / "a.png")))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"run": "nowhere"}, r"--run .*nowhere: not a run"),
        ({"image": "nowhere.png"}, r"--image .*nowhere.png: no such file or folder"),
        ({"image": "empty"}, r"--image .*empty: no images in this folder"),
        ({"image": "wide.png"}, r"--image .*wide.png: 20x10 pixels, expected the aspect .*16x16"),
        ({"image": "text.png"}, r"text.png: not an image"),
        ({"image": "other.npz"}, r"other.npz: expected `images`, uint8 \(N, 16, 16, 1\)"),
        ({"out": "text.png"}, r"--out .*text.png: .* is not a writable folder"),
        ({"out": "photos"}, r"--out .*photos: is the folder of --image"),
        ({"label": "z"}, r"--label z: expected one of: a, b"),
        ({"steps": 1}, r"--steps: expected at least 5"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_bad_input_is_refused_in_two_lines(finished, photos, tmp_path, change, message):
    (tmp_path / "empty").mkdir()
    Image.new("L", (20, 10)).save(tmp_path / "wide.png")
    (tmp_path / "text.png").write_text("no image")
    np.savez(tmp_path / "other.npz", images=np.zeros((1, 8, 8, 1), np.uint8))
    paths = {name: tmp_path / value for name, value in change.items() if isinstance(value, str)}
    paths = {name: path for name, path in paths.items() if name != "label"}
    values = {"run": finished[0], "image": photos, "out": tmp_path / "out", **change, **paths}
    with pytest.raises(InputError, match=message) as error:
        project.check(project.Config(**values))
    assert len(str(error.value).splitlines()) <= 2
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_an_interrupted_folder_is_continued_and_done_images_are_skipped(
    finished, photos, tmp_path, monkeypatch, capsys
):
    run, out = finished[0], tmp_path / "out"
    make_step = projection.Search.step

    def interrupted(self):
        make_step(self)
        if self.done == 6:
            raise KeyboardInterrupt

    monkeypatch.setattr(projection.Search, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        project.main(words(run, photos, out))
    assert "the same command continues it" in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == ["projection.json", "unfinished.npz"]

    steps = []
    monkeypatch.setattr(
        projection.Search, "step", lambda self: (make_step(self), steps.append(self.done))
    )
    assert project.main(words(run, photos, out)) == 0
    assert steps == [7, 8, 9, 10]
    names = {f"{stem}.{kind}" for stem in ("a", "b-jpg", "b-png") for kind in ("png", "gif", "npz")}
    assert {path.name for path in out.iterdir()} == {*names, "projection.json", "projections.png"}
    with np.load(out / "a.npz") as found:
        assert found["latent"].shape == (8,)
        assert found["class_name"] in ("a", "b")
        assert found["target"].shape == found["image"].shape == (16, 16, 1)
        difference = np.abs(found["image"] / 255.0 - found["target"] / 255.0)
        assert found["pixel_error"] == pytest.approx(difference.mean(), rel=1e-5)
        shown = image_io.to_array(image_io.read_image(out / "a.png"))
        np.testing.assert_array_equal(shown[8:264:16, 8:264:16, 0], found["target"][..., 0])
        np.testing.assert_array_equal(shown[8:264:16, 272:528:16, 0], found["image"][..., 0])

    steps.clear()
    (out / "b-png.npz").unlink()
    assert project.main(words(run, photos, out)) == 0
    assert "2 of 3 images are done already" in capsys.readouterr().out
    assert steps == list(range(1, 11))
    with pytest.raises(InputError, match="holds projections with other settings: seed: 0 -> 1"):
        project.main(words(run, photos, out, "--seed", "1"))


@pytest.mark.slow
def test_an_archive_of_samples_is_projected_as_gan_sample_wrote_it(finished, tmp_path):
    run, archive = finished[0], tmp_path / "own.npz"
    sample.main(["--run", str(run), "--count", "2", "--seed", "5", "--npz", str(archive)])
    arguments = words(run, archive, tmp_path / "out", "--label", "a", "--checkpoint", "last")
    assert project.main(arguments) == 0
    with np.load(archive) as own, np.load(tmp_path / "out" / "own-0.npz") as found:
        np.testing.assert_array_equal(found["target"], own["images"][0])
        assert found["label"] == 0
