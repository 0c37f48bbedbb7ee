"""The previous result carried to the next frame, and blended with its painting."""

from typing import NamedTuple

import numpy as np

from common.images import from_unit, to_unit
from style_transfer.video import flow as optical
from style_transfer.video.flow import Flow

SCENE = 0.1  # a smaller trusted share of the frame is a new scene
SOFT = 3  # pixels over which the blending fades at the border of what is trusted


class Carried(NamedTuple):
    """The previous result at the places of the next frame.

    Attributes:
        image: float32 (H, W, 3) in [0, 1].
        trust: float32 (H, W): 1 where it belongs to the next frame, 0 where that was
            occluded or has changed, fading between.
    """

    image: np.ndarray
    trust: np.ndarray


def carry(
    frame: np.ndarray, before: np.ndarray, result: np.ndarray, flow: Flow, tolerance: float
) -> Carried | None:
    """Carry the previous result to the next frame.

    Args:
        frame: The next frame, uint8 (H, W, 3).
        before: The previous one, of the same shape.
        result: The previous frame's result, of the same shape.
        flow: As of `flow.estimator`.
        tolerance: As of `flow.similar`.

    Returns:
        None for a new scene, where less than a tenth of the frame can be trusted.
    """
    backward, forward = flow(frame, before), flow(before, frame)
    warped = optical.warp(np.concatenate([to_unit(before), forward], axis=2), backward)
    source, forward = np.split(warped, (3,), axis=2)
    trusted = optical.returns(backward, forward)
    trusted &= optical.similar(to_unit(frame), source, tolerance)
    if trusted.mean() < SCENE:
        return None
    return Carried(optical.warp_sharply(to_unit(result), backward), fade(trusted))


def fade(trusted: np.ndarray) -> np.ndarray:
    """Turn a mask into shares that fall to 0 towards its border, inside it.

    Args:
        trusted: bool (H, W).

    Returns:
        float32 (H, W), 0 outside and 1 at least 3 pixels inside.
    """
    inner = optical.box_mean(trusted.astype(np.float32), SOFT) > 1.0 - 1e-3
    return optical.box_mean(inner.astype(np.float32), SOFT) * trusted


def blend(painted: np.ndarray, carried: Carried, weight: float) -> np.ndarray:
    """Blend the carried result with the new painting.

    Args:
        painted: uint8 (H, W, 3).
        carried: Of the same size.
        weight: Of the carried result where it is trusted, in [0, 1].

    Returns:
        uint8 (H, W, 3).

    Example:
        >>> blend(new, Carried(old, np.ones((4, 4), np.float32)), 0.0)  # equals `new`
    """
    share = weight * carried.trust[..., None]
    painted = to_unit(painted)
    return from_unit(painted + share * (carried.image - painted))
