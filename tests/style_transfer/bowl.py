"""A tiny optimization: one image, and a loss whose minimum is known."""

import keras
import numpy as np
import tensorflow as tf


def distance_to(value):
    """Return a loss whose minimum is an image of one value."""
    return lambda image: {"bowl": tf.reduce_mean(tf.square(image - value))}


def fit(model, iterations, callbacks=(), rate=0.02, execution=5):
    """Run Adam, five iterations at a time."""
    optimizer = keras.optimizers.Adam(rate, beta_1=0.9, beta_2=0.99)
    model.compile(optimizer, steps_per_execution=execution)
    ticks = tf.data.Dataset.from_tensors(0.0).repeat()
    model.fit(ticks, steps_per_epoch=iterations, callbacks=list(callbacks), verbose=0)
    return model


def start(value=0.5, size=(4, 6)):
    """Return an even image."""
    return np.full((1, *size, 3), value, np.float32)
