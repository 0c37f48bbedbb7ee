import numpy as np
import pytest
import tensorflow as tf

from common.errors import InputError
from common.extractors import compact
from common.fast import pictures
from common.losses import style
from style_transfer import extractors


@pytest.fixture
def picture():
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


def test_compact_has_its_layers_in_vggs_widths(picture):
    extractor = extractors.load("compact")
    found = extractor(picture)
    assert tuple(found) == extractor.layers
    widths = {layer: of.moments().second.shape[0] for layer, of in found.items()}
    assert widths == {
        "relu1_1": 64,
        "relu1_2": 64,
        "relu2_1": 128,
        "relu2_2": 128,
        "relu3_1": 256,
    }


def test_moments_through_a_head_are_those_of_the_expanded_activations(picture):
    for layer, of in extractors.load("compact")(picture).items():
        width = of.head.shape[2]
        expanded = of.expanded()
        by_place = tf.reshape(expanded, (1, -1, 1, width))  # the P places one after another
        expected, found = style.moments(by_place), of.moments()
        scale = float(tf.reduce_max(tf.abs(expected.second)))
        np.testing.assert_allclose(found.mean, expected.mean, atol=1e-4 * scale, err_msg=layer)
        np.testing.assert_allclose(found.second, expected.second, atol=1e-4 * scale)


@pytest.mark.parametrize("size", [(17, 33), (16, 16), (31, 18)])
def test_compact_takes_odd_sizes(size):
    values = extractors.load("compact")(tf.zeros((1, *size, 3)))
    height, width = -(-size[0] // 2), -(-size[1] // 2)
    assert values["relu1_1"].values.shape[1:3] == (height, width)


def test_an_even_picture_has_even_features_up_to_the_border(vgg_file):
    """The first convolution sees the border repeated: no frame, dark or bright."""
    flat = tf.fill((1, 16, 16, 3), 0.8)
    for name, layer in (("compact", "relu1_1"), (str(vgg_file), "relu1_1")):
        values = extractors.load(name)(flat)[layer].values.numpy()
        np.testing.assert_allclose(values, np.broadcast_to(values[:, 4:5, 4:5], values.shape), 1e-4)


def test_bfloat16_is_near_float32(picture):
    exact, rough = (
        extractors.load("compact", dtype=kind)(picture) for kind in ("float32", "bfloat16")
    )
    for layer, of in exact.items():
        distance = style.gram_distance(rough[layer].moments(), of.moments())
        assert float(distance) < 1e-3, layer


def test_channels_of_zeros_to_fill_a_tile_change_nothing(picture):
    with np.load(compact.WEIGHTS) as stored:
        arrays = dict(stored)
    wide = compact.in_whole_tiles(arrays)
    assert wide["conv1"].shape[-1] == wide["conv2"].shape[2] == 64
    assert wide["relu1_1"].shape[0] == 65
    weights = [{k: tf.constant(v, tf.float32) for k, v in each.items()} for each in (arrays, wide)]
    narrow, wide = (compact.student(picture, each) for each in weights)
    np.testing.assert_array_equal(wide["conv1"][..., 48:], 0.0)
    np.testing.assert_allclose(wide["conv4"], narrow["conv4"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [(4, 6), (5, 3)])
def test_the_arranged_picture_and_its_gradient_are_what_tensorflow_would_make_of_it(size):
    random = np.random.default_rng(0)
    picture = tf.constant(random.random((2, *size, 3)), tf.float32)

    def plain(image):
        even = tf.pad(image, [[0, 0], [0, size[0] % 2], [0, size[1] % 2], [0, 0]], "SYMMETRIC")
        cells = tf.nn.space_to_depth(even - 0.45, 2)
        return tf.pad(cells, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")

    found = []
    for arrange in (lambda image: pictures.cells(image, tf.float32), plain):
        with tf.GradientTape() as tape:
            tape.watch(picture)
            values = arrange(picture)
            shares = np.random.default_rng(1).normal(size=values.shape)
            total = tf.reduce_sum(shares * values)
        found.append((values, tape.gradient(total, picture)))
    for ours, expected in zip(*found, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [(4, 6), (5, 7)])
def test_the_gradient_of_the_maximum_is_tensorflows_and_equal_maxima_share_it(size):
    random = np.random.default_rng(0)
    values = tf.constant(random.normal(size=(2, *size, 3)), tf.float32)
    found = []
    for pool in (pictures.max_pool, lambda x: tf.nn.max_pool2d(x, 2, 2, "SAME")):
        with tf.GradientTape() as tape:
            tape.watch(values)
            total = tf.reduce_sum(tf.sin(pool(values)))
        found.append(tape.gradient(total, values))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)
    flat = tf.ones((1, 2, 2, 1))
    with tf.GradientTape() as tape:
        tape.watch(flat)
        total = tf.reduce_sum(pictures.max_pool(flat))
    np.testing.assert_array_equal(tape.gradient(total, flat), np.full((1, 2, 2, 1), 0.25))


def test_a_thin_vgg_of_full_rank_is_its_teacher_and_of_less_rank_near(
    vgg_file, tmp_path, picture, monkeypatch
):
    from experiments import distill_reference

    arrays = extractors.read_vgg(str(vgg_file))
    random = np.random.default_rng(2)
    batches = iter([random.random((4, 24, 24, 3), np.float32) for _ in range(4)])
    teacher = extractors.load(str(vgg_file))(picture)
    off = {}
    for less in (0, 2):
        ranks = {"relu1_2": 4 - less, "relu2_1": 6 - less, "relu2_2": 6 - less, "relu3_1": 8 - less}
        monkeypatch.setattr(distill_reference, "RANKS", ranks)
        np.savez(tmp_path / "thin.npz", **distill_reference.thin(arrays, batches, 2))
        found = extractors.load(str(tmp_path / "thin.npz"))(picture)
        assert tuple(found) == tuple(teacher)
        goal = teacher["relu3_1"].values
        error = tf.reduce_mean(tf.square(found["relu3_1"].values - goal))
        off[less] = float(error / tf.reduce_mean(tf.square(goal)))
    assert off[0] < 1e-6
    assert 1e-6 < off[2] < 0.5


def test_compact_has_a_reference_with_the_same_layers_in_the_same_widths(picture):
    extractor = extractors.load("compact")
    quick, true = extractor(picture), extractor.reference(picture)
    assert tuple(quick) == tuple(true)
    for layer, of in quick.items():
        distance = style.gram_distance(of.moments(), true[layer].moments())
        assert float(distance) < 0.2, layer


def test_a_vgg_from_a_file_is_the_network_by_hand(vgg_file, picture):
    arrays = tiny_vgg(np.random.default_rng(1))
    found = extractors.load(str(vgg_file))(picture)

    def convolve(values, name, mode):
        kernel = arrays[f"conv{name}.weight"].transpose(2, 3, 1, 0)
        values = np.pad(values, ((0, 0), (1, 1), (1, 1), (0, 0)), mode)
        height, width = values.shape[1] - 2, values.shape[2] - 2
        total = arrays[f"conv{name}.bias"]
        for y in range(3):
            for x in range(3):
                total = total + values[:, y : y + height, x : x + width] @ kernel[y, x]
        return np.maximum(total, 0.0)

    relu11 = convolve(picture.numpy(), "11", "edge")
    relu12 = convolve(relu11, "12", "constant")
    pooled = relu12.reshape(1, 12, 2, 16, 2, 4).max(axis=(2, 4))
    relu21 = convolve(pooled, "21", "constant")
    for layer, expected in (("relu1_1", relu11), ("relu1_2", relu12), ("relu2_1", relu21)):
        np.testing.assert_allclose(found[layer].values, expected, rtol=1e-3, atol=1e-3)


def test_average_pooling_is_another_network(vgg_file, picture):
    highest, mean = (extractors.load(str(vgg_file), kind)(picture) for kind in ("max", "average"))
    np.testing.assert_array_equal(highest["relu1_2"].values, mean["relu1_2"].values)
    assert np.abs(highest["relu2_1"].values - mean["relu2_1"].values).max() > 0.01


def test_kerass_vgg_is_what_keras_computes():
    import keras

    network = keras.applications.VGG16(include_top=False, weights=None)
    layers = [layer for layer in network.layers if "conv" in layer.name]
    probe = keras.Model(network.input, network.get_layer("block2_conv1").output)
    picture = np.random.default_rng(0).random((1, 32, 32, 3)).astype(np.float32)
    expected = probe(keras.applications.vgg16.preprocess_input(255.0 * picture)).numpy()

    arrays = extractors.read_keras("VGG16", None)
    assert extractors.vgg_layers(arrays)[-1] == "relu5_3"
    assert len(extractors.vgg_layers(arrays)) == len(layers)
    for layer in layers:
        block, index = layer.name[5], layer.name[-1]
        arrays[f"relu{block}_{index}"], arrays[f"relu{block}_{index}/bias"] = layer.get_weights()
    values = extractors.vgg("x", arrays, "max", "float32")(tf.constant(picture))["relu2_1"].values
    inside = slice(4, -4)  # Keras pads the first convolution with zeros
    np.testing.assert_allclose(
        values[:, inside, inside], expected[:, inside, inside], rtol=1e-3, atol=1e-2
    )


def test_weights_of_keras_are_read_from_a_file(tmp_path, picture):
    import keras

    network = keras.applications.VGG16(include_top=False, weights=None)
    path = tmp_path / "mine.weights.h5"
    network.save_weights(path)
    extractor = extractors.load(str(path))
    assert extractor.layers[-1] == "relu5_3"
    kernel = network.get_layer("block1_conv1").get_weights()[0]
    np.testing.assert_array_equal(extractors.read_keras_file(path)["relu1_1"], kernel)


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


def test_a_compact_file_that_does_not_fit_is_named(tmp_path):
    with np.load(compact.WEIGHTS) as stored:
        arrays = dict(stored)
    arrays["conv2"] = arrays["conv2"][:, :, :-1]
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(InputError, match="'conv2' has shape"):
        extractors.load(str(tmp_path / "bad.npz"))


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 torn"])
def test_a_file_that_is_no_npz_is_named(tmp_path, content):
    path = tmp_path / "bad.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"not an \.npz"):
        extractors.load(str(path))


def test_the_embedded_weights_are_small_and_have_their_card():
    assert compact.WEIGHTS.stat().st_size < 2**20
    assert extractors.REFERENCE.stat().st_size < 2**20
    for name in ("CARD.md", "REFERENCE_CARD.md"):
        card = compact.WEIGHTS.with_name(name).read_text()
        for word in ("CC BY 4.0", "Simonyan", *compact.TAPS):
            assert word in card
