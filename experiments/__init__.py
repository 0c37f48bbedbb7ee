"""One file, one question; its docstring says the command, the run time and what to expect."""
