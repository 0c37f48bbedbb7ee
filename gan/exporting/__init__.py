"""Export of a trained generator: formats, a test in a new process, a model card."""
