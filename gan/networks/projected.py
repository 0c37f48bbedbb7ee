"""Projected GANs (Sauer et al. 2021, Projected GANs Converge Faster).

The discriminator does not see images, but features of a frozen, trained network, mixed
by random convolutions that are not trained either (section 3.2):

- cross-channel mixing (CCM): a 1x1 convolution of each feature map;
- cross-scale mixing (CSM): from the coarsest map on, each map is convolved, enlarged and
  added to the next finer one.

One small discriminator for each of the four mixed maps is trained. The generator is that
of the DCGAN.

Deviations: the frozen network is the embedded SqueezeNet (`common.extractors.deep`) in
place of EfficientNet-Lite1, at strides 2 to 16 instead of 4 to 32, as images are small;
an image has one logit, the mean of those of all scales (with classes plus one projection
of the label on all features; a SAN head replaces both), where the paper adds the losses
of all scales (equation 4). With the hinge loss the gradients are equal, up to a factor
that Adam ignores, if all scales are on one side of the margin; otherwise, a scale beyond
it makes up for another. The 3x3 convolutions come before the enlargement, at a quarter
of the cost, and the finest map is not enlarged; the default widths are half of the
paper's, and a discriminator keeps the width of its map; its maps are halved to four
places a side and then flattened, instead of 5x5 logits; it has batch or spectral
normalization, the authors' program both; the random kernels keep the variance of their
input, without He's factor of 2, as no ReLU follows.
"""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import keras
from keras import layers, ops

from common import fast
from gan.config import NetworkConfig
from gan.layers import heads
from gan.layers.deep_features import DeepFeatures
from gan.networks import dcgan
from gan.networks.base import ImageSpec

RESOLUTIONS = (16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128)
MAX_ASPECT = 2
FIXED = {"minibatch_deviation": 0}
CHANNELS = (1, 3)  # the frozen network sees no transparency
SMALLEST = 4  # places; the shorter side of a discriminator's last map is at most this long


def build_generator(spec: ImageSpec, config: NetworkConfig, *, final_width: int = 0) -> keras.Model:
    """Build the DCGAN's generator: `gan.networks.dcgan.build_generator`.

    Deviation: the paper uses FastGAN's (Liu et al. 2021).

    Args:
        spec: As there.
        config: As there.
        final_width: As there.

    Returns:
        A model from latent vectors to float32 (B, H, W, C) in [-1, 1].

    Raises:
        InputError: `final_width` is not an integer of at least 0.

    Example:
        >>> build_generator(ImageSpec(32, 32, 3), NetworkConfig("projected")).output_shape
        (None, 32, 32, 3)
    """
    return dcgan.build_generator(spec, config, final_width=final_width)


def build_discriminator(spec: ImageSpec, config: NetworkConfig) -> keras.Model:
    """Build a network from images, through frozen features, to logits, positive for real.

    With classes, the label enters as a projection of all features:
    `gan.layers.heads.linear`. Deviation: the paper's networks are unconditional.

    Args:
        spec: Shape of the images; height and width are in `RESOLUTIONS`, and one is
            at most `MAX_ASPECT` times the other.
        config: `discriminator_width` or else `width`, the channels of the finest mixed
            map, which double at each coarser one; `normalization` and `kernels` are used.

    Returns:
        A model (B, H, W, C) or [(B, H, W, C), (B,)] -> float32 (B,).

    Example:
        >>> config = NetworkConfig("projected", normalization="spectral")
        >>> build_discriminator(ImageSpec(32, 32, 3), config).output_shape
        (None,)
    """
    source = fast.layers(config.kernels)
    image = keras.Input((spec.height, spec.width, spec.channels), name="image")
    maps = DeepFeatures(name="frozen")(image)
    width = config.discriminator_width or config.width
    mixed = mix(source, maps, [width * 2**level for level in range(len(maps))])
    parts = [discriminate(source, config.normalization, each) for each in mixed]
    features = layers.Concatenate(name=heads.FEATURES)(parts)  # (B, F)
    sizes = [part.shape[-1] for part in parts]

    def logits(features: Any) -> Any:
        return mean_of_logits(features, sizes, spectral=config.normalization == "spectral")

    return heads.linear([image], features, spec.classes, {"logits": logits})


def mix(source: SimpleNamespace, maps: Sequence[Any], widths: Sequence[int]) -> list[Any]:
    """Mix channels and scales of feature maps by random convolutions that are not trained.

    Section 3.2. The kernels are drawn from the global seed, and are weights of the
    network, so that a checkpoint and a saved model contain them.

    Args:
        source: Layers of `common.fast.layers`.
        maps: Feature maps (B, H, W, C), the finest first.
        widths: Channels of each mixed map.

    Returns:
        Maps (B, H, W, width) of the same sizes.

    Example:
        >>> fine, coarse = keras.Input((8, 8, 16)), keras.Input((4, 4, 32))
        >>> [each.shape for each in mix(fast.layers("keras"), [fine, coarse], [4, 8])]
        [(None, 8, 8, 4), (None, 4, 4, 8)]
    """
    *finer, last = (
        _random(source, width, 1, f"mix_channels_{level}")(each)
        for level, (each, width) in enumerate(zip(maps, widths, strict=True))
    )
    mixed = [last]
    for level, x in reversed(list(enumerate(finer))):
        coarser = _random(source, widths[level], 3, f"mix_scales_{level}")(mixed[0])
        enlarged = ops.image.resize(coarser, x.shape[1:3], interpolation="bilinear")
        mixed.insert(0, layers.Add()([x, enlarged]))
    return mixed


def discriminate(source: SimpleNamespace, normalization: str, x: Any) -> Any:
    """Compute the features of one scale's discriminator.

    Strided convolutions of kernel 4 halve the map until its shorter side is at most
    `SMALLEST`. A map that is not larger from the start has a 1x1 convolution instead:
    the larger kernel would mostly see padding, and for a map of 1x1 places TensorFlow
    2.21 on a CPU gives NaN as parts of its gradient in bfloat16.

    Args:
        source: Layers of `common.fast.layers`.
        normalization: Of `NetworkConfig`.
        x: A mixed map, (B, H, W, C).

    Returns:
        The last map of C channels, flattened, (B, F).

    Example:
        >>> discriminate(fast.layers("keras"), "spectral", keras.Input((16, 16, 8))).shape
        (None, 128)
    """
    width = x.shape[-1]
    if min(x.shape[1:3]) <= SMALLEST:
        x = dcgan.convolve(source, normalization, x, width, kernel=1, strides=1)
    while min(x.shape[1:3]) > SMALLEST:
        x = dcgan.convolve(source, normalization, x, width)
    return layers.Flatten()(x)


def mean_of_logits(features: Any, sizes: Sequence[int], *, spectral: bool) -> Any:
    """Average one affine logit for each scale.

    Args:
        features: Those of all scales in turn, (B, F).
        sizes: Features of each scale; their sum is F.
        spectral: Divide the weights of each logit by their norm.

    Returns:
        (B, 1).

    Example:
        >>> mean_of_logits(keras.Input((12,)), [4, 8], spectral=False).shape
        (None, 1)
    """
    found, start = [], 0
    for scale, size in enumerate(sizes):
        dense = layers.Dense(1, dtype="float32", name=f"logits_{scale}")
        if spectral:
            dense = layers.SpectralNormalization(dense, dtype="float32")
        found.append(dense(features[:, start : start + size]))
        start += size
    return layers.Average(dtype="float32")(found)


def _random(source: SimpleNamespace, width: int, kernel: int, name: str) -> layers.Layer:
    """Make a convolution whose random kernel keeps the variance of its input."""
    return source.Conv2D(
        width,
        kernel,
        padding="same",
        use_bias=False,
        kernel_initializer="lecun_normal",
        trainable=False,
        name=name,
    )
