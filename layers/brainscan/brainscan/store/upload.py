"""What S3 says of an uploaded object."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, repr=False)
class Upload:
    """One object that S3 says was created. `key` may hold a patient's name: it is never logged."""

    bucket: str
    key: str
    received_at: datetime
    version_id: str | None = None
    sequencer: str | None = None
