"""Keras callbacks of a training run. A Keras epoch is a tick: a fixed number of images."""
