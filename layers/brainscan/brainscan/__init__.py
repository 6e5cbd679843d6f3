"""Brain MRI in a bucket becomes a tumor class, a mask and a queryable record. Research use only."""

__version__ = "0.1.0"
