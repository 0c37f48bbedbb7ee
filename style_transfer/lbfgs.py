"""L-BFGS on the pixels, as Gatys et al. 2016 use."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from scipy.optimize import minimize

from style_transfer.image_model import StyledImage


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
    evaluate = tf.function(model.loss_and_gradient)
    listeners = keras.callbacks.CallbackList(list(callbacks), model=model)
    model.stop_training, latest = False, {}

    def loss_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
        model.image.assign(flat.reshape(model.image.shape))
        logs, gradient = evaluate()
        latest.update({name: float(value) for name, value in logs.items()})
        return latest["loss"], gradient.numpy().ravel().astype(np.float64)

    def after(intermediate_result) -> None:
        model.image.assign(intermediate_result.x.reshape(model.image.shape))
        model.average.assign(model.image.value)
        model.iteration.assign_add(1.0)
        listeners.on_train_batch_end(model.steps_done, dict(latest))
        if model.stop_training:
            raise StopIteration

    listeners.on_train_begin()
    minimize(
        loss_and_gradient,
        model.image.numpy().ravel().astype(np.float64),
        method="L-BFGS-B",
        jac=True,
        bounds=[(0.0, 1.0)] * int(np.prod(model.image.shape)),
        callback=after,
        options={"maxiter": iterations, "maxfun": 2 * iterations, "maxcor": 20, "ftol": 0.0},
    )
    listeners.on_train_end()
