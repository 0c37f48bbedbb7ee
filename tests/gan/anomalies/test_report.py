import csv

import numpy as np
import pytest

from gan.anomalies import report
from gan.anomalies.folders import TestSet
from gan.anomalies.report import Detection

NAMES = ("good/a.png", "good/$b,_.png", "scratch/c.png")
TEST = TestSet(np.zeros((3, 4, 4, 1), np.uint8), NAMES, ("good", "good", "scratch"))
CALIBRATION = np.arange(19.0)
DETECTION = Detection(
    CALIBRATION, np.array([3.0, 0.5, 30.0]), 0.2, (np.array([3.0, 0.5, 1.0]),) * 2
)


def test_a_detection_has_p_values_and_flags():
    assert DETECTION.p_values == pytest.approx([17 / 20, 19 / 20, 1 / 20])
    assert DETECTION.flagged.tolist() == [False, False, True]


def test_the_numbers_of_a_detector():
    found = report.summarize(DETECTION, TEST.anomalous)
    assert found == {
        "auroc": 1.0,
        "auroc_each_seed": [0.5, 0.5],
        "flagged": 1,
        "false_share": 0.0,
        "found_share": 1.0,
    }
    assert report.summarize(DETECTION, None) == {"flagged": 1}
    assert report.summarize("nothing", TEST.anomalous) == {"missing": "nothing"}


def test_the_table_shows_mean_and_deviation_over_seeds():
    rows = {
        "ours": {"auroc": 0.9, "auroc_each_seed": [0.8, 0.9], "flagged": 5, "false_share": 0.2,
                 "found_share": 0.5},
        "theirs": {"auroc": 0.7, "auroc_each_seed": [], "flagged": 0, "false_share": 0.0,
                   "found_share": 0.0},
        "another": {"missing": "not installed"},
        "normal only": {"auroc": np.nan, "auroc_each_seed": [np.nan], "flagged": 2,
                        "false_share": 1.0, "found_share": np.nan},
    }  # fmt: skip
    lines = report.table(rows, 0.1, labelled=True).splitlines()
    lines = [" ".join(line.split()) for line in lines]
    assert lines[1] == "ours 0.850 ± 0.071 0.800 0.900 5 20 % 50 %"
    assert lines[2] == "theirs 0.700 - 0 0 % 0 %"
    assert lines[3] == "another not installed"
    assert lines[4] == "normal only - - 2 100 % -"
    found = report.table({"ours": {"flagged": 3}}, 0.05, labelled=False).splitlines()
    assert [line.split() for line in found] == [
        ["detector", "flagged", "at", "0.05"],
        ["ours", "3"],
    ]


def test_the_csv_has_the_least_normal_image_first(tmp_path):
    report.write_csv(tmp_path / "a.csv", TEST, DETECTION, np.array([0.1, 0.2, 0.3]))
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["file", "kind", "score", "score_deviation", "p_value", "flagged"]
    assert rows[1] == ["scratch/c.png", "scratch", "30", "0.3", "0.05", "1"]
    assert [row[0] for row in rows[2:]] == ["good/a.png", "good/$b,_.png"]


def test_heat_maps_run_from_black_to_bright(tmp_path):
    heat = np.array([[0.0, 0.5], [1.0, 2.0]])
    colors = report.colored(heat, 1.0).astype(int).sum(axis=2)
    assert colors[0, 0] < 10 < colors[0, 1] < colors[1, 0] == colors[1, 1]
    report.write_heat_maps(tmp_path, NAMES, np.stack([heat] * 3), 1.0)
    assert sorted(path.name for path in tmp_path.rglob("*.png")) == [
        "$b,_.png.png", "a.png.png", "c.png.png"
    ]  # fmt: skip
    assert report.brightest(np.linspace(0.0, 1.0, 1001)) == pytest.approx(0.999)


def test_the_picture_shows_both_ends(tmp_path):
    heat = np.random.default_rng(0).random((3, 4, 4))
    figure = report.picture(TEST, DETECTION, TEST.images, heat, 1.0)
    report.save_picture(figure, tmp_path / "a.png")
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles[0] == "scratch/c.png\nscore 30\np 0.05, flagged"
    assert titles[3].startswith("good/\\$b,_.png\nscore 0.5")
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    def interrupted():
        with report.whole_folder(tmp_path / "out") as temporary:
            (temporary / "a").write_text("1")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "out").mkdir()  # empty
    with report.whole_folder(tmp_path / "out") as temporary:
        (temporary / "a").write_text("1")
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "a"]
