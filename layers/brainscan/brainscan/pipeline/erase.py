"""A patient's traces -> gone, from table and buckets, with a receipt of what went and what stays until when.

The table goes first: a scan that is marked as erased there is not brought back by any message, attempt or review, and
still leads a repeat to whatever a cut left in S3. Every step may be repeated; the last one takes those items that name
the patient, by which a repeat finds series that have no scan any more.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from brainscan.domain import Outcome, ScanRecord
from brainscan.domain.erasure import ErasureReceipt, Remaining, Trace, UploadTrace
from brainscan.pipeline.erase_files import PatientFiles, delete_files, patient_files, rewrite_lines
from brainscan.pipeline.erase_uploads import PatientUpload, delete_uploads, patient_uploads
from brainscan.services import Services
from brainscan.store.object_versions import ObjectVersion
from brainscan.store.table.erasing import PatientItems, RelatedItem, RelatedKind

BACKUPS: Final = timedelta(days=35)
"""How far DynamoDB's point-in-time recovery goes back.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html"""

MESSAGES: Final = timedelta(days=10 + 14)
"""How long a message is kept at most: where work is given up, and then in a dead-letter queue."""

LATELY: Final = timedelta(days=1)
"""What changed since then may still be worked on: counting and reporting are tried again for hours."""

REPEAT: Final = timedelta(hours=1)
"""By then what was under way has ended: intake takes a quarter of an hour at most."""

_KINDS: Final = {
    RelatedKind.REVIEW: Trace.REVIEWS,
    RelatedKind.REPROCESSED: Trace.REPROCESSED_SCANS,
    RelatedKind.SERIES: Trace.SERIES_ITEMS,
    RelatedKind.STUDY: Trace.STUDY_ITEMS,
    RelatedKind.LINK: Trace.EXPORT_LINKS,
}


@dataclass(frozen=True)
class PatientTraces:
    """Everything that is known of a patient, as it was found."""

    patient_id: str
    items: PatientItems
    related: tuple[RelatedItem, ...]
    files: PatientFiles
    uploads: tuple[PatientUpload, ...]

    @property
    def is_empty(self) -> bool:
        """Nothing is known of such a patient."""
        return not (self.items.scans or self.related)

    @property
    def erased_before(self) -> int:
        """Scans that an earlier run erased."""
        return sum(scan.is_erased for scan in self.items.scans)

    def counts(self, with_archives: bool) -> dict[Trace, int]:
        """What an erasure would take, by kind."""
        found = Counter({Trace.SCANS: len(self.items.scans) - self.erased_before})
        found.update(_KINDS[each.kind] for each in self.related)
        found.update({kind: len(versions) for kind, versions in self.files.versions.items()})
        found.update(self.files.lines)
        found[Trace.UPLOADS] = sum(each.alone or with_archives for each in self.uploads)
        return {kind: found[kind] for kind in Trace}


def find_traces(patient_id: str, services: Services) -> PatientTraces:
    """Find everything of a patient; nothing is changed.

    Raises:
        botocore.exceptions.ClientError: AWS refused.
    """
    items = services.table.erasing.of_patient(patient_id)
    uploads = patient_uploads(patient_id, items, services)
    related = tuple(services.table.erasing.related_items(items))
    return PatientTraces(patient_id, items, related, patient_files(items, services), uploads)


def erase(traces: PatientTraces, services: Services, by: str, *, with_archives: bool = False) -> ErasureReceipt:
    """Erase what was found, and what came to it since; a repeat completes what a cut left, and changes nothing else.

    Args:
        traces: What `find_traces` found.
        services: The stores.
        by: Who erases, for the receipt.
        with_archives: Delete uploads that hold other patients' images, too.

    Raises:
        VersionsKeptError, botocore.exceptions.ClientError: it broke off; repeat it.
    """
    erasing, items = services.table.erasing, traces.items
    done = Counter[Trace]()
    unnamed = [each for each in erasing.related_items(items) if not each.names_patient]
    erasing.delete(unnamed)  # while the scans still say which series they are of
    done[Trace.SCANS] = erasing.erase_scans(items.scans)
    files = patient_files(items, services)
    delete_files(files, services)
    done.update({kind: len(versions) for kind, versions in files.versions.items()})
    done.update(rewrite_lines(files, items, services))
    doomed = [each for each in traces.uploads if each.alone or with_archives]
    deleted = delete_uploads(doomed, services)
    done[Trace.UPLOADS] = len(doomed)
    named = erasing.related_items(items)
    erasing.delete(named)
    done.update(_KINDS[each.kind] for each in (*unnamed, *named))
    now = datetime.now(UTC)
    return ErasureReceipt(
        patient_id=traces.patient_id,
        at=now,
        by=by,
        with_archives=with_archives,
        erased={kind: done[kind] for kind in Trace},
        erased_before=traces.erased_before,
        digests=_digests(files, deleted, doomed),
        uploads=tuple(_upload_trace(each, each in doomed) for each in traces.uploads),
        under_way=files.under_way,
        repeat_after=now + REPEAT if files.under_way or _worked_on(items.scans, now) else None,
        remaining=tuple(_remaining(traces, doomed, now)),
    )


def _worked_on(scans: Sequence[ScanRecord], now: datetime) -> bool:
    """Whether any of the scans waited, or changed of late."""
    return any(
        scan.outcome is Outcome.QUEUED or (scan.finished_at or scan.received_at) > now - LATELY for scan in scans
    )


def _upload_trace(upload: PatientUpload, erased: bool) -> UploadTrace:
    return UploadTrace(
        export_id=upload.export_id,
        key_digest=upload.key_digest,
        alone=upload.alone,
        files_without_scan=upload.files_without_scan,
        erased=erased,
    )


def _digests(
    files: PatientFiles, deleted: Sequence[ObjectVersion], doomed: Sequence[PatientUpload]
) -> dict[Trace, str]:
    key_digests = {(each.version.bucket, each.version.key): each.key_digest for each in doomed}
    lines = {kind: [f"{each.key}\t{each.version_id}" for each in versions] for kind, versions in files.versions.items()}
    lines[Trace.UPLOADS] = [f"{key_digests[each.bucket, each.key]}\t{each.version_id}" for each in deleted]
    return {
        kind: hashlib.sha256("\n".join(sorted(listed)).encode()).hexdigest() for kind, listed in lines.items() if listed
    }


def _remaining(traces: PatientTraces, doomed: Sequence[PatientUpload], now: datetime) -> list[Remaining]:
    shared = len(traces.uploads) - len(doomed)
    scans = f"ids of {len(traces.items.scans)} scans in the table, with the patient's key and no finding"
    found = [
        Remaining(what="point-in-time backups of the table; erase again after a restore", until=now + BACKUPS),
        Remaining(what="changes in the table's stream", until=now + timedelta(hours=24)),
        Remaining(what="messages in queues, which hold ids alone and lead to nothing", until=now + MESSAGES),
        Remaining(what="logs and traces, which hold ids alone, for LogRetentionDays of the stack", until=None),
        Remaining(what="lists of runs over stored scans, which hold ids alone", until=None),
        Remaining(what=f"{scans}, as long as TableItemRetentionDays says", until=None),
        Remaining(
            what="what left this deployment: objects in the PACS, exported sets, downloads, a gateway's spool, "
            "the sender's own files, replicas and backups that the account makes of its buckets",
            until=None,
        ),
    ]
    if shared:
        text = f"{shared} uploads that also hold images of others, or of nobody known; --with-archives deletes them"
        found.insert(0, Remaining(what=text, until=None))
    return found
