"""Any style in a closed form: no optimization, no training on styles."""
