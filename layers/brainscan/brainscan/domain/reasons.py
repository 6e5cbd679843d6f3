"""What became of a file or scan, and why: closed sets that scripts may match on."""

from enum import StrEnum
from typing import Final

from brainscan.domain.base import BrainscanError


class Outcome(StrEnum):
    """What became of a file or scan. `QUEUED` is the only one that is not final."""

    QUEUED = "queued"
    ANALYZED = "analyzed"
    ABSTAINED = "abstained"
    REJECTED = "rejected"
    FAILED = "failed"
    SKIPPED = "skipped"


ANSWERED: Final = frozenset({Outcome.ANALYZED, Outcome.ABSTAINED})
"""Outcomes that a network had a part in; a rejected scan is rejected whichever is asked."""


class Reason(StrEnum):
    """Why an outcome is what it is, or why a scan needs review. A closed set: scripts may match on it."""

    # rejected: the bytes
    EMPTY_FILE = "empty_file"
    UNRECOGNIZED_CONTENT = "unrecognized_content"
    UNREADABLE = "unreadable"
    UNSUPPORTED_ENCODING = "unsupported_encoding"
    CORRUPT_ARCHIVE = "corrupt_archive"
    ENCRYPTED = "encrypted"
    # rejected: the limits
    OBJECT_TOO_LARGE = "object_too_large"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_ENTRIES = "too_many_entries"
    EXPANDED_TOO_LARGE = "expanded_too_large"
    COMPRESSION_RATIO_TOO_HIGH = "compression_ratio_too_high"
    NESTED_TOO_DEEP = "nested_too_deep"
    PATH_TRAVERSAL = "path_traversal"
    # skipped
    NOT_AN_IMAGE = "not_an_image"
    SUPERSEDED = "superseded"
    OBJECT_GONE = "object_gone"
    ERASED = "erased"
    OBJECT_ARCHIVED = "object_archived"
    KEY_DENIED = "key_denied"
    LOCALIZER = "localizer"
    DERIVED_MAP = "derived_map"
    PHASE_IMAGE = "phase_image"
    OTHER_MODALITY = "other_modality"
    OTHER_BODY_PART = "other_body_part"
    OWN_REPORT = "own_report"
    BURNED_IN_TEXT = "burned_in_text"
    # listed by a DICOMDIR, yet no file
    MISSING_FILE = "missing_file"
    PRIVATE_RECORD = "private_record"
    # abstained
    BLANK_IMAGE = "blank_image"
    LOW_CONFIDENCE = "low_confidence"
    OUT_OF_SCOPE = "out_of_scope"
    # failed
    RETRIES_EXHAUSTED = "retries_exhausted"
    INTERNAL_ERROR = "internal_error"
    # needs review
    TUMOR_WITHOUT_MASK = "tumor_without_mask"
    MASK_WITHOUT_TUMOR = "mask_without_tumor"
    BORDERLINE_CONFIDENCE = "borderline_confidence"
    ABSTAINED_LIKELY_TUMOR = "abstained_likely_tumor"
    OUT_OF_SCOPE_WITH_MASK = "out_of_scope_with_mask"
    UNCLEAR_MODALITY = "unclear_modality"
    UNCLEAR_CONTENT = "unclear_content"
    UNCLEAR_BODY_PART = "unclear_body_part"
    UNCLEAR_ORIENTATION = "unclear_orientation"
    NO_SERIES = "no_series"
    # a series needs review
    ISOLATED_SLICE = "isolated_slice"
    MIXED_CLASSES = "mixed_classes"
    ACQUISITIONS_DISAGREE = "acquisitions_disagree"
    SLICES_UNANSWERED = "slices_unanswered"
    SLICE_NEEDS_REVIEW = "slice_needs_review"
    # a study needs review
    SERIES_DISAGREE = "series_disagree"
    # a volume or an object of a series is withheld
    NO_SLICE_ANALYZED = "no_slice_analyzed"
    NO_VERDICT = "no_verdict"
    NO_TUMOR_FOUND = "no_tumor_found"
    NOT_DICOM = "not_dicom"
    NO_SPACING = "no_spacing"
    NO_POSITIONS = "no_positions"
    MISSING_SLICES = "missing_slices"
    SINGLE_SLICE = "single_slice"
    UNEVEN_SLICES = "uneven_slices"
    MIXED_GEOMETRY = "mixed_geometry"
    SEVERAL_MULTIFRAME_FILES = "several_multiframe_files"
    REPEATED_INSTANCE_UID = "repeated_instance_uid"
    UNUSABLE_HEADER = "unusable_header"


class ScanError(BrainscanError):
    """A scan cannot be read, for a `reason` that becomes part of its outcome."""

    def __init__(self, reason: Reason, remedy: str) -> None:
        super().__init__(f"{reason}: {remedy}")
        self.reason = reason
