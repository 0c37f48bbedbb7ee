"""L-BFGS on the pixels, as Gatys et al. 2016 use."""

from collections.abc import Sequence

import keras
import numpy as np
from scipy.optimize import minimize

from style_transfer.image_model import StyledImage

CORRECTIONS = 20  # pairs of steps and gradient changes that approximate the curvature
MEMORY = 2**30  # bytes that they may take


def corrections(count: int) -> int:
    """Return how many pairs of vectors of `count` numbers L-BFGS keeps: 3 to `CORRECTIONS`.

    Example:
        >>> corrections(512 * 512 * 3), corrections(4096 * 3072 * 3)
        (20, 3)
    """
    return max(3, min(CORRECTIONS, MEMORY // (16 * count)))


def fit_lbfgs(
    model: StyledImage, iterations: int, callbacks: Sequence[keras.callbacks.Callback]
) -> None:
    """Minimize the model's loss with SciPy's L-BFGS-B, with the image's range as bounds.

    The gradient is computed in the extractor's precision; SciPy computes in
    float64. The average is the image itself, as the line search has no noise.

    Args:
        model: The image. It is changed in place.
        iterations: At most.
        callbacks: Keras callbacks, called as by `fit`. They may set
            `model.stop_training`.
    """
    evaluate = model.evaluation()
    listeners = keras.callbacks.CallbackList(list(callbacks), model=model)
    model.stop_training, latest = False, {}

    def loss_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
        model.image.assign(flat.reshape(model.image.shape))
        logs, gradient = evaluate()
        latest.update({name: float(value) for name, value in logs.items()})
        return latest["loss"], gradient.numpy().ravel().astype(np.float64)

    def after(intermediate_result) -> None:
        listeners.on_train_batch_begin(model.steps_done)  # SciPy reports it when it is over
        model.image.assign(intermediate_result.x.reshape(model.image.shape))
        model.average.assign(model.image.value)
        model.iteration.assign_add(1.0)
        listeners.on_train_batch_end(model.steps_done, dict(latest))
        if model.stop_training:
            raise StopIteration

    count = int(np.prod(model.image.shape))
    listeners.on_train_begin()
    minimize(
        loss_and_gradient,
        model.image.numpy().ravel().astype(np.float64),
        method="L-BFGS-B",
        jac=True,
        bounds=[(0.0, 1.0)] * count,
        callback=after,
        options={
            "maxiter": iterations,
            "maxfun": 2 * iterations,
            "maxcor": corrections(count),
            "ftol": 0.0,
        },
    )
    listeners.on_train_end()
