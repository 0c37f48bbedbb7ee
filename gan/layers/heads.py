"""The last layers of a discriminator: from features to a logit."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from common.errors import InputError

FEATURES = "features"  # name of the layer whose activations become a logit
SAN = "san"


def linear(
    images: Sequence[Any],
    features: Any,
    classes: int,
    known: Mapping[str, Callable[[Any], Any]] = MappingProxyType({}),
) -> keras.Model:
    """Complete a discriminator by an affine function of its features.

    With classes, the label enters as a projection (Miyato and Koyama 2018, equation
    5): the logit gains the inner product of the features with the label's learned
    embedding.

    Args:
        images: Inputs of the network.
        features: Its features, (B, F).
        classes: Number of classes; 0 without.
        known: Layers "logits" and "label_embedding" to use instead of new ones; either
            may be a function of what the layer is called with.

    Returns:
        A model of images, or of a list of them and labels (B,), to float32 logits (B,).

    Example:
        >>> image = keras.Input((8, 8, 1))
        >>> linear([image], keras.layers.Flatten()(image), 0).output_shape
        (None,)
    """
    inputs = list(images)
    dense = known.get("logits") or layers.Dense(1, dtype="float32", name="logits")
    logits = dense(features)  # (B, 1)
    if classes:
        label = keras.Input((), dtype="int32", name="label")
        inputs.append(label)
        embedding = known.get("label_embedding") or layers.Embedding(
            classes, features.shape[-1], embeddings_initializer="zeros", name="label_embedding"
        )
        embedded = embedding(label)  # (B, F)
        projection = layers.Dot(axes=1, dtype="float32")([features, embedded])  # (B, 1)
        logits = layers.Add(dtype="float32")([logits, projection])
    outputs = layers.Reshape((), dtype="float32")(logits)
    return keras.Model(inputs[0] if len(inputs) == 1 else inputs, outputs, name="discriminator")


@keras.saving.register_keras_serializable("gan")
class SlicingHead(layers.Layer):
    """The head of a slicing adversarial network (SAN: Takida et al. 2024).

    The logit is <w / |w|, |w| h> for features h. The direction w / |w| is not
    trained by the adversarial loss but by its own objective, that of Wasserstein: the
    second output, whose mean is to be large for real and small for generated
    images, is the same number with gradients to the direction only.

    With classes, the vector of a class is w plus its embedding, as in a projection.
    Deviations from the authors' program: the scale is |w|, not a separate weight; a bias
    is added to the logit, not to the features. Flipped labels (`balance.label_flips`) do
    not flip the objective of the direction.

    Args:
        classes: Number of classes; 0 without.

    Example:
        >>> logits, directions = SlicingHead()(tf.ones((4, 8)))
        >>> logits.shape, directions.shape
        (TensorShape([4]), TensorShape([4]))
    """

    def __init__(self, classes: int = 0, **options):
        super().__init__(**options)
        self.classes = classes

    def build(self, input_shape):
        size = (input_shape[0] if self.classes else input_shape)[-1]
        self.kernel = self.add_weight(shape=(size, 1), name="kernel")
        self.bias = self.add_weight(shape=(), initializer="zeros", name="bias")
        if self.classes:
            self.embeddings = self.add_weight(
                shape=(self.classes, size), initializer="zeros", name="embeddings"
            )

    def call(self, inputs):
        features, labels = inputs if self.classes else (inputs, None)
        features = tf.cast(features, tf.float32)  # (B, F)
        vector = tf.transpose(tf.cast(self.kernel, tf.float32))  # (1, F)
        if self.classes:
            vector = vector + tf.gather(tf.cast(self.embeddings, tf.float32), labels)  # (B, F)
        norm = tf.maximum(tf.norm(vector, axis=1, keepdims=True), 1e-12)
        direction, scaled = vector / norm, norm * features  # (1 or B, F), (B, F)
        logits = tf.reduce_sum(tf.stop_gradient(direction) * scaled, axis=1) + self.bias  # (B,)
        return logits, tf.reduce_sum(direction * tf.stop_gradient(scaled), axis=1)

    def compute_output_spec(self, inputs):
        batch = keras.tree.flatten(inputs)[0].shape[:1]
        return tuple(keras.KerasTensor(batch, "float32") for _ in range(2))

    def get_config(self):
        return {**super().get_config(), "classes": self.classes}


def with_slicing(discriminator: keras.Model, classes: int) -> keras.Model:
    """Replace whatever follows the features of a discriminator by a `SlicingHead`.

    Args:
        discriminator: A model of images, or `[images, labels]`, with a layer
            "features".
        classes: Number of classes; not used without an input of labels.

    Returns:
        A model of the same inputs to logits (B,).

    Raises:
        InputError: No layer has that name.

    Example:
        >>> with_slicing(build_discriminator(ImageSpec(32, 32, 3), NetworkConfig()), 0).output_shape
        (None,)
    """
    if FEATURES not in [layer.name for layer in discriminator.layers]:
        raise InputError(
            f"--set networks.head={SAN}: this discriminator has no layer named {FEATURES}\n"
            "name the layer whose activations become a logit, or leave the head out"
        )
    features = discriminator.get_layer(FEATURES).output
    if len(features.shape) > 2:
        features = layers.Flatten()(features)
    labels = [each for each in discriminator.inputs if len(each.shape) == 1]
    head = SlicingHead(classes if labels else 0, dtype="float32", name=SAN)
    logits, _ = head([features, *labels] if labels else features)
    return keras.Model(discriminator.inputs, logits, name=discriminator.name)


def both_logits(discriminator: keras.Model) -> Callable[[Any], tuple[tf.Tensor, tf.Tensor]]:
    """Return a function to both outputs of a discriminator's `SlicingHead`, for training.

    Args:
        discriminator: A model to logits, with any head.

    Returns:
        A function of the discriminator's inputs to logits (B,) and to what trains the
        direction, (B,); without a slicing head that is 0.
    """
    found = [layer for layer in discriminator.layers if isinstance(layer, SlicingHead)]
    if not found:
        return lambda inputs: (discriminator(inputs, training=True), tf.constant(0.0))
    both = keras.Model(discriminator.inputs, list(found[0].output))
    return lambda inputs: both(inputs, training=True)
