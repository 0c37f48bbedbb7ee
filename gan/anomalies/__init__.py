"""Anomaly detection: a GAN and an encoder of normal images, and p-values for new ones."""
