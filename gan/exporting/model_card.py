"""A model card: what a generator is, for people and for the Hugging Face Hub.

The Hub reads the YAML front matter of a README.md: the library, the license, tags
and metrics (https://huggingface.co/docs/hub/model-cards). With the files of an
unzipped Keras model beside it, `keras.saving.load_model("hf://user/name")` loads
the uploaded folder.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from common import runs
from common.exporting.formats import FORMATS
from gan.config import FRECHET
from gan.generator_file import inputs

SAMPLES = "samples.png"
CHANNELS = {1: "gray", 3: "RGB", 4: "RGBA"}
LATENTS = {  # how to draw 16 of them without this code
    "normal": "latents = random.normal(size=(16, {size}))",
    "spherical": "latents = random.normal(size=(16, {size}))\n"
    "latents /= np.sqrt(np.mean(latents**2, axis=1, keepdims=True))",
    "truncated": "latents = random.normal(size=(16, {size}))\n"
    "while (far := np.abs(latents) > {threshold}).any():\n"
    "    latents[far] = random.normal(size=far.sum())",
    "mixture": 'means = np.array(json.load(open("generator.json"))["latent"]["means"])\n'
    "latents = means[random.integers(len(means), size=16)]\n"
    "latents += {deviation} * random.normal(size=latents.shape)",
}
Row = tuple[str, float]


def readme(run: Path, about: Mapping[str, Any], license_name: str, extra: str | None) -> str:
    """Return the model card of a generator.

    Args:
        run: The run's folder.
        about: What `generator_file.describe` returned.
        license_name: Identifier of the license, as the Hub knows it.
        extra: A further format in the folder, one of `FORMATS`; None: only Keras.

    Returns:
        The text of README.md.
    """
    fields = runs.read_config(run, "--run")
    metrics, protocol = _metrics(run, about, fields)
    parts = [
        *_front_matter(run.resolve().name, about, license_name, metrics),
        *_summary(run.resolve().name, about),
        *_usage(about, extra),
        *_training(about, fields),
        *_results(metrics, protocol),
        *_license(license_name),
    ]
    return "\n".join(parts) + "\n"


def _front_matter(
    name: str, about: Mapping[str, Any], license_name: str, metrics: Sequence[Row]
) -> Iterator[str]:
    """Yield the lines of the front matter; texts are quoted as in JSON, which YAML includes."""
    yield from ("---", "library_name: keras", f"license: {json.dumps(license_name)}")
    yield "pipeline_tag: unconditional-image-generation"
    yield from ("tags:", "- gan", "- image-generation")
    if about["networks"]:
        yield f"- {json.dumps(about['networks'])}"
    if metrics:
        dataset = json.dumps(about["dataset"])
        yield from ("model-index:", f"- name: {json.dumps(name)}", "  results:")
        yield "  - task:"
        yield "      type: unconditional-image-generation"
        yield from ("    dataset:", f"      name: {dataset}", f"      type: {dataset}")
        yield "    metrics:"
        for metric, value in metrics:
            yield from (f"    - type: {json.dumps(metric)}", f"      value: {value:.6g}")
    yield from ("---", "")


def _summary(name: str, about: Mapping[str, Any]) -> Iterator[str]:
    images, classes = about["images"], about["classes"]
    colors = CHANNELS.get(images["channels"], f"{images['channels']}-channel")
    family = f" ({about['networks']})" if about["networks"] else ""
    yield from (f"# {name}", "")
    yield (
        f"The generator of a generative adversarial network{family}, trained on "
        f"{about['dataset']}. It makes {colors} images of {images['height']}x{images['width']} "
        f"pixels{f' of {len(classes)} classes' if classes else ''}."
    )
    yield from ("", f"![images of this generator]({SAMPLES})", "")


def _usage(about: Mapping[str, Any], extra: str | None) -> Iterator[str]:
    latent, classes = about["latent"], about["classes"]
    low, high = about["images"]["range"]
    yield from ("## Use", "", "```python")
    yield from (["import json", ""] if latent["prior"] == "mixture" else [])
    yield from ("import numpy as np", "", "random = np.random.default_rng(0)")
    yield LATENTS[latent["prior"]].format(**latent)
    yield "latents = latents.astype(np.float32)"
    if classes:
        yield f"labels = (np.arange(16) % {len(classes)}).astype(np.int32)"
    yield from (
        "",
        FORMATS["keras"].code("hf://USER/NAME", inputs(bool(classes))).rstrip(),
        "```",
        "",
    )
    yield f"Latent vectors have the {latent['prior']} distribution of the training. The images are"
    yield f"float32 (N, H, W, C) in [{low}, {high}]; a path instead of `hf://` loads a local copy."
    if classes:
        names = ", ".join(f"{index} {name}" for index, name in enumerate(classes))
        yield from ("", f"Labels: {names}.")
    if extra:
        path = exported_name(extra)
        yield from ("", f"The same network as {path}:", "", "```python")
        yield from (FORMATS[extra].code(path, inputs(bool(classes))).rstrip(), "```")
    yield ""


def exported_name(name: str) -> str:
    """Return the name of an exported file or folder, such as "generator.onnx"."""
    return f"generator{FORMATS[name].suffix}" if FORMATS[name].suffix else name


def _training(about: Mapping[str, Any], fields: Mapping[str, Any]) -> Iterator[str]:
    config, data, machine = fields["config"], fields["data"], fields["machine"]
    versions = ", ".join(f"{name} {each}" for name, each in machine.get("versions", {}).items())
    yield from ("## Training", "", "| | |", "|---|---|")
    yield f"| data | {data['name']}, {data['images']} images, fingerprint {data['fingerprint']} |"
    yield f"| images seen | {about['images_seen']} |"
    yield f"| loss | {config['loss']}, penalty {config['penalty']} |"
    yield f"| batch size | {config['batch_size']} |"
    yield f"| precision | {machine['precision']}; these weights are float32 |"
    yield f"| seed | {about['seed']} |"
    yield f"| weights | moving average, half-life at most {config['ema_kimg']:g} thousand images |"
    yield from (f"| versions | {versions} |", "")


def _metrics(
    run: Path, about: Mapping[str, Any], fields: Mapping[str, Any]
) -> tuple[list[Row], str]:
    """Return what was measured of these weights, and how; nothing if it was of others."""
    measured = runs.read_object(run / "evaluation.json")
    if measured.get("images_seen") == about["images_seen"]:
        protocol = measured.get("protocol", {})
        rows = [
            (name, value)
            for name, value in measured.get("scores", {}).items()
            if isinstance(value, int | float)
        ]
        return rows, "\n".join(f"- {name}: {value}" for name, value in protocol.items())
    stop = fields["config"].get("stop", {})
    for row in runs.read_rows(run / runs.METRICS):
        if row.get("images") == about["images_seen"] and isinstance(row.get(FRECHET), float):
            return [(FRECHET, row[FRECHET])], (
                f"- during training, at most {stop.get('evaluate_count')} images of either set\n"
                f"- real: images that were trained on\n- features: {stop.get('evaluate_features')}"
            )
    return [], ""


def _results(metrics: Sequence[Row], protocol: str) -> Iterator[str]:
    yield from ("## Metrics", "")
    if not metrics:
        yield from ("None were measured for these weights.", "")
        return
    yield from ("| metric | value |", "|---|---|")
    yield from (f"| {name} | {value:.6g} |" for name, value in metrics)
    yield from ("", "How they were measured:", "", protocol, "")
    yield "Distances depend on the features and on the number of images: they are not comparable"
    yield from ("with those of publications.", "")


def _license(name: str) -> Iterator[str]:
    yield from ("## License", "")
    if name == "unknown":
        yield "No license was chosen for these weights. The license of the training data applies."
    else:
        yield f"The weights: {name}. The license of the training data may restrict their use."
