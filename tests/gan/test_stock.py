import shutil
import zipfile

import keras
import numpy as np
import pytest

from common.errors import InputError
from gan import generator_file, stock
from gan.build import build_gan
from gan.config import Config, NetworkConfig
from gan.networks.base import ImageSpec
from gan.trainer import train
from tests.gan.tiny import Unserializable, with_generators

SPEC = ImageSpec(16, 16, 1)


def build_with_function(config, spec):
    def change(network):
        return keras.Model(network.input, Unserializable(lambda x: -x)(network.output))

    return with_generators(build_gan(config, spec), change)


@pytest.mark.slow
def test_a_run_ends_well_if_keras_cannot_save_its_generator(tiny, capsys):
    result = train(tiny, build=build_with_function)
    assert result.status == "finished"
    assert not (result.folder / "generator.keras").exists()
    notes = [line for line in capsys.readouterr().out.splitlines() if "is not written" in line]
    assert len(notes) == 1
    assert generator_file.find(result.folder, own=True).images_seen == 128


def test_a_stock_generator_is_float32_and_leaves_the_precision_alone():
    keras.config.set_dtype_policy("mixed_bfloat16")
    config = Config(networks=NetworkConfig(latent_size=8, width=4), precision="bfloat16")
    trained = build_gan(config, SPEC).ema_generator
    found = stock.to_stock(trained, config, SPEC)
    assert keras.config.dtype_policy().name == "mixed_bfloat16"
    assert {layer.compute_dtype for layer in found.layers} == {"float32"}
    assert not any(type(layer).__module__.startswith("common") for layer in found.layers)
    for ours, its in zip(trained.get_weights(), found.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, its)


def test_of_several_sizes_the_full_one_is_kept():
    config = Config(networks=NetworkConfig(latent_size=8, width=4))

    def build(config, spec):
        gan = build_gan(config, spec)
        (image,) = gan.ema_generator.outputs
        small = keras.layers.AveragePooling2D(2)(image)
        gan.ema_generator = keras.Model(gan.ema_generator.input, [small, image])
        return gan

    trained = build(config, SPEC).ema_generator
    found = stock.to_stock(trained, config, SPEC, build)
    assert found.output_shape == (None, 16, 16, 1)
    latents = np.ones((2, 8), np.float32)
    np.testing.assert_allclose(found(latents), trained(latents)[1], atol=1e-5)


def test_a_file_without_a_model_is_refused(finished, tmp_path):
    path = shutil.copy(finished[0] / "generator.keras", tmp_path)
    with zipfile.ZipFile(path) as archive:
        about = archive.read(generator_file.MEMBER)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(generator_file.MEMBER, about)
    with pytest.raises(InputError, match="Keras cannot load it") as error:
        stock.load(path)
    assert len(str(error.value).splitlines()) == 2
