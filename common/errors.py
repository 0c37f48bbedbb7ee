"""The processes that train one model together; found without importing TensorFlow.

Either TF_CONFIG names them, as TensorFlow's documentation tells, or `srun`'s
variables do, from which the same follows.
"""


class WorkerLostError(ConnectionError):
    """Another worker has gone; the message is one or two lines."""


class InputError(ValueError):
    """Something the user gave cannot be used.

    The message is one or two lines: the flag or file, what was found, what was
    expected, what to do. Command lines print it and exit with code 2.
    """
