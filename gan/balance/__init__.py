"""Controls that keep the two networks in balance, one file each; `base` is their contract."""
