"""Export of a trained generator: a test in a new process, a model card."""
