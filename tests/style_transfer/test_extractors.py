import keras
import numpy as np
import pytest
import tensorflow as tf

from common.errors import InputError
from common.extractors import compact, deep
from common.losses import style
from style_transfer import extractors, vgg


def relative(found, expected):
    """Return the relative squared distance of two Gram matrices."""
    return float(style.gram(expected)(found)[0])


@pytest.fixture
def image():
    return tf.constant(np.random.default_rng(0).random((1, 24, 32, 3)), tf.float32)


def tiny_vgg(random, widths=(4, 4, 6, 6, 8)):
    """PyTorch's order, as files have it."""
    arrays = {"conv0.weight": np.eye(3)[:, :, None, None], "conv0.bias": np.zeros(3)}
    channels = 3
    for name, width in zip(("11", "12", "21", "22", "31"), widths, strict=True):
        arrays[f"conv{name}.weight"] = random.normal(size=(width, channels, 3, 3))
        arrays[f"conv{name}.bias"] = random.normal(size=width)
        channels = width
    return {name: values.astype(np.float32) for name, values in arrays.items()}


@pytest.fixture
def vgg_file(tmp_path):
    path = tmp_path / "vgg.npz"
    np.savez(path, **tiny_vgg(np.random.default_rng(1)))
    return path


def test_an_even_image_has_even_features_up_to_the_border(vgg_file):
    """The first convolution sees the border repeated: no frame, dark or bright."""
    flat = tf.fill((1, 16, 16, 3), 0.8)
    for name, layer in (("compact", "relu1_1"), (str(vgg_file), "relu1_1")):
        values = extractors.load(name)(flat)[layer].values.numpy()
        np.testing.assert_allclose(values, np.broadcast_to(values[:, 4:5, 4:5], values.shape), 1e-4)


def test_compact_has_a_reference_with_the_same_layers_in_the_same_widths(image):
    extractor = extractors.load("compact")
    quick, true = extractor(image), extractor.reference(image)
    assert tuple(quick) == tuple(true)
    for layer, of in quick.items():
        distance = relative(of, true[layer])
        assert distance < 0.2, layer
        if layer in extractor.exact:
            np.testing.assert_array_equal(of.values, true[layer].values)
    assert extractor.exact == tuple(deep.TAPS)


def test_a_vgg_from_a_file_is_the_network_by_hand(vgg_file, image):
    arrays = tiny_vgg(np.random.default_rng(1))
    found = extractors.load(str(vgg_file))(image)

    def convolve(values, name, mode):
        kernel = arrays[f"conv{name}.weight"].transpose(2, 3, 1, 0)
        values = np.pad(values, ((0, 0), (1, 1), (1, 1), (0, 0)), mode)
        height, width = values.shape[1] - 2, values.shape[2] - 2
        total = arrays[f"conv{name}.bias"]
        for y in range(3):
            for x in range(3):
                total = total + values[:, y : y + height, x : x + width] @ kernel[y, x]
        return np.maximum(total, 0.0)

    relu11 = convolve(image.numpy(), "11", "edge")
    relu12 = convolve(relu11, "12", "constant")
    pooled = relu12.reshape(1, 12, 2, 16, 2, 4).max(axis=(2, 4))
    relu21 = convolve(pooled, "21", "constant")
    for layer, expected in (("relu1_1", relu11), ("relu1_2", relu12), ("relu2_1", relu21)):
        np.testing.assert_allclose(found[layer].values, expected, rtol=1e-3, atol=1e-3)


def test_average_pooling_is_another_network(vgg_file, image):
    highest, mean = (extractors.load(str(vgg_file), kind)(image) for kind in ("max", "average"))
    np.testing.assert_array_equal(highest["relu1_2"].values, mean["relu1_2"].values)
    assert np.abs(highest["relu2_1"].values - mean["relu2_1"].values).max() > 0.01


def test_kerass_vgg_is_what_keras_computes():
    network = keras.applications.VGG16(include_top=False, weights=None)
    layers = [layer for layer in network.layers if "conv" in layer.name]
    probe = keras.Model(network.input, network.get_layer("block2_conv1").output)
    image = np.random.default_rng(0).random((1, 32, 32, 3)).astype(np.float32)
    expected = probe(keras.applications.vgg16.preprocess_input(255.0 * image)).numpy()

    arrays = vgg.read_keras("VGG16", None)
    assert vgg.vgg_layers(arrays)[-1] == "relu5_3"
    assert len(vgg.vgg_layers(arrays)) == len(layers)
    for layer in layers:
        block, index = layer.name[5], layer.name[-1]
        arrays[f"relu{block}_{index}"], arrays[f"relu{block}_{index}/bias"] = layer.get_weights()
    values = extractors.vgg("x", arrays, "max", "float32")(tf.constant(image))["relu2_1"].values
    inside = slice(4, -4)  # Keras pads the first convolution with zeros
    np.testing.assert_allclose(
        values[:, inside, inside], expected[:, inside, inside], rtol=1e-3, atol=1e-2
    )


def test_weights_of_keras_are_read_from_a_file(tmp_path, image):
    network = keras.applications.VGG16(include_top=False, weights=None)
    path = tmp_path / "mine.weights.h5"
    network.save_weights(path)
    extractor = extractors.load(str(path))
    assert extractor.layers[-1] == "relu5_3"
    kernel = network.get_layer("block1_conv1").get_weights()[0]
    np.testing.assert_array_equal(vgg.read_keras_file(path)["relu1_1"], kernel)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: arrays.pop("conv12.weight"), "no 'conv12.weight'|expected"),
        (lambda arrays: arrays.pop("conv21.bias"), "no 'conv21.bias'"),
        (
            lambda arrays: arrays.update({"conv22.weight": np.zeros((6, 5, 3, 3))}),
            r"\(any, 6, 3, 3\)",
        ),
        (lambda arrays: arrays.clear(), "found nothing"),
    ],
)
def test_weights_that_do_not_fit_are_named(tmp_path, change, message):
    arrays = tiny_vgg(np.random.default_rng(1))
    change(arrays)
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=message) as caught:
        extractors.load(str(path))
    assert "bad.npz" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 torn"])
def test_a_file_that_is_no_npz_is_named(tmp_path, content):
    path = tmp_path / "bad.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"not an \.npz"):
        extractors.load(str(path))


def test_the_reference_is_small_and_has_its_card():
    assert extractors.REFERENCE.stat().st_size < 2**20
    card = extractors.REFERENCE.with_name("REFERENCE_CARD.md").read_text()
    for word in ("CC BY 4.0", "Simonyan", *compact.TAPS):
        assert word in card


def test_compact_by_name_and_by_file_are_equal(image):
    named, file = extractors.load("compact"), extractors.load(str(compact.WEIGHTS))
    assert named.layers == tuple(named(image)) == (*file.layers, *deep.TAPS)
    assert named.reference.layers == named.layers
    assert file.reference is None
    found = named(image)
    for layer, of in file(image).items():
        np.testing.assert_array_equal(of.moments().second, found[layer].moments().second)
    for layer, of in deep.load()(image).items():
        np.testing.assert_array_equal(of.values, found[layer].values)
