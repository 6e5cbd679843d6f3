"""That a patient was erased: what went, what stays until when, without a name or a key in clear."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from brainscan.domain.base import RESEARCH_USE_STATEMENT, FrozenModel


class Trace(StrEnum):
    """What a patient leaves, by kind. Of files, each version counts, and each delete marker."""

    SCANS = "scans"
    REVIEWS = "reviews"
    REPROCESSED_SCANS = "reprocessed_scans"
    SERIES_ITEMS = "series_items"
    STUDY_ITEMS = "study_items"
    EXPORT_LINKS = "export_links"
    RESULT_FILES = "result_files"
    REPORT_FILES = "report_files"
    STAGED_SOURCES = "staged_sources"
    SHADOW_FINDINGS = "shadow_findings"
    LISTING_LINES = "listing_lines"
    UPLOADS = "uploads"


class UploadTrace(FrozenModel):
    """An uploaded object that holds images of the patient."""

    export_id: str
    key_digest: str = Field(description="HMAC-SHA256 of its key, hex")
    alone: bool = Field(description="every scan of it that is not erased is the patient's")
    files_without_scan: int = Field(description="files in it of which nobody knows whose they are, such as a DICOMDIR")
    erased: bool


class Remaining(FrozenModel):
    """Something that the erasure does not reach, or leaves on purpose."""

    what: str
    until: datetime | None = Field(description="None: as long as the text says")


class ErasureReceipt(FrozenModel):
    """What one run of an erasure did. It holds pseudonyms alone."""

    schema_version: str = "1"
    patient_id: str
    at: datetime
    by: str = Field(description="who ran it, by the name of the AWS caller")
    with_archives: bool
    erased: dict[Trace, int]
    erased_before: int = Field(description="scans that an earlier run erased")
    digests: dict[Trace, str] = Field(
        description="SHA-256 of the lines `key<tab>version` of what was deleted, sorted; of uploads, with key digests"
    )
    uploads: tuple[UploadTrace, ...]
    under_way: tuple[str, ...] = Field(description="ids of uploads that are still taken in: erase again after that")
    repeat_after: datetime | None = Field(description="when to erase again, where scans were worked on of late")
    remaining: tuple[Remaining, ...]
    research_use: str = RESEARCH_USE_STATEMENT
