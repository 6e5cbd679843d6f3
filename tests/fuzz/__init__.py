"""Damaged files for every reader: run at length by `python -m tests.fuzz`."""
