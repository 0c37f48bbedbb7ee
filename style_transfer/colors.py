"""Whose colours a stylized picture has.

After Gatys et al. 2016, Preserving Color in Neural Artistic Style Transfer.
Pictures are float arrays (H, W, 3) in [0, 1].
"""

import numpy as np

# Red, green and blue to luminance and two axes of chroma: YIQ, as NTSC defined it in 1953.
TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])


def luminance(picture: np.ndarray) -> np.ndarray:
    """The picture in gray, three equal channels."""
    return np.repeat(picture @ TO_YIQ[0][:, None], 3, axis=2).astype(np.float32)


def luminance_like(picture: np.ndarray, gray: np.ndarray) -> np.ndarray:
    """The luminance of `picture` with the mean and deviation of `gray`'s; section 4.2."""
    own = luminance(picture)
    scale = gray.std() / max(own.std(), 1e-6)
    return np.clip((own - own.mean()) * scale + gray.mean(), 0.0, 1.0).astype(np.float32)


def with_chroma_of(picture: np.ndarray, content: np.ndarray) -> np.ndarray:
    """The luminance of `picture` with the chroma of `content`, of the same size; section 4.2."""
    yiq = content @ TO_YIQ.T
    yiq[..., 0] = picture @ TO_YIQ[0]
    return np.clip(yiq @ np.linalg.inv(TO_YIQ).T, 0.0, 1.0).astype(np.float32)


def matched(picture: np.ndarray, content: np.ndarray) -> np.ndarray:
    """`picture` with the mean colour and the colour covariance of `content`; section 4.1.

    By the symmetric map between two Gaussians (Pitie and Kokaram 2007,
    equation 8), which moves every colour as little as possible.
    """
    source, target = picture.reshape(-1, 3), content.reshape(-1, 3)
    covariance = np.cov(source.T) + 1e-5 * np.eye(3)  # a gray or flat picture has none
    root = _power(covariance, 0.5)
    inverse = _power(covariance, -0.5)
    middle = _power(root @ np.cov(target.T) @ root, 0.5)
    moved = (source - source.mean(axis=0)) @ (inverse @ middle @ inverse) + target.mean(axis=0)
    return np.clip(moved.reshape(picture.shape), 0.0, 1.0).astype(np.float32)


def _power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    """A power of a positive semi-definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    values = np.maximum(values, 0.0 if exponent > 0 else 1e-12)
    return (vectors * values**exponent) @ vectors.T
