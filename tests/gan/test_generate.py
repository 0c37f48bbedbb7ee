import json
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from gan import generate
from gan.build import build_gan
from gan.trainer import train
from tests.gan.tiny import build_with_tanh


@pytest.fixture
def folder(finished, tmp_path):
    """A copy of a run, to be damaged."""
    return shutil.copytree(finished[0], tmp_path / "copy")


def edit(folder, change):
    about = json.loads((folder / "config.json").read_text())
    change(about)
    (folder / "config.json").write_text(json.dumps(about))


@pytest.mark.slow
def test_a_loaded_generator_is_the_one_that_was_trained(tiny):
    result = train(tiny)
    generator, class_names = generate.load_generator(result.folder)
    assert class_names == ()
    latents = generate.draw_latents(5, 8, seed=0)
    images = generator(latents, training=False)
    expected = result.gan.ema_generator(latents, training=False)
    np.testing.assert_allclose(images, expected, atol=1e-5)
    (result.folder / "generator.keras").unlink()  # as of a killed run
    generator, _ = generate.load_generator(result.folder)
    np.testing.assert_array_equal(generator(latents, training=False), images)


@pytest.mark.slow
def test_networks_given_in_python_are_loaded_from_their_file_or_with_the_same_function(tiny):
    result = train(tiny, build=build_with_tanh)
    with pytest.raises(InputError, match=r"--run .*run: .*given in Python\n.*build=") as error:
        generate.load_generator(result.folder, "best")
    assert len(str(error.value).splitlines()) == 2
    latents = generate.draw_latents(5, 8, seed=0)
    expected = result.gan.ema_generator(latents, training=False)
    for build in (build_gan, build_with_tanh):
        generator, _ = generate.load_generator(result.folder, build=build)
        np.testing.assert_allclose(generator(latents, training=False), expected, atol=1e-5)
    edit(result.folder, lambda about: about["networks"].update(family="dcgan"))
    with pytest.raises(InputError, match="expected networks with the fingerprint") as error:
        generate.load_generator(result.folder, "best")
    assert len(str(error.value).splitlines()) == 2


def test_another_width_is_refused(folder):
    edit(folder, lambda about: about["config"]["networks"].update(width=8))
    with pytest.raises(InputError, match="fingerprint"):
        generate.load_generator(folder, "best")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda about: about.pop("networks"), "config.json has no field networks.family"),
        (lambda about: about["data"].pop("height"), "config.json has no field data.height"),
        (
            lambda about: about["networks"].update(family="lost"),
            "gan/networks/lost.py is missing",
        ),
    ],
)
def test_what_is_missing_to_rebuild_the_networks_is_named(folder, change, message):
    edit(folder, change)
    with pytest.raises(InputError, match=message) as error:
        generate.load_generator(folder, "best")
    assert str(folder) in str(error.value)
    assert len(str(error.value).splitlines()) == 2


def test_a_spherical_path_goes_through_its_corners_and_stays_on_the_sphere():
    corners = np.float32([[3, 0], [0, 3], [-3, 0]])
    path = generate.spherical_path(corners, steps=2)
    half = 3 / np.sqrt(2)
    np.testing.assert_allclose(path[:4], [[3, 0], [half, half], [0, 3], [-half, half]], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(path[:4], axis=1), 3.0, rtol=1e-6)


def test_a_spherical_path_between_equal_corners_is_finite():
    path = generate.spherical_path(np.ones((2, 4), np.float32), steps=3)
    np.testing.assert_allclose(path, np.ones((6, 4)))


def test_latents_are_normal_and_belong_to_their_seed():
    latents = generate.draw_latents(4000, 8, seed=1)
    assert latents.dtype == np.float32
    assert abs(latents.mean()) < 0.02
    assert latents.std() == pytest.approx(1.0, abs=0.02)
    np.testing.assert_array_equal(latents, generate.draw_latents(4000, 8, seed=1))


@given(st.integers(1, 200), st.integers(0, 60))
def test_a_grid_has_as_many_columns_as_fit_its_classes(count, classes):
    columns = generate.columns_for(count, classes)
    assert 1 <= columns <= max(count, 12)
    labels = generate.labels_in_turn(count, classes)
    assert labels.shape == (count,)
    assert set(labels) <= set(range(max(classes, 1)))
    if 0 < classes <= 20 and count % classes == 0:
        assert columns == classes  # a column for each class
