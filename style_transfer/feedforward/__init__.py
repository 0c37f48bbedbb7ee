"""Image transformation networks: a network per style paints a photo in one pass."""
