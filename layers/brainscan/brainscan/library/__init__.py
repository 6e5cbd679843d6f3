"""brainscan from Python: what the command does, as functions and typed results.

`brainscan analyze` is `analyze`, `brainscan results` is `query`; `open_model` gives the network to both.
"""
