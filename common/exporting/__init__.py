"""Export of a trained network: formats, and a test in a new process."""
