"""What survives? Faults made on purpose, on a host of their own: `python -m tests.faults --help`."""
