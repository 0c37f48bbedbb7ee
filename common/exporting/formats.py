"""The formats to which a network is exported, readable without TensorFlow.

Each format names the code that loads it. The same code is run to test a file,
and shown in its model card.
"""

import importlib
import importlib.util
import json
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.errors import InputError

if TYPE_CHECKING:
    import keras

EXTRAS = "requirements-extra.txt"
ANY_SIDE = 64  # pixels, of inputs of any size
METADATA = "assets.extra"  # folder of a SavedModel for whatever else belongs to it


@dataclass(frozen=True)
class Format:
    """A format of exported networks.

    Attributes:
        suffix: Of its files; empty for a folder.
        packages: Optional packages that it needs, {name of the import: of the package}.
        write: Writes a network and its description, under a name, to a path.
        load: Python code that loads `path` as `{model}` and turns its inputs into
            `images`; `{inputs}` stands for them.
    """

    suffix: str
    packages: Mapping[str, str]
    write: Callable[["keras.Model", Path, Mapping[str, Any], str], None]
    load: str

    def code(self, path: str, inputs: Sequence[str], model: str = "generator") -> str:
        """Return the code that loads a file.

        Args:
            path: Of the file.
            inputs: Names of the network's inputs; the arrays have the same with an "s".
            model: Name of the variable that holds the network.

        Example:
            >>> print(FORMATS["savedmodel"].code("savedmodel", ["latent"]))
            import tensorflow as tf
            <BLANKLINE>
            generator = tf.saved_model.load("savedmodel")
            images = generator.serve(latents)
        """
        listed = ", ".join(f"{name}s" for name in inputs)
        return self.load.format(
            path=json.dumps(path),
            model=model,
            inputs=f"[{listed}]" if len(inputs) > 1 else listed,
            named=", ".join(f'"{name}": {name}s' for name in inputs),
            keywords=", ".join(f"{name}={name}s" for name in inputs),
        )


def check_packages(name: str) -> None:
    """Check that the optional packages of a format are installed.

    Args:
        name: One of `FORMATS`.

    Raises:
        InputError: One is missing.
    """
    packages = FORMATS[name].packages
    missing = [each for module, each in packages.items() if not importlib.util.find_spec(module)]
    if missing:
        raise InputError(
            f"--format {name}: needs the package {' and '.join(missing)}\n"
            f"install the optional packages: .venv/bin/pip install -r {EXTRAS}"
        )


def write(
    name: str, network: "keras.Model", path: Path, about: Mapping[str, Any], member: str
) -> None:
    """Write a network in a format.

    Args:
        name: One of `FORMATS`.
        network: Stock Keras layers in float32.
        path: File or folder with the format's suffix.
        about: Its description, as JSON holds it. It is part of the export, except of
            LiteRT's, whose runtime has no access to it.
        member: Name of the file in the export that holds the description.

    Raises:
        InputError: The network cannot be converted.

    Example:
        >>> write("onnx", generator, Path("generator.onnx"), about, "generator.json")
    """
    try:
        FORMATS[name].write(network, path, about, member)
    except OSError:
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise InputError(f"--format {name}: this network cannot be converted\n{reason}") from error


def add_member(path: Path, about: Mapping[str, Any], member: str) -> None:
    """Add a description to a file that `keras.Model.save` has written; Keras ignores it.

    Args:
        path: A .keras file.
        about: As JSON holds it.
        member: Name in the archive.
    """
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(member, json.dumps(about, indent=2) + "\n")


def _write_keras(network: "keras.Model", path: Path, about: Mapping[str, Any], member: str) -> None:
    network.save(path)
    add_member(path, about, member)


def _write_saved_model(
    network: "keras.Model", path: Path, about: Mapping[str, Any], member: str
) -> None:
    network.export(str(path), format="tf_saved_model", verbose=False)
    (path / METADATA).mkdir()
    (path / METADATA / member).write_text(json.dumps(about, indent=2) + "\n")


def _write_onnx(network: "keras.Model", path: Path, about: Mapping[str, Any], member: str) -> None:
    del member
    shapes = [[side or ANY_SIDE for side in each.shape[1:]] for each in network.inputs]
    blank = [
        np.zeros((1, *shape), each.dtype)
        for shape, each in zip(shapes, network.inputs, strict=True)
    ]
    network(blank if len(blank) > 1 else blank[0])  # only a model that was called is exported
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # Keras's converter asks for np.object
        network.export(str(path), format="onnx", verbose=False)
    onnx = importlib.import_module("onnx")
    model = onnx.load(str(path))
    onnx.helper.set_model_props(
        model, {name: value if isinstance(value, str) else json.dumps(value)
                for name, value in about.items()}
    )  # fmt: skip
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))


def _write_litert(
    network: "keras.Model", path: Path, about: Mapping[str, Any], member: str
) -> None:
    del about, member
    network.export(str(path), format="litert", verbose=False)


FORMATS = {
    "keras": Format(
        ".keras",
        {},
        _write_keras,
        "import keras\n\n"
        "{model} = keras.saving.load_model({path})\n"
        "images = {model}({inputs}, training=False)\n",
    ),
    "savedmodel": Format(
        "",
        {},
        _write_saved_model,
        "import tensorflow as tf\n\n"
        "{model} = tf.saved_model.load({path})\n"
        "images = {model}.serve({inputs})\n",
    ),
    "onnx": Format(
        ".onnx",
        {"onnx": "onnx", "tf2onnx": "tf2onnx", "onnxruntime": "onnxruntime"},
        _write_onnx,
        "import onnxruntime\n\n"
        "session = onnxruntime.InferenceSession({path})\n"
        "(images,) = session.run(None, {{{named}}})\n",
    ),
    "litert": Format(
        ".tflite",
        {"ai_edge_litert": "ai-edge-litert"},
        _write_litert,
        "from ai_edge_litert.interpreter import Interpreter\n\n"
        "{model} = Interpreter({path}).get_signature_runner()\n"
        "images = {model}({keywords})['output_0']\n",
    ),
}
