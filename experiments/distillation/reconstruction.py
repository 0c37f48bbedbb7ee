"""The model that trains the decoder of instant style transfer."""

import numpy as np
import tensorflow as tf

from experiments.distillation.training import Student, relative_error
from style_transfer.instant import codec, transport

RIDGE = 1e-2  # of the transport: less than in use, so that the decoder meets stronger maps
SHALLOW = ("conv1", "conv2", "conv3")
WEIGHTS = {  # of the terms; those without one have 1
    "pixels": 5.0,
    **dict.fromkeys(SHALLOW, 0.5),
    "outside": 5.0,
    "texture": 0.5,
}


class DecoderStudent(Student):
    """Trains the decoder on images and on transported codes.

    Half of each batch is encoded and decoded: the errors of pixels and features. The
    other half is moved to the moments of the first, as a stylization does, decoded and
    encoded again: the error of the code, and that of the means and deviations of the
    finer layers, which should be those of the image with these moments (Huang and
    Belongie 2017). A decoder that has only seen images shows artifacts at such codes,
    which are those of no image.

    Args:
        dtype: Of the convolutions.
        seed: Of the initial weights.
    """

    def __init__(self, dtype: str, seed: int):
        super().__init__()
        self.convolution_dtype, random = dtype, np.random.default_rng(seed)
        self.encoder = {k: tf.constant(v, dtype) for k, v in codec.encoder_weights().items()}
        self.frozen = {}
        for name in ("mean", "scale"):
            self.frozen[name] = self.add_weight(
                shape=(codec.CHANNELS,),
                initializer="zeros" if name == "mean" else "ones",
                trainable=False,
                name=name,
            )
        for name, (wide, out) in codec.SHAPES.items():
            kernel = random.normal(0, np.sqrt(2 / (9 * wide)), (3, 3, wide, out))
            kernel *= 0.3 if name == "paint" else 1.0
            for key, value in ((name, kernel), (f"{name}/bias", np.zeros(out))):
                self.kernels[key] = self.add_weight(
                    shape=value.shape,
                    initializer=lambda shape, dtype=None, value=value: tf.constant(value, dtype),
                    name=key.replace("/", "_"),
                )
        self.built = True

    def measure(self, batches: list[tf.Tensor]) -> None:
        """Set the mean and the scale of the codes' channels to those of some batches."""
        found = [codec.features(images, self.encoder)["conv4"] for images in batches]
        values = tf.cast(tf.concat(found, axis=0), tf.float32)
        mean, variance = tf.nn.moments(values, axes=(0, 1, 2))
        self.frozen["mean"].assign(mean)
        self.frozen["scale"].assign(tf.sqrt(variance + 1e-8))

    def prepare(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Compute the errors of a batch, (B, H, W, 3) with an even B."""
        frozen = {name: value.value for name, value in self.frozen.items()}
        decoder = {k: tf.cast(v.value, self.convolution_dtype) for k, v in self.kernels.items()}
        half = images.shape[0] // 2
        true = codec.features(images, self.encoder)
        codes = codec.standard(true["conv4"], frozen)
        moved = tf.numpy_function(_transported, [codes[half:], codes[:half]], tf.float32)
        wanted = tf.concat([codes[:half], tf.ensure_shape(moved, codes[half:].shape)], axis=0)
        wanted = tf.stop_gradient(wanted)
        decoded = codec.decode(wanted, decoder)
        found = codec.features(decoded, self.encoder)
        again = codec.standard(found["conv4"], frozen)
        errors = {
            "pixels": tf.reduce_mean(tf.abs(decoded[:half] - images[:half])),
            "outside": tf.reduce_mean(tf.nn.relu(tf.abs(decoded - 0.5) - 0.5)),
            "code": relative_error(again[:half], wanted[:half]),
            "transported": relative_error(again[half:], wanted[half:]),
        }
        texture = []
        for name in SHALLOW:
            errors[name] = relative_error(found[name][:half], true[name][:half])
            own, style = _moments(found[name][half:]), _moments(true[name][:half])
            texture += [relative_error(*pair) for pair in zip(own, style, strict=True)]
        errors["texture"] = tf.add_n(texture)
        return errors

    def errors(self, prepared: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return prepared

    def loss_of(self, prepared: dict[str, tf.Tensor]) -> tf.Tensor:
        return tf.add_n([WEIGHTS.get(name, 1.0) * error for name, error in prepared.items()])

    def arrays(self) -> dict[str, np.ndarray]:
        """The weights as `style_transfer.instant.codec.decoder_weights` reads them."""
        return {name: value.numpy() for name, value in {**self.frozen, **self.kernels}.items()}


def _moments(values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Means and deviations of the channels of each image, (B, C)."""
    mean, variance = tf.nn.moments(tf.cast(values, tf.float32), axes=(1, 2))
    return mean, tf.sqrt(variance + 1e-6)


def _transported(contents: np.ndarray, styles: np.ndarray) -> np.ndarray:
    """Move codes (B, h, w, C) to the moments of others."""
    moved = []
    for content, style in zip(contents, styles, strict=True):
        source, target = transport.gaussian(content), transport.gaussian(style)
        move = transport.transport(source, target, RIDGE)
        moved.append(move(content))
    return np.stack(moved).astype(np.float32)
