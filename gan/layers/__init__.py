"""Layers that are used by architecture families, and that Keras does not have.

A layer of a generator defines `as_stock(inputs)`: the same function as stock Keras
layers and operations, which `gan.stock` puts into exported generators.
"""
