import keras
import numpy as np
import pytest
from keras import layers

from common.errors import InputError
from common.files import write_json
from gan import description
from gan.config import DataConfig, NetworkConfig
from gan.data.base import ImageDataset
from gan.description import fingerprint, image_spec
from gan.networks import dcgan
from gan.networks.base import ImageSpec


def dataset_of(count, classes):
    images = np.zeros((count, 16, 20, 3), np.uint8)
    names = tuple(f"class {index}" for index in range(classes))
    return ImageDataset("made up", images, np.zeros(count, np.int32), names, "made-up-1")


@pytest.mark.parametrize(
    ("conditional", "count", "classes", "expected"),
    [
        ("auto", 100, 2, 2),
        ("auto", 99, 2, 0),
        ("on", 99, 2, 2),
        ("off", 100, 2, 0),
        ("auto", 100, 0, 0),
        ("auto", 100, 1, 0),
    ],
)
def test_classes_need_50_images_each_unless_they_are_asked_for(
    conditional, count, classes, expected
):
    found = image_spec(dataset_of(count, classes), DataConfig(conditional=conditional))
    assert found == ImageSpec(16, 20, 3, expected)


def test_a_dataset_that_cannot_be_used_is_refused():
    with pytest.raises(InputError, match=r"--conditional on: made up has no classes"):
        image_spec(dataset_of(100, 1), DataConfig(conditional="on"))
    with pytest.raises(InputError, match="expected at least 2 images, found 1"):
        image_spec(dataset_of(1, 0), DataConfig())


ABOUT = {
    "config": {},
    "machine": {"precision": "float32"},
    "data": {
        **{"height": 16, "width": 16, "channels": 1, "classes": 2},
        **{"class_names": ["a", "b"], "fingerprint": "f"},
    },
    "networks": {"family": "dcgan", "fingerprint": "0123"},
}


def test_a_description_is_read_as_it_was_written(tmp_path):
    write_json(tmp_path / "config.json", ABOUT)
    found = description.read(tmp_path)
    assert (found.spec, found.class_names) == (ImageSpec(16, 16, 1, 2), ("a", "b"))
    assert (found.family, found.fingerprint) == ("dcgan", "0123")


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("machine", "precision", None),
        ("data", "fingerprint", 3),
        ("data", "height", "16"),
        ("data", "class_names", "ab"),
        ("networks", "family", ["dcgan"]),
        ("networks", "fingerprint", None),
    ],
)
def test_a_damaged_description_is_refused_in_two_lines(tmp_path, part, name, value):
    for changed in (
        {**ABOUT[part], name: value},
        {k: v for k, v in ABOUT[part].items() if k != name},
    ):
        write_json(tmp_path / "config.json", {**ABOUT, part: changed})
        with pytest.raises(InputError, match=rf"--run .*config.json .*{part}.{name}") as caught:
            description.read(tmp_path)
        assert len(str(caught.value).splitlines()) <= 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": -3}, "batch_size: expected at least 2, got -3"),
        ({"networks": {"width": 10**9}}, "networks.width: expected 1 to 1024, got 1e+09"),
        ({"generator": {"learning_rate": -1.0}}, "generator.learning_rate: expected at least 0"),
        ({"balance": {"augment": 5.0}}, "balance.augment: expected 0 to 0.8, got 5"),
    ],
)
def test_values_out_of_their_bounds_are_refused_as_by_train(tmp_path, change, message):
    write_json(tmp_path / "config.json", {**ABOUT, "config": change})
    with pytest.raises(InputError) as caught:
        description.read(tmp_path)
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"--run {tmp_path}: config.json: {message}")
    assert second == "restore the value that the run was trained with"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("height", 0, "data.height: expected 1 to 8192, got 0"),
        ("width", 10**9, "data.width: expected 1 to 8192, got 1000000000"),
        ("channels", 5, "data.channels: expected 1 to 4, got 5"),
        ("classes", 3, "data.classes: expected 0 to 2, got 3"),
    ],
)
def test_a_shape_that_cannot_be_is_refused(tmp_path, name, value, message):
    write_json(tmp_path / "config.json", {**ABOUT, "data": {**ABOUT["data"], name: value}})
    with pytest.raises(InputError) as caught:
        description.read(tmp_path)
    assert f"config.json: {message}" in str(caught.value)


def network(activation="relu", width=4, stride=1):
    image = keras.Input((8, 8, 1))
    x = layers.Conv2D(width, 3, strides=stride, padding="same")(image)
    x = layers.Activation(activation)(x)
    return keras.Model(image, layers.Dense(1)(layers.GlobalAveragePooling2D()(x)))


def test_a_fingerprint_is_that_of_the_architecture():
    first = fingerprint(network())
    assert fingerprint(network()) == first  # other names of layers
    keras.config.set_dtype_policy("mixed_bfloat16")
    assert fingerprint(network()) == first  # another precision


@pytest.mark.parametrize(
    "other",
    [{"activation": "tanh"}, {"width": 5}, {"stride": 2}],
    ids=lambda each: next(iter(each)),
)
def test_a_fingerprint_tells_networks_apart(other):
    assert fingerprint(network(**other)) != fingerprint(network())


def test_a_fingerprint_tells_how_layers_are_connected():
    def joined(first, second):
        inputs = keras.Input((4,))
        branches = [layers.Dense(4)(inputs), layers.Dense(4)(inputs)]
        return keras.Model(inputs, layers.Subtract()([branches[first], branches[second]]))

    assert fingerprint(joined(0, 1)) == fingerprint(joined(0, 1))
    assert fingerprint(joined(0, 1)) != fingerprint(joined(0, 0))


def test_operations_without_a_name_in_their_configuration_count():
    def resized(side):
        image = keras.Input((8, 8, 1))
        small = keras.ops.image.resize(image, (side, side), interpolation="bilinear")
        return keras.Model(image, layers.Flatten()(small))

    assert fingerprint(resized(4)) == fingerprint(resized(4)) != fingerprint(resized(2))


def test_both_networks_count_in_their_order():
    one, two = network(), network(activation="tanh")
    assert len({fingerprint(one, two), fingerprint(two, one), fingerprint(one)}) == 3


def test_the_same_family_has_the_same_fingerprint_twice():
    def found(**changes):
        config = NetworkConfig(width=4, **changes)
        return fingerprint(dcgan.build_discriminator(ImageSpec(16, 16, 1), config))

    assert found() == found()
    assert found(normalization="spectral") == found(normalization="spectral")
    assert found() != found(normalization="spectral")


def test_a_subclassed_model_is_known_by_its_weights():
    class Custom(keras.Model):
        def __init__(self, units):
            super().__init__()
            self.dense = layers.Dense(units)

        def call(self, inputs):
            return self.dense(inputs)

        def get_config(self):
            raise NotImplementedError

    def built(units):
        model = Custom(units)
        model(np.zeros((1, 3), np.float32))
        return model

    assert fingerprint(built(2)) == fingerprint(built(2)) != fingerprint(built(3))
