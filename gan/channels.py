"""The channels of images that a family of networks can have, without TensorFlow."""

from common import registry
from common.errors import InputError
from gan.networks import base


def check(family: str, channels: int) -> None:
    """Check that a family can make images of some channels.

    Args:
        family: Name of an architecture family.
        channels: 1 (gray), 3 (RGB) or 4 (RGBA).

    Raises:
        InputError: It cannot, or there is no such family.

    Example:
        >>> check("projected", 3)
    """
    base.check_name(family)
    expected = registry.constant(f"{base.PACKAGE}.{family}", "CHANNELS")
    if expected and channels not in expected:
        raise InputError(
            f"--networks {family}: got images of {channels} channels; expected "
            f"{' or '.join(map(str, expected))}\n"
            f"set --channels {expected[-1]}, or choose another family"
        )
