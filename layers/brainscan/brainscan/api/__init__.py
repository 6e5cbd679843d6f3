"""The HTTP API and the worklist page: the same application on Lambda and on a laptop."""
