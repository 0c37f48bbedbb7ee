"""Progressive growing (Karras et al. 2018): a DCGAN that starts at a low resolution.

A stage trains the networks of one resolution; the next one adds layers and doubles
it. The image of a stage is that of the stage before, enlarged, plus the output of
the new layers, and the discriminator's features are treated likewise: output and
input skips, Karras et al. 2020 (StyleGAN2), figure 7b. As the new layers start with
an output of zero, growth changes neither network, and no fade-in is needed.

The networks are built at full size once. Before the last stage the layers that are
not trained yet contribute nothing, so that the full-size networks always compute
what the trained ones do, with images enlarged by repeating pixels. `generator_at`
and `discriminator_at` return the part that a stage trains.

Deviations: the layers are those of the DCGAN of this package, with batch
normalization instead of pixel normalization and equalized learning rates, and
without minibatch deviation; images are enlarged by repeating pixels instead of
a filter, or growth would change the function.
"""

from types import SimpleNamespace
from typing import Any

import keras
from keras import layers

from common import fast
from common.key_values import check_number
from gan.config import NetworkConfig
from gan.layers import heads
from gan.networks import dcgan, resnet
from gan.networks.base import ImageSpec, check_normalization, require_square

RESOLUTIONS = (16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128)
FIXED = {"minibatch_deviation": 0}
NORMALIZATIONS = ("batch", "layer", "none")  # spectral cannot divide by the norm of zeros
FIRST = 16  # pixels
SMALLEST = 8  # pixels; the first feature map has at most 7


def stages(spec: ImageSpec, *, first: int = FIRST) -> tuple[int, ...]:
    """List the resolutions that are trained in turn.

    Args:
        spec: Shape of the images; square.
        first: Smallest resolution, in pixels; at least 8.

    Returns:
        Sides in pixels, full size last. Only one if half of it is below `first`.

    Raises:
        InputError: The images are not square, or `first` is too small.

    Example:
        >>> stages(ImageSpec(64, 64, 3)), stages(ImageSpec(28, 28, 1), first=8)
        ((16, 32, 64), (14, 28))
    """
    check_number("first", first, least=SMALLEST)
    full, *others = resnet.sides(require_square("progressive", spec))
    return (*sorted(side for side in others if side >= first), full)


def build_generator(
    spec: ImageSpec, config: NetworkConfig, *, first: int = FIRST, final_width: int = 0
) -> keras.Model:
    """Build the full-size network from latent vectors to images.

    Args:
        spec: Shape of the images; square.
        config: `latent_size`, `width`, `upsampling` and `kernels` are used.
        first: Resolution of the first stage, in pixels.
        final_width: Filters at the resolution of each stage, before one more
            convolution, with smoothed feature maps as in
            `gan.networks.dcgan.build_generator`. 0: upsampling makes the images.

    Returns:
        A model (B, latent_size) or [(B, latent_size), (B,)] -> float32
        (B, H, W, C) in [-1, 1].

    Raises:
        InputError: The images are not square, or an option is too small.

    Example:
        >>> build_generator(ImageSpec(64, 64, 3), NetworkConfig()).output_shape
        (None, 64, 64, 3)
    """
    check_number("final_width", final_width, least=0)
    trained = stages(spec, first=first)
    source = fast.layers(config.kernels)
    upsample = dcgan.UPSAMPLING[config.upsampling]
    start, *sides = reversed(resnet.sides(spec.height))
    *narrower, widest = resnet.widths(config.width, len(sides))
    inputs, x = dcgan.latent_input(spec, config)
    x = dcgan.activate(source, layers.Dense(start * start * widest, use_bias=False)(x))
    x = layers.Reshape((start, start, widest))(x)
    image = None
    for side, width in zip(sides, [*reversed(narrower), None], strict=True):
        if side in trained:  # x is at half of `side`
            known = {} if image is None else {"kernel_initializer": "zeros"}
            detail = dcgan.final_layers(source, upsample, x, spec.channels, final_width, **known)
            image = _sum(image, detail, f"sum_{side}")
        if width:
            x = dcgan.activate(source, upsample(source, x, width))  # (B, side, side, width)
    image = layers.Activation("tanh", dtype="float32", name="image")(image)
    return keras.Model(inputs, image, name="generator")


def generator_at(generator: keras.Model, side: int) -> keras.Model:
    """Return the part of a generator that makes images of a stage's resolution.

    Args:
        generator: Of `build_generator`.
        side: One of `stages`, in pixels.

    Returns:
        A model of the same inputs and layers to float32 (B, side, side, C) in [-1, 1].

    Example:
        >>> generator_at(build_generator(ImageSpec(64, 64, 3), NetworkConfig()), 16).output_shape
        (None, 16, 16, 3)
    """
    image = layers.Activation("tanh", dtype="float32")(generator.get_layer(f"sum_{side}").output)
    return keras.Model(generator.input, image, name="generator")


def build_discriminator(
    spec: ImageSpec, config: NetworkConfig, *, first: int = FIRST
) -> keras.Model:
    """Build the full-size network from images to logits, positive for real.

    With classes, the label enters as a projection (Miyato and Koyama 2018,
    equation 5).

    Args:
        spec: Shape of the images; square.
        config: `discriminator_width` or else `width`, `normalization` (not
            "spectral") and `kernels` are used.
        first: Resolution of the first stage, in pixels.

    Returns:
        A model (B, H, W, C) or [(B, H, W, C), (B,)] -> float32 (B,).

    Raises:
        InputError: The images are not square, `first` is too small, or the
            normalization is spectral.

    Example:
        >>> build_discriminator(ImageSpec(64, 64, 3), NetworkConfig()).output_shape
        (None,)
    """
    check_normalization("progressive", config.normalization)
    *earlier, _ = stages(spec, first=first)
    source = fast.layers(config.kernels)
    sides = resnet.sides(spec.height)
    widths = resnet.widths(config.discriminator_width or config.width, len(sides) - 1)
    known: dict[str, Any] = {"activation": source.LeakyReLU(dcgan.LEAK, name="activation")}
    options = {"strides": 2, "padding": "same"}
    for side, width in zip(sides, widths, strict=False):  # from `side` to its half
        if side == spec.height or side in earlier:
            name = f"from_image_{side}"
            known[name] = source.Conv2D(width, dcgan.KERNEL, name=name, **options)
        if side != spec.height:
            known |= _halving(source, config.normalization, side, width, new=side in earlier)
    return _discriminator(known, spec)


def discriminator_at(discriminator: keras.Model, side: int) -> keras.Model:
    """Return the part of a discriminator that takes images of a stage's resolution.

    Args:
        discriminator: Of `build_discriminator`.
        side: One of `stages`, in pixels.

    Returns:
        A model of (B, side, side, C) [and labels (B,)] to float32 (B,), with the same
        layers.

    Example:
        >>> full = build_discriminator(ImageSpec(64, 64, 3), NetworkConfig())
        >>> discriminator_at(full, 16).input_shape
        (None, 16, 16, 3)
    """
    known = {layer.name: layer for layer in discriminator.layers}
    classes = known["label_embedding"].input_dim if "label_embedding" in known else 0
    channels = discriminator.inputs[0].shape[-1]
    return _discriminator(known, ImageSpec(side, side, channels, classes))


def _sum(image, detail, name: str):
    """Add the output of new layers, zero at first, to the enlarged image; float32."""
    if image is None:
        return layers.Activation("linear", dtype="float32", name=name)(detail)
    image = layers.UpSampling2D(dtype="float32")(image)
    return layers.Add(dtype="float32", name=name)([image, detail])


def _halving(
    source: SimpleNamespace, normalization: str, side: int, width: int, new: bool
) -> dict[str, keras.layers.Layer]:
    """Create the layers that halve features of a side; the output of new ones starts at zero."""
    scale = {"gamma_initializer": "zeros" if new else "ones"}
    found: dict[str, keras.layers.Layer] = {
        f"halve_{side}": source.Conv2D(
            width,
            dcgan.KERNEL,
            strides=2,
            padding="same",
            use_bias=normalization != "batch",
            kernel_initializer="zeros" if new and normalization == "none" else "glorot_uniform",
            name=f"halve_{side}",
        )
    }
    name = f"normalize_{side}"
    if normalization == "batch":
        found[name] = source.BatchNormalization(**dcgan.BATCH_NORM, **scale, name=name)
    elif normalization == "layer":
        found[name] = layers.GroupNormalization(groups=1, **scale, name=name)
    return found


def _discriminator(known: dict[str, Any], spec: ImageSpec) -> keras.Model:
    """Connect layers, by name, to a discriminator of images of a stage's resolution."""
    activation = known["activation"]
    image = shown = keras.Input((spec.height, spec.width, spec.channels), name="image")
    x = activation(known[f"from_image_{spec.height}"](image))
    for side in resnet.sides(spec.height)[1:-1]:
        x = known[f"halve_{side}"](x)  # (B, side / 2, side / 2, width)
        if f"normalize_{side}" in known:
            x = known[f"normalize_{side}"](x)
        x = activation(x)
        if f"from_image_{side}" in known:
            shown = layers.AveragePooling2D(2)(shown)  # (B, side, side, C)
            x = layers.Add()([x, activation(known[f"from_image_{side}"](shown))])
    features = layers.Flatten(name="features")(x)  # (B, F)
    return heads.linear([image], features, spec.classes, known)
