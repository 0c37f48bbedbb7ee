"""Architecture families, one file each; `gan.networks.base` is their contract."""
