"""The formats to which a generator is exported, readable without TensorFlow.

Each format names the code that loads it. The same code is run to test a file,
and shown in its model card.
"""

import importlib
import importlib.util
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.errors import InputError
from gan import generator_file

if TYPE_CHECKING:
    import keras

EXTRAS = "requirements-extra.txt"
METADATA = "assets.extra"  # folder of a SavedModel for whatever else belongs to it


@dataclass(frozen=True)
class Format:
    """A format of exported generators.

    Attributes:
        suffix: Of its files; empty for a folder.
        packages: Optional packages that it needs, {name of the import: of the package}.
        write: Writes a generator and its description to a path.
        load: Python code that loads `path` and turns `latents`, and `labels` of a
            conditional generator, into `images`. `{inputs}` stands for both.
    """

    suffix: str
    packages: Mapping[str, str]
    write: Callable[["keras.Model", Path, Mapping[str, Any]], None]
    load: str

    def code(self, path: str, conditional: bool) -> str:
        """Return the code that loads a file.

        Args:
            path: Of the file.
            conditional: Whether the generator takes labels.

        Example:
            >>> print(FORMATS["savedmodel"].code("savedmodel", conditional=False))
            import tensorflow as tf
            <BLANKLINE>
            generator = tf.saved_model.load("savedmodel")
            images = generator.serve(latents)
        """
        names = ("latent", "label") if conditional else ("latent",)
        inputs = f"[{', '.join(f'{name}s' for name in names)}]" if conditional else "latents"
        return self.load.format(
            path=json.dumps(path),
            inputs=inputs,
            named=", ".join(f'"{name}": {name}s' for name in names),
            keywords=", ".join(f"{name}={name}s" for name in names),
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


def write(name: str, generator: "keras.Model", path: Path, about: Mapping[str, Any]) -> None:
    """Write a generator in a format.

    Args:
        name: One of `FORMATS`.
        generator: Stock Keras layers in float32.
        path: File or folder with the format's suffix.
        about: What `generator_file.describe` returned. It is part of the export, except
            of LiteRT's, whose runtime has no access to it.

    Raises:
        InputError: The generator cannot be converted.

    Example:
        >>> write("onnx", generator, Path("generator.onnx"), about)
    """
    try:
        FORMATS[name].write(generator, path, about)
    except OSError:
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise InputError(
            f"--format {name}: this generator cannot be converted\n{reason}"
        ) from error


def _write_keras(generator: "keras.Model", path: Path, about: Mapping[str, Any]) -> None:
    generator.save(path)
    generator_file.add(path, about)


def _write_saved_model(generator: "keras.Model", path: Path, about: Mapping[str, Any]) -> None:
    generator.export(str(path), format="tf_saved_model", verbose=False)
    (path / METADATA).mkdir()
    (path / METADATA / generator_file.MEMBER).write_text(json.dumps(about, indent=2) + "\n")


def _write_onnx(generator: "keras.Model", path: Path, about: Mapping[str, Any]) -> None:
    blank = [np.zeros((1, *each.shape[1:]), each.dtype) for each in generator.inputs]
    generator(blank if len(blank) > 1 else blank[0])  # only a model that was called is exported
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # Keras's converter asks for np.object
        generator.export(str(path), format="onnx", verbose=False)
    onnx = importlib.import_module("onnx")
    model = onnx.load(str(path))
    onnx.helper.set_model_props(
        model, {name: value if isinstance(value, str) else json.dumps(value)
                for name, value in about.items()}
    )  # fmt: skip
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))


def _write_litert(generator: "keras.Model", path: Path, about: Mapping[str, Any]) -> None:
    del about
    generator.export(str(path), format="litert", verbose=False)


FORMATS = {
    "keras": Format(
        ".keras",
        {},
        _write_keras,
        "import keras\n\n"
        "generator = keras.saving.load_model({path})\n"
        "images = generator({inputs}, training=False)\n",
    ),
    "savedmodel": Format(
        "",
        {},
        _write_saved_model,
        "import tensorflow as tf\n\n"
        "generator = tf.saved_model.load({path})\n"
        "images = generator.serve({inputs})\n",
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
        "generate = Interpreter({path}).get_signature_runner()\n"
        "images = generate({keywords})['output_0']\n",
    ),
}
