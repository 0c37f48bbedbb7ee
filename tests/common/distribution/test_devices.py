import sys

import pytest

from common.distribution import devices


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
    assert devices.resolve_precision("auto") == devices.of_processor()


def test_hidden_gpus_are_not_asked_for(monkeypatch):
    monkeypatch.setattr(devices, "DRIVERS", (devices.Path("/"),))
    for hidden in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
        assert not devices.has_driver()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert devices.has_driver()


def test_auto_on_a_processor_is_decided_without_tensorflow(monkeypatch):
    monkeypatch.setattr(devices, "DRIVERS", ())
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # to import it would fail
    assert devices.resolve_precision("auto", True) in ("float32", "bfloat16")


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
