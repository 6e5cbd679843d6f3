"""The use cases, in the order data flows: intake, then analyze.

Nothing is gathered here: intake runs where neither the network's runtime nor scikit-image is installed.
"""
