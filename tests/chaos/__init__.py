"""The handlers themselves in simulated time, with faults: run at length by `make chaos`."""
