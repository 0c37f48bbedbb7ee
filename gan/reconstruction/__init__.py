"""Reconstruction of the real images beside the adversarial loss, and the memory of their codes."""
