"""Reports of series whose images the gateway sent -> the PACS, by C-STORE."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from pydicom import Dataset, dcmread
from pynetdicom import AE

from brainscan.dicom.report_identity import ReportObject
from brainscan.domain import BrainscanError, Report
from brainscan.store import Results, Table
from brainscan.uploads.following import progress_of, series_of
from brainscan.uploads.ledger import Bundle, BundleState, Ledger

PATIENCE: Final = timedelta(hours=1)
"""How long after a bundle was sent its reports are waited for."""

TIMEOUT_S: Final = 60


class ReturnError(BrainscanError):
    """The PACS did not take every object; it is tried again."""


@dataclass(frozen=True)
class PacsNode:
    """Where reports go: an application entity and its address."""

    host: str
    port: int
    title: str
    own_title: str

    @classmethod
    def parse(cls, text: str, own_title: str) -> "PacsNode":
        """An address as the user wrote it, TITLE@HOST:PORT.

        Raises:
            ValueError: it is none.
        """
        title, _, address = text.rpartition("@")
        host, _, port = address.rpartition(":")
        if not (title and host and port.isdigit()):
            raise ValueError("a PACS is written TITLE@HOST:PORT")
        return cls(host, int(port), title, own_title)

    def store(self, objects: Sequence[Dataset]) -> None:
        """Send objects over one association; a PACS that has one already keeps it.

        Raises:
            ReturnError: it cannot be reached, or refused some of the objects.
        """
        entity = AE(ae_title=self.own_title)
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = TIMEOUT_S
        for uid, syntax in {(each.SOPClassUID, each.file_meta.TransferSyntaxUID) for each in objects}:
            entity.add_requested_context(uid, syntax)
        association = entity.associate(self.host, self.port, ae_title=self.title)
        if not association.is_established:
            raise ReturnError("the PACS does not answer, or takes no objects of these classes")
        try:
            statuses = [association.send_c_store(each) for each in objects]
        except ValueError:  # a class that it did not accept
            raise ReturnError("the PACS takes no objects of these classes") from None
        finally:
            association.release()
        # Warnings (Bxxx) say that it was stored.
        refused = [each for each in statuses if "Status" not in each or each.Status >> 12 not in (0x0, 0xB)]
        if refused:
            raise ReturnError(f"the PACS refused {len(refused)} of {len(objects)} objects")


@dataclass(frozen=True)
class _Outcome:
    """Reports of a bundle that the PACS took in a round, and that it did not take."""

    returned: int = 0
    refused: int = 0


@dataclass
class ReportReturn:
    """Follows bundles until each of their series is reported, and gives every report back once."""

    ledger: Ledger
    table: Table
    results: Results
    pacs: PacsNode

    def return_ready(self) -> int:
        """Give back what is reported by now; how many reports. One that the PACS refuses holds up no other.

        Raises:
            ReturnError: the PACS refused some; they are tried again in the next round.
            botocore.exceptions.BotoCoreError, ClientError: of the table or the results bucket.
        """
        outcomes = [self._return_bundle(bundle) for bundle in self.ledger.bundles(BundleState.SENT)]
        if refused := sum(each.refused for each in outcomes):
            raise ReturnError(f"the PACS did not take {refused} reports")
        return sum(each.returned for each in outcomes)

    def _return_bundle(self, bundle: Bundle) -> _Outcome:
        """The reports of a bundle's series; it is done when nothing of it is left to give back, or to wait for."""
        if not progress_of(bundle, self.ledger, self.table).done:
            return _Outcome()
        [known] = [each for each in self.ledger.bundles(BundleState.SENT) if each.bundle_id == bundle.bundle_id]
        returned = refused = unreported = 0
        for series_id in sorted(series_of(known, self.table)):
            report = self._current_report(series_id)
            if report is None:
                unreported += 1
            elif not self.ledger.was_delivered(series_id, report.revision):
                try:
                    returned += self._return_report(report)
                except ReturnError:
                    refused += 1
        late = datetime.now(UTC) - datetime.fromisoformat(known.sent_at or "") > PATIENCE
        if not refused and (late or not unreported):
            self.ledger.set_done(known)
        return _Outcome(returned, refused)

    def _current_report(self, series_id: str) -> Report | None:
        """The report of a series as it is now; None while slices of it wait, or the report does."""
        series, report = self.table.series.get(series_id), self.table.reports.latest(series_id)
        current = series is not None and report is not None and report.revision == series.revision
        return report if current else None

    def _return_report(self, report: Report) -> int:
        keys = [report.files[kind] for kind in ReportObject if kind in report.files]
        objects = [dcmread(io.BytesIO(self.results.get(key))) for key in keys]
        if objects:
            self.pacs.store(objects)
        self.ledger.add_delivered(report.series_id, report.revision)
        return bool(objects)
