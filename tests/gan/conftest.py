"""A tiny configuration, and one finished run of the command line."""

import pytest

from gan.config import Config, DataConfig, NetworkConfig, RunConfig, StopConfig
from tests.command_line import run_here
from tests.gan.tiny import TINY


@pytest.fixture
def tiny(blobs, tmp_path):
    return Config(
        data=DataConfig(dataset=str(blobs)),
        batch_size=8,
        networks=NetworkConfig(latent_size=8, width=4),
        precision="float32",
        stop=StopConfig(epochs=2, evaluate_every=0),
        run=RunConfig(
            run_dir=tmp_path / "run",
            tick_kimg=0.032,
            steps_per_execution=2,
            cache_dir=tmp_path / "cache",
        ),
    )


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def finished(blobs, cache, tmp_path_factory):
    """A run of one epoch on two classes, and what it printed."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    classes = tmp_path_factory.mktemp("classes")
    for index, path in enumerate(sorted(blobs.iterdir()) * 2):
        (classes / "ab"[index % 2]).mkdir(exist_ok=True)
        target = classes / "ab"[index % 2] / f"{index}.png"
        target.write_bytes(path.read_bytes())
    code, out, err = run_here(
        "gan.train", "--dataset", classes, "--epochs", "1", "--run-dir", folder,
        "--cache-dir", cache, *TINY,
    )  # fmt: skip
    assert code == 0, err
    return folder, out, err
