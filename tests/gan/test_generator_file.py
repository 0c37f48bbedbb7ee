import json
import shutil
import zipfile

import pytest

from common.checkpoints import Checkpoints
from common.errors import InputError
from gan import generator_file


@pytest.fixture
def folder(finished, tmp_path):
    return shutil.copytree(finished[0], tmp_path / "copy")


def change(path, **fields):
    about = generator_file.read(path) | fields
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[generator_file.MEMBER] = json.dumps(about).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def test_a_finished_run_has_a_described_generator(folder):
    source = generator_file.find(folder)
    assert source.file == folder / "generator.keras"
    assert source.images_seen == 128
    about = generator_file.read(source.file)
    assert about["latent"] == {"size": 8, "prior": "normal", "deviation": 1.0}
    assert about["classes"] == ["a", "b"]
    assert about["images"] == {"height": 16, "width": 16, "channels": 1, "range": [-1, 1]}


def test_the_file_is_read_unless_a_checkpoint_has_seen_more_images(folder):
    newest = Checkpoints(folder).paths("last")[0]
    newer = newest.with_name(newest.name.replace(f"{128:012d}", f"{160:012d}"))
    newer.write_bytes(newest.read_bytes())  # as of a resumed run that is still training
    assert generator_file.find(folder).file is None
    newer.unlink()
    assert generator_file.find(folder).file
    assert generator_file.find(folder, "best").file is None
    assert generator_file.find(folder, own=True).file is None


def test_the_file_is_enough_and_so_is_the_checkpoint(folder):
    checkpoints = (folder / "checkpoints").rename(folder / "elsewhere")
    assert generator_file.find(folder).file
    (folder / "generator.keras").unlink()
    with pytest.raises(InputError, match="no 'last' checkpoint"):
        generator_file.find(folder)
    checkpoints.rename(folder / "checkpoints")
    source = generator_file.find(folder)
    assert source.file is None
    assert source.images_seen == 128


def torn(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.write_bytes(b""), "cannot be read .*zip"),
        (torn, "cannot be read .*torn"),
        (lambda path: change(path, classes=3), "no field classes"),
        (lambda path: change(path, fingerprint="0"), "fingerprint 0, .*\n.*another run"),
    ],
)
def test_a_damaged_file_and_one_of_another_run_are_refused(folder, damage, message):
    damage(folder / "generator.keras")
    with pytest.raises(InputError, match=message) as error:
        generator_file.find(folder)
    assert len(str(error.value).splitlines()) == 2


def test_a_mixture_is_described_with_its_means(folder):
    latent = generator_file._describe_latent("mixture", 8)
    assert latent["components"] == len(latent["means"]) == 10
    assert {len(mean) for mean in latent["means"]} == {8}
