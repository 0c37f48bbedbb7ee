"""The registry of families and the contract that each of them keeps."""

import importlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from common.errors import InputError
from common.key_values import accepted, parse_options
from gan.config import Config
from gan.networks import base
from gan.networks.base import ImageSpec
from gan.presets import apply, default_preset
from tests.command_line import ROOT


def spec_of(family, classes=0, channels=1):
    smallest = base.resolutions(family)[0]
    return ImageSpec(smallest, smallest, channels, classes)


def config_of(family):
    return apply(Config(), default_preset(family)).networks


def test_the_families_are_the_files_of_the_package():
    files = {path.stem for path in (ROOT / "gan/networks").glob("*.py")}
    assert set(base.names()) == files - {"__init__", "base"}
    assert {"dcgan", "pytorch_example", "resnet", "style_based", "tutorial"} <= set(base.names())


def test_what_exists_is_known_without_tensorflow():
    code = (
        "import sys; from gan import presets; from gan.balance import options; "
        "from gan.networks import base; base.check_resolution('resnet', 32); "
        "base.check_options('resnet', ('generator_normalization=none',)); "
        "options.check_options(()); assert not {'keras', 'tensorflow'} & set(sys.modules)"
    )
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr


@pytest.mark.parametrize("family", base.names())
def test_a_family_keeps_the_contract(family):
    module, spec, config = base.get(family), spec_of(family, channels=3), config_of(family)
    generator = module.build_generator(spec, config)
    discriminator = module.build_discriminator(spec, config)
    latents = tf.random.normal((2, generator.inputs[0].shape[-1]))
    for training in (True, False):
        images = generator(latents, training=training)
        *_, full = tf.nest.flatten(images)
        assert full.shape == (2, spec.height, spec.width, 3)
        for leaf in tf.nest.flatten(images):
            assert leaf.dtype == tf.float32
            assert np.abs(leaf).max() <= 1.0
        real = getattr(module, "real_inputs", lambda images: images)(full)
        tf.nest.assert_same_structure(real, images)
        shapes = [[leaf.shape for leaf in tf.nest.flatten(nest)] for nest in (real, images)]
        assert shapes[0] == shapes[1]
        logits = discriminator(images, training=training)
        assert logits.dtype == tf.float32
        assert logits.shape == (2,)
        assert np.isfinite(logits).all()
    assert discriminator.get_layer("features")


@pytest.mark.parametrize("family", base.names())
def test_every_family_documents_its_builders_and_its_resolutions(family):
    module = importlib.import_module(f"gan.networks.{family}")
    assert base.resolutions(family) == module.RESOLUTIONS
    for name in base.BUILDERS:
        assert "Example:" in getattr(module, name).__doc__


def test_an_unknown_family_names_the_nearest():
    for function in (base.get, base.resolutions, base.option_names, base.check_name):
        with pytest.raises(InputError, match=r"--networks dcgn: unknown.*did you mean dcgan\?"):
            function("dcgn")


def test_a_resolution_must_be_one_that_the_family_can_make():
    base.check_resolution("dcgan", 0)
    base.check_resolution("dcgan", 28)
    base.check_resolution("dcgan", (28, 28))
    with pytest.raises(InputError, match=r"--resolution 30: dcgan cannot.*one of 16, 20, 24"):
        base.check_resolution("dcgan", 30)
    with pytest.raises(InputError, match=r"--resolution 32: tutorial cannot.*one of 28, or 0"):
        base.check_resolution("tutorial", 32)
    with pytest.raises(InputError, match=r"--resolution 28x56: tutorial cannot"):
        base.check_resolution("tutorial", (28, 56))


def test_a_family_names_rectangles_or_the_aspect_of_all_of_its_sides(monkeypatch):
    constants = {"RESOLUTIONS": ((32, 64), 16)}
    monkeypatch.setattr(base.registry, "constant", lambda module, name: constants.get(name))
    base.check_resolution("dcgan", (32, 64))
    base.check_resolution("dcgan", (16, 16))
    with pytest.raises(InputError, match="expected one of 32x64, 16, or 0"):
        base.check_resolution("dcgan", (64, 32))
    constants |= {"RESOLUTIONS": (16, 32, 64), "MAX_ASPECT": 2}
    base.check_resolution("dcgan", (64, 32))
    with pytest.raises(InputError, match=r"64x16: dcgan .* HEIGHTxWIDTH of two .* at most 2"):
        base.check_resolution("dcgan", (64, 16))


@pytest.mark.parametrize("family", ["dcgan", "projected", "resnet"])
def test_these_families_make_rectangles(family):
    base.check_resolution(family, (64, 96))
    assert all(max(size) <= 2 * min(size) for size in base.supported(family))


def test_squares_can_be_required():
    assert base.require_square("mlp", ImageSpec(16, 16, 1)) == 16
    with pytest.raises(InputError, match="got images of 16x32 pixels; expected squares"):
        base.require_square("mlp", ImageSpec(16, 32, 1))


def test_options_are_python_literals_or_strings():
    options = ("depth=2", "rate = 0.5", "norm=batch", "sides=(4, 8)", "on=True", "text='a=b'")
    assert parse_options(options) == {
        "depth": 2,
        "rate": 0.5,
        "norm": "batch",
        "sides": (4, 8),
        "on": True,
        "text": "a=b",
    }
    for wrong in ("depth", "=2", "depth="):
        with pytest.raises(InputError, match=f"--networks.options {wrong}: no value"):
            parse_options((wrong,))


def test_an_unknown_option_names_those_of_the_family():
    assert base.option_names("resnet") == ("generator_normalization",)
    base.check_options("resnet", ("generator_normalization=none",))
    with pytest.raises(
        InputError, match="normalization: unknown to resnet; expected one of generator_normal"
    ):
        base.check_options("resnet", ("normalization=none",))
    with pytest.raises(InputError, match="depth: unknown to dcgan; expected one of final_width"):
        base.check_options("dcgan", ("depth=2",))


def test_which_family_has_a_mapping_network_is_known():
    assert [name for name in base.names() if base.has_mapping(name)] == ["style_based"]


def test_each_function_gets_the_options_that_it_has():
    def build(spec, config, *, depth=1):
        return depth

    assert accepted(build, {"depth": 2, "norm": "none", "spec": 3}) == {"depth": 2}
