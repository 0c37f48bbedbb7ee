"""Style losses: distances between statistics of two feature maps.

A style loss is a factory. It takes the features of a style image once, computes
what stays fixed, and returns a function from the features of an image to one
value per example. To add a statistic, write one factory and add one row to
`STYLE`; the command line offers it by its key.

The statistic may be any function of two feature maps. What a factory can read:

- `features.moments()`: mean (B, C) and second moment (B, C, C), which the
  embedded extractor computes without the wide activations;
- `features.expanded()`: the activations (B, H, W, C) themselves, for statistics
  such as histograms, sorted projections or nearest neighbors;
- `features.values`: the extractor's raw channels, if a linear map of the
  activations is as good as these;
- `features.weights`: the weight of every place (1, H, W), or None. `moments()`
  honors it. A statistic that reads the activations may stand in `MASKABLE` only
  if it does so, too; with masks, the others are refused.
"""

from collections.abc import Callable

import tensorflow as tf

from common.fast.moments import product
from common.losses.feature_map import FeatureMap, Moments, StyleLoss, moments, positive
from common.losses.nearest import nearest
from common.losses.sorted_projections import sliced

RELATIVE_VARIANCE = 1e-4  # of the mean variance, added to both covariances
ROUNDING = 1e-7  # of the largest eigenvalue
MASKABLE = ("gram", "gram_and_mean", "wasserstein")  # statistics that honor `FeatureMap.weights`


def gram_matrix(features: tf.Tensor) -> tf.Tensor:
    """Compute the Gram matrix of a feature map.

    G_ij = 1 / (H W) sum_k F_ik F_jk, Gatys et al. 2016, Image Style Transfer
    Using Convolutional Neural Networks, equation 3. Deviation: divided by H W,
    so that the value does not depend on the size of the image.

    Args:
        features: (B, H, W, C), float32 or bfloat16.

    Returns:
        (B, C, C) float32, symmetric and positive semi-definite.

    Example:
        >>> gram_matrix(tf.constant([[[[1.0, 2.0], [3.0, -2.0]]]])).numpy()
        array([[[ 5., -2.],
                [-2.,  4.]]], dtype=float32)
    """
    return moments(features).second


def gram(target: FeatureMap) -> StyleLoss:
    """Compare Gram matrices: Gatys et al. 2016, equation 4.

    |G - G*|^2 / |G*|^2 in Frobenius norms. Deviation: divided by the target's own
    squared norm instead of 4 N^2 M^2, so that layers, extractors and styles have
    equal weight.

    Args:
        target: Features of the style image.

    Returns:
        A function of the features of an image, to (B,). 0 is a perfect match, 1
        the distance of features that are all 0.

    Example:
        >>> loss = gram(extractor(style)["relu1_1"])
        >>> loss(extractor(image)["relu1_1"])  # (B,)
    """
    goal = target.moments().second  # (1, C, C)
    size = positive(tf.reduce_sum(tf.square(goal), axis=(1, 2)))

    def loss(value: FeatureMap) -> tf.Tensor:
        difference = value.moments().second - goal  # (B, C, C)
        return tf.reduce_sum(tf.square(difference), axis=(1, 2)) / size

    return loss


def gram_and_mean(target: FeatureMap) -> StyleLoss:
    """Compare Gram matrices, as `gram`, and means.

    |G - G*|^2 / |G*|^2 + |m - m*|^2 / |m*|^2. A Gram matrix alone fixes the sum of
    variance and squared mean, so that gray places with more contrast satisfy it;
    with the mean, flat places take the colors of the style (Risser et al. 2017,
    Stable and Controllable Neural Texture Synthesis, section 4).

    Args:
        target: Features of the style image.

    Returns:
        A function of the features of an image, to (B,).

    Example:
        >>> loss = gram_and_mean(extractor(style)["relu1_1"])
        >>> loss(extractor(image)["relu1_1"])  # (B,)
    """
    goal, compare = target.moments().mean, gram(target)  # (1, C)
    size = positive(tf.reduce_sum(tf.square(goal), axis=1))

    def loss(value: FeatureMap) -> tf.Tensor:
        shift = tf.reduce_sum(tf.square(value.moments().mean - goal), axis=1)
        return compare(value) + shift / size

    return loss


def wasserstein(target: FeatureMap) -> StyleLoss:
    """Compare the Gaussians with the same means and covariances.

    The squared Wasserstein-2 distance |m - m*|^2 + tr(S + S* - 2 (S*^1/2 S
    S*^1/2)^1/2), Dowson and Landau 1982, equation 16, divided by the trace of
    the target's second moment.

    Deviation: 1e-4 of the target's mean variance is added to the diagonal of both
    covariances (after crowsonkb/style-transfer-pytorch, which adds 1e-4), or the
    root of a flat image's covariance has no gradient. The root of the target with
    itself takes the place of tr(S*), so that its rounding cancels: equal
    features have the distance 0, and none is below. Computed in float64, as the root
    amplifies rounding.

    Args:
        target: Features of the style image.

    Returns:
        A function of the features of an image, to (B,).
    """
    goal = _in_float64(target.moments())
    spread = tf.linalg.trace(goal.covariance())  # (1,)
    size = positive(tf.linalg.trace(goal.second))
    # The second term outweighs the rounding of E[f f^T] - E[f] E[f]^T.
    variance = RELATIVE_VARIANCE * spread + 1e-6 * size
    ridge = variance[:, None, None] / goal.mean.shape[-1]
    ridge *= tf.eye(goal.mean.shape[-1], dtype=tf.float64)
    covariance = goal.covariance() + ridge
    root = symmetric_root(covariance)

    def overlap(covariance: tf.Tensor) -> tf.Tensor:
        """tr(S - 2 (S*^1/2 S S*^1/2)^1/2), (B,)."""
        middle = product(product(root, covariance), root)
        return tf.linalg.trace(covariance) - 2.0 * trace_of_root(middle)

    own = overlap(covariance)

    def loss(value: FeatureMap) -> tf.Tensor:
        found = _in_float64(value.moments())
        shift = tf.reduce_sum(tf.square(found.mean - goal.mean), axis=1)
        distance = shift + tf.maximum(overlap(found.covariance() + ridge) - own, 0.0)
        return tf.cast(distance / size, tf.float32)

    return loss


def _in_float64(moments: Moments) -> Moments:
    return Moments(*(tf.cast(moment, tf.float64) for moment in moments))


def symmetric_root(matrix: tf.Tensor) -> tf.Tensor:
    """Compute the positive square root of a positive semi-definite matrix, without a gradient.

    Args:
        matrix: (B, C, C), symmetric. Negative eigenvalues count as 0.

    Returns:
        (B, C, C).
    """
    values, vectors = tf.linalg.eigh(tf.stop_gradient(matrix))
    scaled = vectors * tf.sqrt(tf.maximum(values, 0.0))[:, None, :]
    return tf.matmul(scaled, vectors, transpose_b=True)


def trace_of_root(matrix: tf.Tensor) -> tf.Tensor:
    """Compute the trace of the square root of a positive semi-definite matrix.

    Deviation: eigenvalues below the rounding of the largest count as that, and
    have no gradient, which is infinite at 0.

    Args:
        matrix: (B, C, C), symmetric.

    Returns:
        (B,).
    """
    values, _ = tf.linalg.eigh(matrix)  # (B, C), ascending
    smallest = positive(tf.stop_gradient(ROUNDING * values[:, -1:]))
    return tf.reduce_sum(tf.sqrt(tf.maximum(values, smallest)), axis=1)


STYLE: dict[str, Callable[[FeatureMap], StyleLoss]] = {
    "gram": gram,
    "gram_and_mean": gram_and_mean,
    "nearest": nearest,
    "sliced": sliced,
    "wasserstein": wasserstein,
}
