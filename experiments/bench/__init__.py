"""The rows of `make bench`: `python -m experiments.bench`."""
