"""The notebooks: nothing but input is committed, and they run from a fresh clone."""

import json
import os
import signal

import pytest

from tests.command_line import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_output_is_committed(path):
    cells = json.loads(path.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert len({cell["id"] for cell in cells}) == len(cells)


def outputs(notebook, name):
    """Return the MIME types, and the text, of what a cell has shown."""
    (cell,) = [cell for cell in notebook.cells if cell.id == name]
    data = [output.get("data", {}) for output in cell.outputs]
    text = "".join(output.get("text", "") for output in cell.outputs)
    return {kind for each in data for kind in each}, text + "".join(
        str(each.get("text/html", "")) for each in data
    )


@pytest.mark.slow
def test_the_quickstart_trains_samples_stylizes_and_shows_tensorboard(tmp_path, monkeypatch):
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    from tensorboard import manager

    settings = {
        "QUICKSTART_MINUTES": "0.05",
        "QUICKSTART_SIZE": "64",
        "QUICKSTART_ITERATIONS": "20",
        "QUICKSTART_RUN": str(tmp_path / "runs" / "quickstart"),
        "TMPDIR": str(tmp_path),  # where TensorBoard notes its servers
        "IPYTHONDIR": str(tmp_path / "ipython"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.read(ROOT / "notebooks" / "quickstart.ipynb", as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=240, resources={"metadata": {"path": ROOT / "notebooks"}}
    )
    monkeypatch.setattr("tempfile.tempdir", None)  # read TMPDIR again
    try:
        client.execute()
    finally:
        for server in manager.get_all():
            os.kill(server.pid, signal.SIGTERM)
    assert "finished: used its 0.05 minutes" in outputs(notebook, "train")[1]
    for name in ("metrics", "sample", "interpolate", "stylize"):
        assert "image/png" in outputs(notebook, name)[0], name
    assert "image/gif" in outputs(notebook, "grid")[0]
    assert "<iframe" in outputs(notebook, "tensorboard")[1]
    assert (tmp_path / "runs" / "quickstart" / "summary.json").exists()
