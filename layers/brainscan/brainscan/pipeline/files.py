"""One file of an upload -> its outcome: the scans it holds, or why it holds none."""

import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from brainscan.archive import File
from brainscan.dicom.directory import read_directory
from brainscan.dicom.header import Header, read_header
from brainscan.dicom.relevance import Relevance
from brainscan.domain import Finding, Kind, Outcome, Reason, Scan, ScanError, ScanRecord, Source
from brainscan.identity import Pseudonyms
from brainscan.imaging.decode import count_frames
from brainscan.settings import Limits
from brainscan.store.objects import staged_key


@dataclass(frozen=True)
class Origin:
    """What all scans of an upload share; `pseudonyms` name its files."""

    export_id: str
    bucket: str
    key_digest: str
    version_id: str
    received_at: datetime
    pseudonyms: Pseudonyms
    site: str | None = None


@dataclass(frozen=True, repr=False)
class FileOutcome:
    """What becomes of one file: a record a frame, a single rejected one, or none where it is skipped.

    Of a DICOMDIR, `references` are the paths that it lists, as paths in the upload, and `private_records` how many of
    its records are of private kinds.
    """

    records: tuple[ScanRecord, ...] = ()
    skipped: Reason | None = None
    references: tuple[str, ...] = ()
    private_records: int = 0

    @property
    def queued(self) -> bool:
        """Whether the file's bytes are needed for analysis."""
        return any(record.outcome is Outcome.QUEUED for record in self.records)

    @property
    def reasons(self) -> list[Reason]:
        """Why the file is skipped or rejected; none for one that is queued."""
        rejected = {reason for record in self.records for reason in record.reasons}
        return [self.skipped] if self.skipped else sorted(rejected)


def file_outcome(
    file: File, origin: Origin, limits: Limits, of_patient: Callable[[Header], Pseudonyms] | None = None
) -> FileOutcome:
    """Decide on one file, and name its scans.

    Args:
        of_patient: What names patient, study and series of a header; None if it is what names the files.
    """
    pseudonyms = origin.pseudonyms
    if file.skipped:
        return FileOutcome(skipped=file.problem)
    entry = None if file.index is None else f"{file.index}.{file.inner}:{file.path}"
    file_id = pseudonyms.file_id(origin.export_id, entry)
    scan = _scan(file, file_id, origin)
    if file.problem:
        return _rejected(scan, file.problem)
    try:
        if file.kind is Kind.DICOM:
            header = read_header(file.data, limits)
            return _dicom(scan, file_id, header, pseudonyms, pseudonyms if of_patient is None else of_patient(header))
        frames = count_frames(file.data, file.kind, limits)
    except ScanError as refused:
        return _not_an_image(file) if refused.reason is Reason.NOT_AN_IMAGE else _rejected(scan, refused.reason)
    if file.kind is Kind.NIFTI:
        scan = scan.model_copy(update={"series_id": pseudonyms.digest("series", scan.scan_id)})
    return _queued(scan, file_id, range(frames), pseudonyms)


def entry_digest(path: str, pseudonyms: Pseudonyms) -> str:
    """What stands for a path in an archive, since it may be a patient's name."""
    return pseudonyms.digest("entry", path)


def _scan(file: File, file_id: str, origin: Origin) -> Scan:
    """The scan that a file is as a whole; frames are made from it."""
    source = Source(
        bucket=origin.bucket,
        key_digest=origin.key_digest,
        version_id=origin.version_id,
        entry_digest=None if file.index is None else entry_digest(file.path, origin.pseudonyms),
        entry_index=file.index,
        inner_index=file.inner,
    )
    return Scan(
        scan_id=origin.pseudonyms.scan_id(file_id, None),
        export_id=origin.export_id,
        source=source,
        kind=file.kind,
        staged_key=staged_key(file_id),
        received_at=origin.received_at,
        site=origin.site,
    )


def _dicom(scan: Scan, file_id: str, header: Header, pseudonyms: Pseudonyms, of_patient: Pseudonyms) -> FileOutcome:
    if header.skip:
        return FileOutcome(skipped=header.skip)
    outcome = _queued(scan.model_copy(update=hierarchy_keys(header, of_patient)), file_id, header.orders, pseudonyms)
    taken = (
        record.model_copy(update={"traits": traits})
        for record, traits in zip(outcome.records, header.traits, strict=True)
    )
    judged = zip(taken, header.relevances, strict=True)
    return FileOutcome(tuple(_described_frame(record, relevance, header, of_patient) for record, relevance in judged))


def patient_key(patient_id: str, issuer: str, pseudonyms: Pseudonyms) -> str:
    """What stands for a patient, by PatientID and IssuerOfPatientID; one that is absent is empty."""
    return pseudonyms.digest("patient", issuer, patient_id)


def study_key(header: Header, pseudonyms: Pseudonyms) -> str:
    """What stands for a study, of one person."""
    return pseudonyms.digest("study", *header.patient, *header.person, header.study_uid)


def hierarchy_keys(header: Header, pseudonyms: Pseudonyms) -> dict[str, Any]:
    """Patient, study and series, each within the one above it: exports exist that give two patients one series UID.

    Those who share an id, too, as `ANONYMOUS`, are told apart in a study and in a series.
    """
    belongs: dict[str, Any] = {}
    if header.patient_id:
        belongs["patient_id"] = patient_key(header.patient_id, header.patient_id_issuer, pseudonyms)
    if header.study_uid:
        belongs["study_id"] = study_key(header, pseudonyms)
    if header.series_uid:
        whose = (*header.patient, *header.person)
        belongs["series_id"] = pseudonyms.digest("series", *whose, header.study_uid, header.series_uid)
    return belongs


def _described_frame(record: ScanRecord, relevance: Relevance, header: Header, pseudonyms: Pseudonyms) -> ScanRecord:
    """One frame with what its header says against it, and with the name of its instance.

    A frame that is skipped is no slice of its series. One of no series is flagged: it will be in no report. The order
    in the series is part of the instance's name: some exports give one UID to all slices of a series.
    """
    if relevance.skip:
        skipped = Finding(outcome=Outcome.SKIPPED, reasons=(relevance.skip,))
        alone = record.model_copy(update={"series_id": None})
        return ScanRecord.of(alone, skipped, finished_at=record.received_at)
    changes: dict[str, Any] = {"flags": relevance.flags}
    if not header.series_uid:
        changes["flags"] = (*relevance.flags, Reason.NO_SERIES)
    elif header.instance_uid:
        named = (record.series_id, header.instance_uid, record.source.frame, record.order)
        changes["instance_id"] = pseudonyms.digest("instance", *named)
    return record.model_copy(update=changes)


def _queued(scan: Scan, file_id: str, orders: Sequence[int], pseudonyms: Pseudonyms) -> FileOutcome:
    """One record a frame; a file with a single one is its frame."""
    queued = Finding(outcome=Outcome.QUEUED)
    if len(orders) == 1:
        return FileOutcome((ScanRecord.of(scan.model_copy(update={"order": orders[0]}), queued),))
    frames = (
        {
            "scan_id": pseudonyms.scan_id(file_id, frame),
            "source": scan.source.model_copy(update={"frame": frame}),
            "order": order,
        }
        for frame, order in enumerate(orders)
    )
    return FileOutcome(tuple(ScanRecord.of(scan.model_copy(update=frame), queued) for frame in frames))


def _not_an_image(file: File) -> FileOutcome:
    """A report, a presentation state, or the directory of a medium."""
    try:
        directory = read_directory(file.data)
    except ScanError:
        directory = None
    if directory is None:
        return FileOutcome(skipped=Reason.NOT_AN_IMAGE)
    folder = posixpath.dirname(file.path.replace("\\", "/"))
    references = tuple(posixpath.join(folder, path) for path in directory.references)
    return FileOutcome((), Reason.NOT_AN_IMAGE, references, directory.private_records)


def _rejected(scan: Scan, reason: Reason) -> FileOutcome:
    finding = Finding(outcome=Outcome.REJECTED, reasons=(reason,))
    return FileOutcome((ScanRecord.of(scan, finding, finished_at=scan.received_at),))
