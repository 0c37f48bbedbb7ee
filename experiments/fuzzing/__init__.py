"""Random inputs for `experiments.fuzz`, and the checks of what a command line does with them."""
