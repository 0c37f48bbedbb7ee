"""Color control: Gatys et al. 2016, Preserving Color in Neural Artistic Style Transfer.

Images are float arrays (H, W, 3) in [0, 1].
"""

from collections.abc import Callable, Sequence

import numpy as np

# Red, green and blue to luminance and two axes of chroma: YIQ, as NTSC defined it in 1953.
TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])


def luminance(image: np.ndarray) -> np.ndarray:
    """Convert an image to gray, as three equal channels."""
    return np.repeat(image @ TO_YIQ[0][:, None], 3, axis=2).astype(np.float32)


def luminance_like(image: np.ndarray, gray: np.ndarray) -> np.ndarray:
    """Return the luminance of an image with the mean and deviation of `gray`: section 4.2."""
    own = luminance(image)
    scale = gray.std() / max(own.std(), 1e-6)
    return np.clip((own - own.mean()) * scale + gray.mean(), 0.0, 1.0).astype(np.float32)


def with_chroma_of(image: np.ndarray, content: np.ndarray) -> np.ndarray:
    """Combine the luminance of an image with the chroma of `content`: section 4.2.

    Args:
        image: (H, W, 3) in [0, 1].
        content: The same shape.
    """
    yiq = content @ TO_YIQ.T
    yiq[..., 0] = image @ TO_YIQ[0]
    return np.clip(yiq @ np.linalg.inv(TO_YIQ).T, 0.0, 1.0).astype(np.float32)


def matched(image: np.ndarray, content: np.ndarray) -> np.ndarray:
    """Give an image the mean color and the color covariance of `content`: section 4.1.

    Args:
        image: (H, W, 3) in [0, 1].
        content: (h, w, 3) in [0, 1].
    """
    return matching(image, content)(image)


def with_palette(
    image: np.ndarray, styles: Sequence[np.ndarray], weights: Sequence[float], share: float
) -> np.ndarray:
    """Move the colors of an image towards those of styles.

    Args:
        image: (H, W, 3) in [0, 1].
        styles: (h, w, 3) in [0, 1] each.
        weights: One for each style, at least 0 and not all 0.
        share: Of the way, 0 to 1. At 1 the result is the mean, by weight, of what
            `matched` makes of the image for each style.

    Example:
        >>> with_palette(photo, [painting], [1.0], share=0.0)  # equals the photo
    """
    moved = sum(w * matched(image, style) for style, w in zip(styles, weights, strict=True) if w)
    return (image + share * (moved / sum(weights) - image)).astype(np.float32)


def matching(image: np.ndarray, content: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return the map that gives an image the mean and the covariance of another's colors.

    The linear map is the symmetric one between two Gaussians (Pitie and Kokaram
    2007, equation 8), which moves every color as little as possible.

    Args:
        image: (H, W, 3) in [0, 1].
        content: (h, w, 3) in [0, 1].

    Returns:
        A function of the image, or of parts of it, (..., 3) in [0, 1].
    """
    source, target = image.reshape(-1, 3), content.reshape(-1, 3)
    covariance = np.cov(source.T) + 1e-5 * np.eye(3)  # a gray or flat image has none
    root = _power(covariance, 0.5)
    inverse = _power(covariance, -0.5)
    middle = _power(root @ np.cov(target.T) @ root, 0.5)
    matrix, mean, goal = inverse @ middle @ inverse, source.mean(axis=0), target.mean(axis=0)
    return lambda part: np.clip((part - mean) @ matrix + goal, 0.0, 1.0).astype(np.float32)


def _power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    """Raise a positive semi-definite matrix to a power."""
    values, vectors = np.linalg.eigh(matrix)
    values = np.maximum(values, 0.0 if exponent > 0 else 1e-12)
    return (vectors * values**exponent) @ vectors.T
