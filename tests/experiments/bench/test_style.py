import pytest

from experiments.bench import style


@pytest.mark.slow
def test_an_iteration_is_timed_beside_a_bare_pass():
    row = style.iteration("compact", 64, "float32", turns=2)
    assert 0.2 < row["ratio"] < 10.0
    assert 1e-4 < row["ours_seconds"] < 2.0
