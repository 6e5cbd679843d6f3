"""DICOM: reading what hospitals send, and writing answers that their PACS can file."""

import logging
import warnings

from pydicom import config

# The warnings of both libraries quote header values, and those may be a patient's.
for _library in ("pydicom", "highdicom"):
    logging.getLogger(_library).setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module=rf"{_library}(\.|$)")
config.settings.reading_validation_mode = config.IGNORE
