from pathlib import Path

from style_transfer.feedforward.config import Config
from style_transfer.feedforward.saved import Saved


def test_the_own_style_of_a_run_comes_after_those_of_the_run_it_extends():
    styles = ("old.jpg", "new.jpg", "newer.jpg")
    config = Config(style=(Path("a/new.jpg"), Path("a/newer.jpg")))
    found = Saved(Path("run"), config, styles, {}).own_style()
    assert found == (Path("a/new.jpg"), [0.0, 1.0, 0.0])
