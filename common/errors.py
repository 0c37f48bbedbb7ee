"""Errors that command lines report in one or two lines."""


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
