"""The picture as the one trainable weight of a Keras model."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from style_transfer.image_model import StyledPicture


def fit_lbfgs(
    model: StyledPicture, iterations: int, callbacks: Sequence[keras.callbacks.Callback]
) -> None:
    """Minimises the same sum with scipy's L-BFGS-B, whose bounds are the picture's range.

    Callbacks hear of it as of `fit`. Its line search needs no average: the
    average is the picture. scipy asks for the loss in float64; the gradient
    stays as exact as the extractor's arithmetic.
    """
    from scipy.optimize import minimize

    evaluate = tf.function(model.loss_and_gradient)
    listeners = keras.callbacks.CallbackList(list(callbacks), model=model)
    model.stop_training, latest = False, {}

    def loss_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
        model.picture.assign(flat.reshape(model.picture.shape))
        logs, gradient = evaluate()
        latest.update({name: float(value) for name, value in logs.items()})
        return latest["loss"], gradient.numpy().ravel().astype(np.float64)

    def after(intermediate_result) -> None:
        model.picture.assign(intermediate_result.x.reshape(model.picture.shape))
        model.average.assign(model.picture.value)
        model.iteration.assign_add(1.0)
        listeners.on_train_batch_end(model.steps_done, dict(latest))
        if model.stop_training:
            raise StopIteration

    listeners.on_train_begin()
    minimize(
        loss_and_gradient,
        model.picture.numpy().ravel().astype(np.float64),
        method="L-BFGS-B",
        jac=True,
        bounds=[(0.0, 1.0)] * int(np.prod(model.picture.shape)),
        callback=after,
        options={"maxiter": iterations, "maxfun": 2 * iterations, "maxcor": 20, "ftol": 0.0},
    )
    listeners.on_train_end()
