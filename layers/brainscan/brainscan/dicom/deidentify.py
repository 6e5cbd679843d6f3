"""A DICOM image -> a copy by the Basic Application Level Confidentiality Profile (PS3.15 Annex E).

The tags and their actions are dicom-anonymizer's table of PS3.15 Table E.1-1. What comes on top: the table holds in
every nested item, new UIDs and patient ids follow from the old ones and a secret, and the method is recorded.
"""

import io
from collections.abc import Callable
from typing import Any, Final

from dicomanonymizer import simpledicomanonymizer as table
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import UID, generate_uid

from brainscan.dicom.pixels import Pixels, frame_count, frame_pixels, read_object
from brainscan.dicom.relevance import may_show_a_name
from brainscan.domain import Reason, ScanError
from brainscan.identity import Pseudonyms
from brainscan.settings import Limits

METHOD: Final = codes.DCM.BasicApplicationConfidentialityProfile
"""113100 of CID 7050, the code that (0012,0064) records."""

_UID_ACTIONS: Final = (table.replace_UID, table.delete_or_empty_or_replace_UID)

ElementActions = dict[tuple[int, ...], Callable[[Dataset, tuple[int, ...]], None]]


def deidentified(data: bytes, pseudonyms: Pseudonyms, limits: Limits, shows_text: Callable[[Pixels], bool]) -> Dataset:
    """Read an image and take out what identifies a patient; pixels stay as they are.

    Equal UIDs and patient ids stay equal over all files that share a secret, so that series and studies hold
    together. Dates are emptied or replaced by one dummy date.

    Args:
        data: The whole file.
        pseudonyms: Whose secret new UIDs and patient ids follow from.
        limits: What a deflated object may inflate to.
        shows_text: Asked of each frame; a picture that cannot be decoded is not released either.

    Raises:
        ScanError: `NOT_AN_IMAGE`; `BURNED_IN_TEXT`, the picture itself may show a name; `UNREADABLE`,
            `UNSUPPORTED_ENCODING`.
    """
    try:
        dataset = read_object(data, limits.scan_bytes)
        _require_clean_pixels(dataset, shows_text)
        identity = (str(dataset.get("IssuerOfPatientID") or ""), str(dataset.get("PatientID") or ""))
        _apply(dataset, _actions(pseudonyms))
        pseudonym = pseudonyms.digest("deidentified patient", *identity)[:16].upper()
        dataset.PatientID, dataset.PatientName = pseudonym, f"ANONYMOUS^{pseudonym}"
        _record_method(dataset)
        _renew_meta(dataset)
    except (ScanError, MemoryError):
        raise
    except Exception:  # pydicom raises nearly anything on damage, and its text may quote the header
        raise ScanError(Reason.UNREADABLE, "the DICOM object is damaged; export the instance again") from None
    return dataset


def encoded(dataset: Dataset) -> bytes:
    """The object as a file whose preamble is empty."""
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def _require_clean_pixels(dataset: Dataset, shows_text: Callable[[Pixels], bool]) -> None:
    if may_show_a_name(dataset) or any(shows_text(frame_pixels(dataset, n)) for n in range(frame_count(dataset))):
        raise ScanError(Reason.BURNED_IN_TEXT, "the picture may show a name; look at it and release it by hand")


def _actions(pseudonyms: Pseudonyms) -> ElementActions:
    """The table's actions, with UIDs that follow from the old ones."""

    def renew(dataset: Dataset, tag: tuple[int, ...]) -> None:
        element = dataset.get((tag[0], tag[1]))
        if element is None or element.VR == "SQ":
            return
        old = [element.value] if isinstance(element.value, str) else list(element.value or [])
        new = [renewed_uid(uid, pseudonyms) for uid in old]
        element.value = new[0] if len(new) == 1 else new

    actions: ElementActions = table.initialize_actions_2024b()
    return {tag: renew if action in _UID_ACTIONS else action for tag, action in actions.items()}


def renewed_uid(uid: str, pseudonyms: Pseudonyms) -> UID:
    """The UID that stands for another; the standard's own, such as of classes, stay."""
    if not uid or not UID(uid).is_private:
        return UID(uid)
    return generate_uid(entropy_srcs=[pseudonyms.digest("deidentified uid", uid)])


def _apply(dataset: Dataset, rules: ElementActions) -> None:
    """Apply the rules, then to every item of every sequence that is left; private attributes go."""
    table.anonymize_dataset(dataset, base_rules_gen=lambda: dict(rules), delete_private_tags=True)
    for element in list(dataset):
        if element.VR == "SQ":
            for item in element.value:
                _apply(item, rules)


def _record_method(dataset: Dataset) -> None:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = (
        METHOD.value,
        METHOD.scheme_designator,
        METHOD.meaning,
    )
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = "brainscan deidentify"
    dataset.DeidentificationMethodCodeSequence = [code]
    dataset.LongitudinalTemporalInformationModified = "REMOVED"


def _renew_meta(dataset: Any) -> None:
    """Meta information from scratch: what a sender wrote there may name the sender."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    dataset.file_meta, dataset.preamble = meta, bytes(128)
