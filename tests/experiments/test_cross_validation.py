import dataclasses

import numpy as np
import pytest

from common.errors import InputError
from experiments import cross_validation, sweep
from gan.data.base import ImageDataset


def cell_of(fold, folds=3, seed=0):
    options = dataclasses.replace(cross_validation.Options(), folds=folds)
    row = f"fold {fold} of {folds}"
    return sweep.Cell(sweep.Sweep("cross_validation", {row: {}}), options, row, "", seed)


def test_every_image_is_held_out_once():
    images = np.arange(32, dtype=np.uint8).reshape(32, 1, 1, 1)
    dataset = ImageDataset("few", images, np.zeros(32, np.int32), (), "few-1")
    held_out = []
    for fold in (1, 2, 3):
        index, held = cross_validation.split(dataset, cell_of(fold))
        assert sorted([*index, *held]) == list(range(32))
        assert len(held) in (10, 11)
        held_out.extend(held)
        training = cross_validation.training(dataset, cell_of(fold))
        assert training.images.ravel().tolist() == sorted(index)
    assert sorted(held_out) == list(range(32))
    with pytest.raises(InputError, match="--folds 4: expected 40 images, found 32"):
        cross_validation.split(dataset, cell_of(1, folds=4))
    assert cell_of(1, folds=3).path != cell_of(1, folds=4).path


def test_the_report_has_mean_and_deviation(tmp_path, capsys):
    found = {
        (f"fold {n}", ""): {0: {"frechet_distance": float(n), "training_images": 1.0}}
        for n in (1, 2, 3)
    }
    cross_validation.show(found, cross_validation.Options(), tmp_path)
    said = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert said[1:6] == [
        "fold 1 1.00 1.00", "fold 2 2.00 1.00", "fold 3 3.00 1.00", "mean 2.00 1.00",
        "deviation 1.00 0.00",
    ]  # fmt: skip
    assert (tmp_path / "table.png").exists()


@pytest.mark.parametrize("folds", ["1", "0"])
def test_at_least_two_folds(folds, tmp_path):
    with pytest.raises(InputError, match=f"--folds: expected at least 2, got {folds}"):
        cross_validation.main(["--folds", folds, "--out", str(tmp_path)])


@pytest.mark.slow
def test_folds_of_blobs_from_the_command_line(blobs, tmp_path):
    arguments = [
        "--dataset",
        blobs,
        "--folds",
        "2",
        "--minutes",
        "0.05",
        "--out",
        tmp_path / "out",
        "--set",
        "networks.width=4",
        "batch_size=8",
        f"run.cache_dir={tmp_path / 'cache'}",
    ]
    assert cross_validation.main(list(map(str, arguments))) == 0
    assert len(list((tmp_path / "out").rglob("fold_*.json"))) == 2
