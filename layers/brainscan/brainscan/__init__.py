"""brainscan: brain MRI in a bucket becomes a tumor class, a mask and a queryable record."""
