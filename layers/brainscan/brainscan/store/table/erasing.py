"""All that the table holds of a patient: found by reading the table whole, and taken out of it.

No index knows replaced scans, or what a broken-off run left; so this alone, which is rare, reads every item.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from brainscan.domain import ScanRecord
from brainscan.store.retry import Threads
from brainscan.store.table import keys
from brainscan.store.table.client import PARALLEL, TableClient
from brainscan.store.table.items import Item, from_item, scan_item, scan_record


class RelatedKind(StrEnum):
    """What an item beside a scan is."""

    REVIEW = "reviews"
    REPROCESSED = "reprocessed_scans"
    SERIES = "series_items"
    STUDY = "study_items"
    LINK = "export_links"


@dataclass(frozen=True)
class PatientItems:
    """A patient's scans, those erased before among them, and the series and studies of any item."""

    scans: tuple[ScanRecord, ...]
    series_ids: tuple[str, ...]
    study_ids: tuple[str, ...]

    @property
    def export_ids(self) -> list[str]:
        """The uploads that the scans came with."""
        return sorted({scan.export_id for scan in self.scans})


@dataclass(frozen=True)
class RelatedItem:
    """An item that goes with the patient; one that names the patient is found again after a cut, without its scan."""

    pk: str
    sk: str
    kind: RelatedKind
    names_patient: bool

    @property
    def key(self) -> dict[str, str]:
        """Its primary key."""
        return {"pk": self.pk, "sk": self.sk}


class Erasing:
    """Finds what belongs to a patient, and takes it out; every step may be repeated."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def of_patient(self, patient_id: str) -> PatientItems:
        """Everything that names a patient, by reading the whole table consistently."""
        scans, series, studies = [], set(), set()
        for item in self._table.scan("patient_id = :patient", {":patient": patient_id}):
            pk, sk = item["pk"]["S"], item["sk"]["S"]
            if pk.startswith(keys.SCAN) and sk == keys.META:
                scans.append(scan_record(item))
            plain = from_item(item)
            series.add(plain.get("series_id") or keys.series_id_of(pk))
            studies.add(plain.get("study_id") or keys.study_id_of(pk))
        ordered = tuple(sorted(scans, key=lambda scan: scan.scan_id))
        return PatientItems(ordered, *(tuple(sorted(filter(None, each))) for each in (series, studies)))

    def related_items(self, found: PatientItems) -> list[RelatedItem]:
        """Every item beside the scans that goes with the patient: what is in their partitions, too."""
        wanted = [(keys.scan(scan.scan_id)["pk"], "", RelatedKind.REPROCESSED) for scan in found.scans]
        wanted += [(keys.series(each)["pk"], "", RelatedKind.SERIES) for each in found.series_ids]
        wanted += [(keys.study_summary(each)["pk"], "", RelatedKind.STUDY) for each in found.study_ids]
        links = [
            (keys.export(each)["pk"], begin, RelatedKind.LINK) for each in found.export_ids for begin in keys.SUMMARIES
        ]
        belonging = {keys.series(each)["pk"] for each in found.series_ids}
        belonging |= {keys.study_summary(each)["pk"] for each in found.study_ids}
        with Threads(PARALLEL) as pool:
            items = [each for part in pool.map(lambda each: list(self._partition(*each)), wanted) for each in part]
            linked = [each for part in pool.map(lambda each: list(self._partition(*each)), links) for each in part]
        return items + [each for each in linked if each.sk in belonging]

    def erase_scans(self, scans: Iterable[ScanRecord]) -> int:
        """Leave of scans what `ScanRecord.erased` leaves, unless they are gone by now; how many this call changed.

        Whatever commits, reviews or replaces a scan meanwhile finds that it is not the one that was read.
        """
        with Threads(PARALLEL) as pool:
            return sum(pool.map(self._erase, [scan for scan in scans if not scan.is_erased]))

    def delete(self, items: Sequence[RelatedItem]) -> None:
        """Delete items."""
        with Threads(PARALLEL) as pool:
            list(pool.map(lambda item: self._table.delete(item.key), items))

    def _erase(self, scan: ScanRecord) -> bool:
        found = self._table.get(keys.scan(scan.scan_id))
        if found is None:
            return False
        expires_at = from_item(found).get("expires_at")
        return self._table.put(scan_item(scan.erased(), expires_at), "attribute_exists(pk)")

    def _partition(self, pk: str, begin: str, kind: RelatedKind) -> Iterator[RelatedItem]:
        if begin:
            items = self._table.query("pk = :pk AND begins_with(sk, :begin)", {":pk": pk, ":begin": begin})
        else:
            items = self._table.query("pk = :pk", {":pk": pk})
        for item in items:
            sk = item["sk"]["S"]
            if pk.startswith(keys.SCAN) and sk == keys.META:
                continue
            yield RelatedItem(pk, sk, RelatedKind.REVIEW if sk.startswith(keys.REVIEWS) else kind, _names_patient(item))


def _names_patient(item: Item) -> bool:
    return "patient_id" in item
