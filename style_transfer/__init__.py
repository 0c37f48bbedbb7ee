"""Neural style transfer: stylize a photo after paintings."""
