"""DICOM: reading what hospitals send."""

import logging

# pydicom's warnings quote header values, and those may be a patient's.
logging.getLogger("pydicom").setLevel(logging.CRITICAL)
