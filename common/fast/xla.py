"""The switch for XLA, TensorFlow's compiler, spelled in one place."""


def compile_options(enabled: bool) -> dict[str, bool]:
    """Return the keyword arguments of `keras.Model.compile` that switch XLA on or off.

    Args:
        enabled: Whether XLA compiles the training step.

    Example:
        >>> model.compile(optimizer, **compile_options(False))
    """
    return {"jit_compile": enabled}
