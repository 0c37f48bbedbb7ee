"""Metrics of generated images: distances to real ones, diversity, copying, collapse."""
