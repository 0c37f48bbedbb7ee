"""Errors that command lines report in one or two lines."""

import re

# Control characters and the two line separators of Unicode
UNPRINTABLE = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]")


def printable(text: str) -> str:
    r"""Escape what a line of text cannot hold: line breaks, control characters, stray bytes.

    Args:
        text: Such as the name of a file, which may hold any bytes.

    Example:
        >>> printable("caf\udce9\n.png")
        'caf\\xe9\\n.png'
    """
    whole = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), whole)


class WorkerLostError(ConnectionError):
    """Another worker is lost or cannot be reached; the message is one or two lines."""


class InputError(ValueError):
    """An argument or a file that cannot be used.

    The message is one or two lines: the flag or file, what was found, what was
    expected; then what to do. Command lines print it and exit with code 2.

    Example:
        >>> raise InputError("--size 8: expected at least 16")
    """


class InputWarning(UserWarning):
    """An input that is used, but perhaps not as meant; command lines print it in one line."""
