"""Generative adversarial networks: data, networks, balance, training, sampling, evaluation."""
