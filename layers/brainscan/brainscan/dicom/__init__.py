"""DICOM: reading what hospitals send."""

import logging
import warnings

from pydicom import config

# pydicom's warnings quote header values, and those may be a patient's.
logging.getLogger("pydicom").setLevel(logging.CRITICAL)
warnings.filterwarnings("ignore", module=r"pydicom\b")
config.settings.reading_validation_mode = config.IGNORE
