import pytest

from common.fast.matrix_tiles import has_matrix_tiles


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fpu avx512_bf16 amx_bf16 amx_tile", True), ("fpu avx512_bf16 not_amx_bf16", False)],
)
def test_reads_the_flags_of_the_processor(tmp_path, flags, expected):
    (tmp_path / "cpuinfo").write_text(f"processor : 0\nflags : {flags}\n")
    assert has_matrix_tiles(tmp_path / "cpuinfo") is expected


def test_a_system_without_such_a_file_has_none(tmp_path):
    assert not has_matrix_tiles(tmp_path / "cpuinfo")
