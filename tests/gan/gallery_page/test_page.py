"""The page without networks, and in a browser."""

import dataclasses
import html
import json
import re

import numpy as np
import pytest
from PIL import Image

from common.errors import InputError
from gan.config import Config, DataConfig
from gan.description import Description
from gan.gallery_page import image_sections, page
from gan.gallery_page.image_sections import Neighbors
from gan.gallery_page.record import Record
from gan.networks.base import ImageSpec
from tests.browser import browse


@pytest.fixture
def record(tmp_path):
    snapshots = []
    for number in range(40):
        path = tmp_path / f"{number}.png"
        Image.new("L", (36, 36), 6 * number).save(path)
        snapshots.append((1000 * number, path))
    config = Config(data=DataConfig(dataset="/data/<b>kittens"), preset="default")
    return Record(
        folder=tmp_path,
        about={"data": {"images": 64}, "machine": {"precision": "float32"}},
        described=Description(config, ImageSpec(16, 16, 1, 2), ("a", "b"), "dcgan", "0"),
        summary={
            "status": "finished",
            "reason": "1 epoch",
            "images": 39000,
            "minutes": 0.5,
            "alarms": [{"images": 5, "failure_mode": "collapse", "advice": "try <this>"}],
        },
        metrics=[
            {"images": 1000 * n, "loss/generator": 1.0 / n, "quality/frechet_distance": 9.0 / n}
            for n in range(1, 40)
        ],
        snapshots=snapshots,
        evaluation={"protocol": {"real": "kittens"}, "scores": {"precision": 0.5, "recall": None}},
    )


@pytest.fixture
def neighbors():
    images = np.zeros((2, 16, 16, 1), np.uint8)
    return Neighbors(
        samples=images,
        images=np.zeros((2, 4, 16, 16, 1), np.uint8),
        distances=np.array([[0.5, 1.0, 1.5, 2.0]] * 2),
        typical=3.0,
        searched=64,
        training=64,
        protocol="compact",
    )


def rendered(record, neighbors):
    walk = np.full((24, 16, 16, 1), 200, np.uint8)
    return page.render(record, walk, neighbors, "python -m gan.gallery --run 'a run'")


def test_the_page_holds_everything_and_refers_to_nothing(record, neighbors):
    text = rendered(record, neighbors)
    words = html.unescape(re.sub(r"<[^>]*>|data:[^\"]*", " ", text))
    for expected in (
        "finished", "39,000", "0.5 min", "try <this>", "<b>kittens, 2 classes",
        "0.50 1.00 1.50 2.00", "64 training images", "precision", "generator 0.0256",
        "--set 'data.dataset=/data/<b>kittens'", "--run 'a run'", "data.dataset",
    ):  # fmt: skip
        assert expected in words, expected
    assert "<b>" not in text
    assert not re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?!["']?data:)[^\s>]+""", text)
    assert "http" not in text
    assert text.count('<img class="pixels"') == image_sections.MOST_FRAMES
    assert text.count("class=key") == image_sections.KEY_FRAMES


def test_a_run_that_has_just_begun_has_a_page(record):
    empty = dataclasses.replace(record, summary={}, metrics=[], snapshots=[], evaluation={})
    text = rendered(empty, InputError("--dataset x: no such folder"))
    for expected in (
        "not ended", "No samples", "No metrics", "Not shown: --dataset x: no such folder",
    ):  # fmt: skip
        assert expected in text
    assert "Evaluation" not in text


def test_a_damaged_snapshot_is_left_out(record):
    record.snapshots[3][1].write_bytes(b"")
    text = image_sections.frames_over_time(record.snapshots[:5])
    assert text.count("<figure") == 4


@pytest.mark.slow
def test_the_slider_shows_one_frame_in_a_browser(record, neighbors, tmp_path):
    probe = """<script>
      const shown = () => [...document.querySelectorAll(".frames figure")]
        .filter((each) => getComputedStyle(each).display !== "none")
        .map((each) => each.querySelector("img"))
        .filter((each) => each.complete && each.naturalWidth === 36)
        .map((each) => each.parentElement.innerText);
      addEventListener("load", () => {
        const found = { before: shown(), controls: !document.querySelector(".controls").hidden };
        document.querySelector("#time").value = 0;
        document.querySelector("#time").dispatchEvent(new Event("input"));
        found.after = shown();
        found.requests = performance.getEntriesByType("resource")
          .filter((each) => !each.name.startsWith("data:")).length;
        found.wide = document.documentElement.scrollWidth > innerWidth;
        document.body.dataset.found = JSON.stringify(found);
      });
      addEventListener("error", (event) => { document.title = event.message; });
    </script>"""
    path = tmp_path / "page.html"
    path.write_text(rendered(record, neighbors).replace("<script>", probe + "<script>"))
    text = browse(path.as_uri(), "--dump-dom", "--window-size=420,900")
    found = json.loads(html.unescape(re.search(r'data-found="([^"]*)"', text)[1]))
    assert found == {
        "before": ["39,000 images seen"],
        "after": ["0 images seen"],
        "controls": True,
        "requests": 0,
        "wide": False,
    }
    assert f"<title>{tmp_path.name}</title>" in text  # no error of the script


@pytest.mark.slow
def test_the_page_is_dark_for_those_who_prefer_it_and_prints(record, neighbors, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(rendered(record, neighbors))
    corners = []
    for scheme in (1, 0):  # light, dark
        shot = tmp_path / f"{scheme}.png"
        browse(
            path.as_uri(), f"--screenshot={shot}", "--window-size=800,600",
            f"--blink-settings=preferredColorScheme={scheme}",
        )  # fmt: skip
        with Image.open(shot) as image:
            corners.append(image.convert("L").getpixel((2, 2)))
    assert corners[0] > 250
    assert corners[1] < 50
    browse(path.as_uri(), f"--print-to-pdf={tmp_path / 'page.pdf'}")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
