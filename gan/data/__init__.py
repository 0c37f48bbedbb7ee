"""Datasets: a name or a folder to arrays of square images, and arrays to batches.

Each file is one dataset, found by its name, except `base`, `cache`, `load`,
`folder`, `tfds` and `stream`, which all of them share.
"""
