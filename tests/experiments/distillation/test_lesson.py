import itertools

import numpy as np
import pytest
from PIL import Image

from common.errors import InputError
from experiments import teacher
from experiments.distillation import lesson


def folder(tmp_path, count):
    for number in range(count):
        values = np.full((40, 60, 3), number, np.uint8)
        Image.fromarray(values).save(tmp_path / f"{number:02}.png")
    return tmp_path


def test_every_eighth_image_is_held_out(tmp_path):
    training, held_out = lesson.split(folder(tmp_path, 17))
    assert [path.stem for path in held_out] == ["07", "15"]
    assert len(training) == 15
    assert not set(training) & set(held_out)
    pairs = teacher.held_out_pairs(tmp_path, 3)
    assert {path for pair in pairs for path in pair} == set(held_out)
    assert all(content != style for content, style in pairs)


def test_too_few_images_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        lesson.split(tmp_path / "none")
    with pytest.raises(InputError, match="found 7 images; expected at least 8"):
        lesson.split(folder(tmp_path, 7))
    folder(tmp_path, 8)
    with pytest.raises(InputError, match="expected at least 16"):
        teacher.held_out_pairs(tmp_path, 3)


def test_images_are_loaded_at_every_size_with_the_shorter_side_of_a_crop(tmp_path):
    training, _ = lesson.split(folder(tmp_path, 8))
    loaded = lesson.load(training[:2], least=36)
    assert len(loaded) == 2 * len(lesson.SIDES)
    assert {image.shape for image in loaded} == {(40, 60, 3)}
    loaded = lesson.load(training[:1], least=50)
    assert {image.shape for image in loaded} == {(50, 60, 3)}


def test_batches_are_crops_and_textures_and_repeat_with_the_seed(monkeypatch):
    monkeypatch.setattr(lesson, "TEXTURES", 4)
    config = lesson.LessonConfig(images=None, batch_size=3, crop=24)
    noise = [np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)]
    first, again = (list(itertools.islice(lesson.batches(noise, config), 2)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first[0].shape == (3, 24, 24, 3)
    assert first[0].dtype == np.float32
    assert np.min(first) >= 0.0
    assert np.max(first) <= 1.0
    assert not np.array_equal(first[0], first[1])
