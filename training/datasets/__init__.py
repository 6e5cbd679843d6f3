"""Public data sets -> samples, audited, split by patient, and prepared as the served model sees them."""
