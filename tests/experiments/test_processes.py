import os

import pytest

from experiments import processes


def double(number):
    print("not to be seen")
    return {"double": 2 * number, "process": os.getpid()}


def touch(path):
    path.write_text(str(os.getpid()))


def fail(path):
    raise ValueError(path)


@pytest.mark.slow
def test_a_function_alone_has_a_process_whose_memory_is_measured(capfd):
    row = processes.alone(f"{__name__}.double", 21)
    assert row["double"] == 42
    assert row["process"] != os.getpid()
    assert 5 < row["peak_megabytes"] < 5000
    assert "not to be seen" not in "".join(capfd.readouterr())


def test_every_task_is_done_in_another_process(tmp_path):
    paths = [tmp_path / str(number) for number in range(3)]
    processes.over(touch, paths, jobs=1)
    assert {path.read_text() for path in paths} != {str(os.getpid())}
    with pytest.raises(ValueError, match="first"):
        processes.over(fail, ["first"], jobs=1)
