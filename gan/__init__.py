"""A DCGAN: data, networks, the alternating step, its balance, training and sampling."""
