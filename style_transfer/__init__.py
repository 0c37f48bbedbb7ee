"""Style transfer: features, objective, the picture as a model, and the pyramid that drives it."""
