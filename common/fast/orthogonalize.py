"""The Newton-Schulz iterations of Muon on the small side of a matrix."""

import tensorflow as tf


def orthogonalize(
    matrix: tf.Tensor, steps: int, coefficients: tuple[float, float, float]
) -> tf.Tensor:
    """Bring all singular values of a matrix near 1.

    The plain form, `keras.optimizers.Muon.zeropower_via_newtonschulz5`, multiplies the long
    matrix in every iteration. All iterations are polynomials of G = X^T X, so here they are
    products of matrices of the size of G, and X is multiplied once. Needs products in full
    float32, which a GPU may round, and few steps: G has the squares of the singular values, whose
    errors grow in every iteration.

    Args:
        matrix: X, (M, N) float32.
        steps: Iterations, 5 at most.
        coefficients: a, b and c of X <- X (a + b G + c G^2), as of `keras.optimizers.Muon`.

    Returns:
        (M, N).

    Example:
        >>> orthogonalize(4.0 * tf.eye(3), 5, (3.4445, -4.7750, 2.0315)).shape
        TensorShape([3, 3])
    """
    if matrix.shape[0] < matrix.shape[1]:
        return tf.transpose(orthogonalize(tf.transpose(matrix), steps, coefficients))
    a, b, c = coefficients
    scaled = matrix / (tf.norm(matrix) + 1e-7)
    gram = tf.matmul(scaled, scaled, transpose_a=True)  # (N, N)
    identity = tf.eye(gram.shape[0], dtype=gram.dtype)
    factor = identity
    for _ in range(steps):
        polynomial = a * identity + b * gram + c * (gram @ gram)
        factor, gram = factor @ polynomial, polynomial @ gram @ polynomial
    return scaled @ factor
