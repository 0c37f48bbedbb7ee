import json
import shutil

import pytest

from gan import generator_file
from gan.exporting import model_card


@pytest.fixture
def folder(finished, tmp_path):
    return shutil.copytree(finished[0], tmp_path / "copy")


def card(folder, license_name="apache-2.0", extra=None, **changes):
    about = generator_file.read(folder / "generator.keras") | changes
    return model_card.readme(folder, about, license_name, extra)


def front_matter(text):
    before, lines, _ = text.split("---\n", 2)
    assert before == ""
    return lines.splitlines()


def test_the_front_matter_names_library_license_and_tags(folder):
    lines = front_matter(card(folder))
    assert lines[:3] == ["library_name: keras", 'license: "apache-2.0"',
                         "pipeline_tag: unconditional-image-generation"]  # fmt: skip
    assert '- "dcgan"' in lines
    assert not any(line.startswith("model-index") for line in lines)


def test_metrics_are_those_of_the_same_weights_with_their_protocol(folder):
    measured = {
        "images_seen": 128,
        "scores": {"frechet_distance": 12.25, "class_shares_fake": {"a": 1.0}, "recall": None},
        "protocol": {"features": "compact", "fake": "500 images"},
    }
    (folder / "evaluation.json").write_text(json.dumps(measured))
    text = card(folder)
    assert '    - type: "frechet_distance"' in front_matter(text)
    assert "      value: 12.25" in front_matter(text)
    assert "| frechet_distance | 12.25 |" in text
    assert "- fake: 500 images" in text
    assert "recall" not in text
    assert "None were measured" in card(folder, images_seen=129)


def test_the_distance_measured_in_training_is_used_if_it_is_of_these_weights(folder):
    with (folder / "metrics.jsonl").open("a") as log:
        log.write('{"images": 128, "quality/frechet_distance": 31.5}\n{"torn')
    assert "| quality/frechet_distance | 31.5 |" in card(folder)


def test_the_snippet_runs_as_it_is_written(folder):
    text = card(folder)
    code = text.split("```python\n")[1].split("```")[0]
    code = code.replace("hf://USER/NAME", str(folder / "generator.keras"))
    found = {}
    exec(code, found)
    assert found["images"].shape == (16, 16, 16, 1)


@pytest.mark.parametrize("prior", ["normal", "spherical", "truncated", "mixture"])
def test_latents_of_every_prior_can_be_drawn_without_this_code(
    folder, prior, tmp_path, monkeypatch
):
    about = {"latent": generator_file._describe_latent(prior, 8)}
    (tmp_path / "generator.json").write_text(json.dumps(about))
    monkeypatch.chdir(tmp_path)
    text = card(folder, **about)
    code = text.split("```python\n")[1].split("import keras")[0]
    found = {}
    exec(code, found)
    assert found["latents"].shape == (16, 8)
    assert abs((found["latents"] ** 2).mean() - 1.0) < 0.4
    if prior == "truncated":
        assert abs(found["latents"]).max() <= 2.0


def test_a_second_format_and_a_missing_license_are_stated(folder):
    text = card(folder, license_name="unknown", extra="onnx")
    assert 'InferenceSession("generator.onnx")' in text
    assert "No license was chosen" in text
