"""Where the time of a training step goes, by TensorFlow's profiler."""

import tempfile
from pathlib import Path

import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from experiments.bench.cases import CASES
from experiments.bench.steps import one_step

KINDS = {  # of operations, by what their names contain; the first that fits
    "convolutions": ("Conv2D",),
    "normalization": ("BatchNorm",),
    "activations": ("Relu", "Tanh", "Sigmoid", "Softplus"),
    "dense layers": ("MatMul",),
    "random numbers": ("Random",),
    "transposes, casts, copies": ("Transpose", "Cast", "Pad", "Concat", "Slice", "Reshape"),
    "optimizers": ("ApplyAdam",),
}
REST = "the rest"


def profile(key: str, precision: str, steps: int = 5) -> dict[str, object]:
    """Measure the shares of a step's time that its operations take, by `KINDS`."""
    step = one_step(CASES[key], precision)
    for _ in range(3):
        step()
    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            for _ in range(steps):
                step()
        (trace,) = Path(folder).rglob("*.xplane.pb")
        space = xplane_pb2.XSpace.FromString(trace.read_bytes())
    spent = dict.fromkeys([*KINDS, REST], 0.0)
    for plane in space.planes:
        names = {number: about.name for number, about in plane.event_metadata.items()}
        for line in plane.lines:
            for event in line.events:
                name, separator, operation = names[event.metadata_id].rpartition(":")
                whole_function = operation.strip().startswith("__inference")
                if separator and not name.endswith(":") and not whole_function:
                    spent[kind(operation)] += event.duration_ps
    whole = sum(spent.values())
    return {"shares": {name: value / whole for name, value in spent.items()}}


def kind(operation: str) -> str:
    """Name the kind of an operation."""
    for name, parts in KINDS.items():
        if any(part in operation for part in parts):
            return name
    return REST
