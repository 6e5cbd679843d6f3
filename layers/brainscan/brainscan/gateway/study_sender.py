"""What lies in the spool -> the uploads bucket, study by study, as soon as nothing more of a study comes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from brainscan.archive import File
from brainscan.domain import Kind
from brainscan.gateway.spool import Spool, SpooledStudy
from brainscan.identity import Pseudonyms
from brainscan.settings import Limits
from brainscan.uploads.bundles import packed
from brainscan.uploads.entries import Entry, SkippedFile, prepare
from brainscan.uploads.ledger import BundleState, Ledger
from brainscan.uploads.sending import send

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


@dataclass
class StudySender:
    """Brings studies to the bucket. An image leaves the spool when a bundle on the disk has it, and never before.

    Bundles that are not sent yet, because the network is away or a process died, are sent first.
    """

    spool: Spool
    ledger: Ledger
    s3: "S3Client"
    bucket: str
    pseudonyms: Pseudonyms | None
    quiet_s: float
    limits: Limits
    site: str | None = None

    def send_ready(self) -> tuple[int, int]:
        """Send everything that is ready; how many bundles were sent, and how many images were left out.

        Raises:
            botocore.exceptions.BotoCoreError, ClientError: the bucket cannot be reached; nothing is lost.
            OSError, sqlite3.Error: the disk takes no bundle; nothing is lost.
        """
        try:
            left_out = sum(self._pack(study.files) for study in self._quiet())
        finally:  # on a disk that is full as well: a bundle that is sent leaves it
            bundles = self.ledger.bundles(BundleState.PACKED)
            for bundle in bundles:
                send(bundle, self.ledger, self.s3, self.bucket, self.site)
        return len(bundles), left_out

    def _quiet(self) -> Iterator[SpooledStudy]:
        for study in self.spool.quiet_studies(self.quiet_s):
            yield study
            self.spool.remove_study(study)

    def _pack(self, files: tuple[Path, ...]) -> int:
        """Pack the images of a study; how many of them are left out."""
        taken: list[Path] = []
        left_out = 0

        def entries() -> Iterator[Entry]:
            nonlocal left_out
            for path in files:
                file = File(path.name, data=path.read_bytes(), kind=Kind.DICOM)
                found = prepare(file, self.ledger, self.pseudonyms, self.limits)
                if isinstance(found, SkippedFile):
                    self.spool.leave_out(path)
                    left_out += 1
                    continue
                taken.append(path)
                if isinstance(found, Entry):
                    yield found

        for _ in packed(entries(), self.ledger):
            pass
        for path in taken:
            self.spool.remove(path)
        return left_out
