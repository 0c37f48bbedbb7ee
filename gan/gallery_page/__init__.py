"""The page that `python -m gan.gallery` writes: its data, plots, images and HTML."""
