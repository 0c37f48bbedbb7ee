import json
import random
import sys

import keras
import numpy as np
import pytest

from common.distribution import arithmetic, devices


@pytest.mark.parametrize(
    ("capability", "float16", "expected"),
    [
        ((9, 0), True, "bfloat16"),
        ((8, 0), False, "bfloat16"),
        ((7, 5), True, "float16"),
        ((7, 0), False, "float32"),
        ((6, 1), True, "float32"),
        ((0, 0), True, "float32"),
    ],
)
def test_a_gpu_computes_in_what_it_has(capability, float16, expected, monkeypatch):
    assert devices.of_gpu(capability, float16) == expected
    monkeypatch.setattr(devices, "has_driver", lambda: True)
    monkeypatch.setattr(devices, "_least_capability", lambda: capability)
    assert devices.resolve_precision("auto", float16) == expected
    assert devices.resolve_precision("float32", float16) == "float32"


def test_a_driver_without_a_gpu_that_tensorflow_uses_leaves_the_processor(monkeypatch):
    monkeypatch.setattr(devices, "has_driver", lambda: True)
    monkeypatch.setattr(devices, "_least_capability", lambda: None)
    monkeypatch.setattr(devices, "_measured", lambda path: devices.of_processor())
    assert devices.resolve_precision("auto") == devices.of_processor()


def test_hidden_gpus_are_not_asked_for(monkeypatch):
    monkeypatch.setattr(devices, "DRIVERS", (devices.Path("/"),))
    for hidden in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
        assert not devices.has_driver()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert devices.has_driver()


AMD = "model name\t: Fast One\nmodel\t\t: 17\nflags\t\t: fpu avx512_bf16\n"


@pytest.fixture
def processor(monkeypatch, tmp_path):
    """Pretend to be on a processor, without a GPU and outside of a cluster."""

    def pretend(text, times=None):
        path = tmp_path / "cpuinfo"
        path.write_text(text)
        monkeypatch.setattr(devices, "CPU_INFO", path)
        monkeypatch.setattr(arithmetic, "milliseconds", lambda: measured.append(1) or times)

    measured = []
    pretend.measured = measured
    monkeypatch.setattr(devices, "DRIVERS", ())
    monkeypatch.delenv("TF_CONFIG", raising=False)
    devices._measured.cache_clear()
    yield pretend
    devices._measured.cache_clear()


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fpu avx512_bf16 amx_bf16 amx_tile", True), ("fpu avx512_bf16 not_amx_bf16", False)],
)
def test_matrix_tiles_are_told_by_the_flags(processor, flags, expected):
    processor(f"processor : 0\nflags : {flags}\n")
    assert devices.has_matrix_tiles() is expected


def test_a_system_without_flags_has_no_matrix_tiles(monkeypatch, tmp_path):
    monkeypatch.setattr(devices, "CPU_INFO", tmp_path / "cpuinfo")
    assert not devices.has_matrix_tiles()


@pytest.mark.parametrize("text", [AMD.replace("avx512_bf16", "avx2"), ""])
def test_a_processor_without_bfloat16_is_decided_without_tensorflow(
    text, processor, monkeypatch, tmp_path
):
    processor(text)
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # to import it would fail
    assert devices.resolve_precision("auto", True, tmp_path) == "float32"
    assert devices.resolve_precision("bfloat16", True, tmp_path) == "bfloat16"
    assert not (tmp_path / devices.MEASURED).exists()


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({"float32": 124.0, "bfloat16": 178.0}, "float32"),
        ({"float32": 88.0, "bfloat16": 57.0}, "bfloat16"),
    ],
)
def test_one_with_bfloat16_is_measured_once(
    times, expected, processor, monkeypatch, tmp_path, capsys
):
    processor(AMD, times)
    assert devices.resolve_precision("auto", cache=tmp_path) == expected
    told = capsys.readouterr().err
    assert told == (
        f"--precision auto: {expected} on this processor "
        f"(float32 {times['float32']:.1f} ms, bfloat16 {times['bfloat16']:.1f} ms)\n"
    )
    devices._measured.cache_clear()  # as in the next process
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # a kept choice does not need it
    assert devices.resolve_precision("auto", cache=tmp_path) == expected
    assert processor.measured == [1]
    assert capsys.readouterr().err == ""


def test_another_processor_or_tensorflow_is_measured_anew(processor, monkeypatch, tmp_path):
    times = {"float32": 2.0, "bfloat16": 1.0}
    processor(AMD, times)
    devices.resolve_precision("auto", cache=tmp_path)
    others = [(AMD.replace("17", "18"), "1"), (AMD.replace("fpu", "fpu mmx"), "1"), (AMD, "2")]
    for text, version in others:
        devices._measured.cache_clear()
        processor(text, times)
        monkeypatch.setattr(devices.metadata, "version", lambda name, version=version: version)
        devices.resolve_precision("auto", cache=tmp_path)
    assert len(processor.measured) == 4
    assert len(json.loads((tmp_path / devices.MEASURED).read_text())) == 4


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": 1}', '{"a": {"precision": "int8"}}'])
def test_a_damaged_cache_is_measured_anew(content, processor, tmp_path):
    (tmp_path / devices.MEASURED).write_text(content)
    processor(AMD, {"float32": 2.0, "bfloat16": 1.0})
    assert devices.resolve_precision("auto", cache=tmp_path) == "bfloat16"
    assert len(json.loads((tmp_path / devices.MEASURED).read_text())) == 1


def test_a_cache_that_cannot_be_written_is_told(processor, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    processor(AMD, {"float32": 2.0, "bfloat16": 1.0})
    assert devices.resolve_precision("auto", cache=tmp_path / "file") == "bfloat16"
    assert "not kept in" in capsys.readouterr().err


def test_workers_of_a_cluster_go_by_their_instructions(processor, monkeypatch, tmp_path):
    processor(AMD, {"float32": 1.0, "bfloat16": 2.0})
    workers = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(workers))
    assert devices.resolve_precision("auto", cache=tmp_path) == "bfloat16"
    assert processor.measured == []


@pytest.mark.slow
def test_the_measurement_takes_both_and_no_global_random_state():
    keras.utils.set_random_seed(3)
    before = (random.getstate(), np.random.get_state()[1].tolist())
    times = arithmetic.milliseconds()
    assert times.keys() == {"float32", "bfloat16"}
    assert min(times.values()) > 0.0
    assert before == (random.getstate(), np.random.get_state()[1].tolist())


def test_xla_is_for_gpus():
    import tensorflow as tf

    assert devices.resolve_compile("on")
    assert not devices.resolve_compile("off")
    assert devices.resolve_compile("auto") == bool(tf.config.list_physical_devices("GPU"))


def test_every_precision_is_a_policy_of_keras():
    import keras

    for precision in ("float32", "bfloat16", "float16"):
        policy = keras.DTypePolicy(devices.keras_policy(precision))
        assert policy.compute_dtype == precision
        assert policy.variable_dtype == "float32"
