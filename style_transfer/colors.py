"""Color control: Gatys et al. 2016, Preserving Color in Neural Artistic Style Transfer.

Images are float arrays (H, W, 3) in [0, 1].
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

# Red, green and blue to luminance and two axes of chroma: YIQ, as NTSC defined it in 1953.
TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
# Pixels that are computed at once. For more, NumPy's products start threads, which then wait busily
# beside a network that paints.
BAND = 2**14
FLOOR = 1e-5  # added to variances; a gray or flat image has none
Moments = tuple[np.ndarray, np.ndarray]


def luminance(image: np.ndarray) -> np.ndarray:
    """Convert an image to gray, as three equal channels."""
    return _in_bands(lambda part: part @ TO_YIQ[0][:, None], image)  # broadcast


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
    return _in_bands(matching(image, content), image)


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
    return palette(image, styles, weights, share)(image)


def palette(
    image: np.ndarray, styles: Sequence[np.ndarray], weights: Sequence[float], share: float
) -> "Palette":
    """Return the map of `with_palette`, which also applies to other images."""
    pairs = [(matching(image, style), w) for style, w in zip(styles, weights, strict=True) if w]
    return Palette(tuple(each for each, _ in pairs), tuple(w for _, w in pairs), share)


def matching(image: np.ndarray, content: np.ndarray) -> "Matching":
    """Return the map that gives an image the mean and the covariance of another's colors.

    The linear map is the symmetric one between two Gaussians (Pitie and Kokaram
    2007, equation 8), which moves every color as little as possible.

    Args:
        image: (H, W, 3) in [0, 1].
        content: (h, w, 3) in [0, 1].

    Returns:
        A function of the image, or of parts of it, (..., 3) in [0, 1].
    """
    return between(moments(image), moments(content))


def between(source: Moments, destination: Moments) -> "Matching":
    """Return the map of `matching` from the moments of both images.

    Args:
        source: Of the image, as `moments` returns them.
        destination: Of the other.

    Example:
        >>> between(moments(image), moments(content))(image)  # as matching(image, content)(image)
    """
    (mean, covariance), (goal, target) = source, destination
    covariance = covariance + FLOOR * np.eye(3)
    root = _power(covariance, 0.5)
    inverse = _power(covariance, -0.5)
    middle = _power(root @ target @ root, 0.5)
    return Matching(mean, inverse @ middle @ inverse, goal)


class Matching(NamedTuple):
    """A map x -> (x - mean) @ matrix + goal of colors, clipped to [0, 1].

    Attributes:
        mean: (3,) float64.
        matrix: (3, 3) float64.
        goal: (3,) float64.
    """

    mean: np.ndarray
    matrix: np.ndarray
    goal: np.ndarray

    def __call__(self, part: np.ndarray) -> np.ndarray:
        """Map colors (..., 3), to float32."""
        moved = (part - self.mean) @ self.matrix + self.goal
        return np.clip(moved, 0.0, 1.0).astype(np.float32)


class Palette(NamedTuple):
    """A map that moves the colors of images part of the way to the mean of several maps.

    Attributes:
        matchings: One for each style.
        weights: One for each style.
        share: Of the way, 0 to 1.
    """

    matchings: tuple[Matching, ...]
    weights: tuple[float, ...]
    share: float

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Map an image (H, W, 3) in [0, 1], to float32."""
        return _in_bands(self._move, image)

    def _move(self, part: np.ndarray) -> np.ndarray:
        pairs = zip(self.matchings, self.weights, strict=True)
        moved = sum(weight * matching(part) for matching, weight in pairs)
        return part + self.share * (moved / sum(self.weights) - part)

    def state(self) -> dict:
        """Return what `restore` takes, as JSON holds it without rounding."""
        matchings = [[values.tolist() for values in each] for each in self.matchings]
        return {"matchings": matchings, "weights": list(self.weights), "share": self.share}

    @classmethod
    def restore(cls, state: Mapping) -> "Palette":
        """Return the palette whose `state` this was."""
        matchings = (Matching(*map(np.array, each)) for each in state["matchings"])
        return cls(tuple(matchings), tuple(state["weights"]), state["share"])


def moments(image: np.ndarray) -> Moments:
    """Compute the mean, (3,), and the covariance, (3, 3), of an image's colors, in float64.

    Args:
        image: (H, W, 3) in [0, 1]; it is read in bands.

    Example:
        >>> moments(np.full((2, 2, 3), 0.25))[0]
        array([0.25, 0.25, 0.25])
    """
    count, total, products = 0, np.zeros(3), np.zeros((3, 3))
    for rows in _bands(image):
        part = image[rows].reshape(-1, 3) - np.float64(0.5)  # around 0, so that little cancels
        count, total, products = (
            count + len(part),
            total + part.sum(axis=0),
            products + part.T @ part,
        )
    mean = total / count
    return mean + 0.5, (products - count * np.outer(mean, mean)) / max(count - 1, 1)


def _in_bands(change: Callable[[np.ndarray], np.ndarray], image: np.ndarray) -> np.ndarray:
    """Apply a function of colors to an image (H, W, 3); float32, without large copies."""
    result = np.empty(image.shape, np.float32)
    for rows in _bands(image):
        result[rows] = change(image[rows])
    return result


def _bands(image: np.ndarray) -> Iterator[slice]:
    """Yield bands of rows of about `BAND` pixels."""
    step = max(1, BAND // image.shape[1])
    for start in range(0, image.shape[0], step):
        yield slice(start, start + step)


def _power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    """Raise a positive semi-definite matrix to a power."""
    values, vectors = np.linalg.eigh(matrix)
    values = np.maximum(values, 0.0 if exponent > 0 else 1e-12)
    return (vectors * values**exponent) @ vectors.T
