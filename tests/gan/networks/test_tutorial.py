import keras
import pytest

from gan.config import NetworkConfig
from gan.networks import pytorch_example, tutorial
from gan.networks.base import ImageSpec


def test_the_sizes_are_those_of_the_tutorial():
    spec = ImageSpec(28, 28, 1, classes=10)
    generator = tutorial.build_generator(spec, NetworkConfig(width=4, latent_size=8))
    discriminator = tutorial.build_discriminator(spec, NetworkConfig(width=4))
    assert generator.count_params() == 2_330_944  # as its notebook's make_generator_model
    assert discriminator.count_params() == 212_865
    assert [each.shape for each in generator.inputs] == [(None, 100)]
    rates = [
        layer.rate for layer in discriminator.layers if isinstance(layer, keras.layers.Dropout)
    ]
    assert rates == [0.3, 0.3]


@pytest.mark.parametrize(("channels", "generator", "discriminator"), [(3, 3_576_704, 2_765_568)])
def test_the_sizes_are_those_of_the_pytorch_example(channels, generator, discriminator):
    spec = ImageSpec(64, 64, channels)
    found = [
        sum(int(weight.value.shape.num_elements()) for weight in network.trainable_weights)
        for network in (
            pytorch_example.build_generator(spec, NetworkConfig(width=4)),
            pytorch_example.build_discriminator(spec, NetworkConfig(width=4)),
        )
    ]
    assert found == [generator, discriminator]  # as printed by the example
