"""Videos in and out; skipped where imageio-ffmpeg is not installed."""

import subprocess
from fractions import Fraction

import numpy as np
import pytest

from common.errors import InputError, InputWarning
from style_transfer.video import ffmpeg, frames
from tests.style_transfer.video.clips import moving, write


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A video of 7 frames with sound, at 30000/1001 frames per second."""
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    folder = tmp_path_factory.mktemp("clip 100%d")
    write(folder / "in", moving(7, (49, 32)), [f"{n:06d}.png" for n in range(7)])
    sound = folder / "sound.wav"
    words = ["-v", "error", "-f", "lavfi", "-i", "sine=440:duration=0.2", str(sound)]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), *words], check=True)
    out = folder / "clip.mp4"
    ffmpeg.encode(folder / "in", Fraction(30000, 1001), out, sound)
    assert list(folder.glob(".tmp*")) == []
    return out


def test_frames_rate_and_sound_survive(clip):
    found = frames.open_clip(clip)
    assert (found.size, found.rate) == ((48, 32), Fraction(30000, 1001))
    images = list(frames.read(found, found.size))
    assert len(images) == 7
    means = moving(7, (49, 32))[:, :, :48].mean(axis=(1, 2))
    np.testing.assert_allclose(np.mean(images, axis=(1, 2)), means, atol=3.0)
    (last,) = frames.read(found, found.size, first=6)
    np.testing.assert_array_equal(last, images[6])
    said = subprocess.run(
        [ffmpeg.program("--input"), "-i", str(clip)], capture_output=True, text=True
    ).stderr
    assert "Audio: " in said


def test_broken_clips_are_named_in_one_line(clip, tmp_path):
    torn = tmp_path / "torn.mp4"
    torn.write_bytes(clip.read_bytes()[:200])
    with pytest.raises(InputError, match=r"--input .*torn\.mp4: no video that ffmpeg can") as error:
        frames.open_clip(torn)
    assert len(str(error.value).splitlines()) == 1
    assert len(str(error.value)) < 200 + len(str(torn))
    text = tmp_path / "text.mkv"
    text.write_text("no video")
    with pytest.raises(InputError, match=r"text\.mkv: .*Invalid data found"):
        frames.open_clip(text)


def test_a_clip_that_ends_early_gives_what_it_has(clip, tmp_path):
    found = frames.open_clip(clip)
    stream = ffmpeg.Stream(found.size, found.rate, found.frames)
    with pytest.warns(InputWarning, match=r"gone\.mp4: ends after 0 frames"):
        assert list(ffmpeg.decode(tmp_path / "gone.mp4", stream)) == []


def test_a_missing_package_is_named_with_its_command(monkeypatch, tmp_path):
    monkeypatch.setattr(ffmpeg.importlib.util, "find_spec", lambda name: None)
    (tmp_path / "clip.mp4").write_bytes(b"")
    with pytest.raises(InputError, match="need the package imageio-ffmpeg") as error:
        frames.open_clip(tmp_path / "clip.mp4")
    assert str(error.value).splitlines()[1].endswith("pip install -r requirements-extra.txt")


def test_messages_are_shortened():
    said = "[mov,mp4 @ 0x55] moov atom not found\n[in#0 @ 0x5] Error opening input: Invalid data"
    assert ffmpeg.shortened(said) == "moov atom not found"
    assert ffmpeg.shortened("file:/a/b.mp4: Invalid data found") == "Invalid data found"
