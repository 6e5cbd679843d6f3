"""An intake that is overtaken and killed: whatever comes of its message, what replaced it stands alone."""

from collections.abc import Callable
from typing import Any

import pytest

from brainscan.domain import Export, ExportState, Outcome, ScanRecord
from brainscan.pipeline.intake import intake
from brainscan.store.table.exports import Exports
from brainscan.store.table.scans import Scans
from brainscan.store.upload import Upload
from tests.conftest import World
from tests.making import png


class KilledError(BaseException):
    """The process ends."""


@pytest.fixture
def versions(world: World) -> tuple[Upload, Upload]:
    """An object, and the version of it that replaced it."""
    return world.upload("a.png", png(32, seed=1), "01"), world.upload("a.png", png(33, seed=2), "02")


def at_first(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, happens: Callable[..., Any]) -> None:
    """Have something happen in place of the first call of a method; it is given the method itself."""
    method = getattr(owner, name)

    def instead(*arguments: Any) -> Any:
        monkeypatch.setattr(owner, name, method)
        return happens(method, *arguments)

    monkeypatch.setattr(owner, name, instead)


def standing(world: World, export: Export) -> list[ScanRecord]:
    """Scans of an export that are in the worklists."""
    return [scan for scan in world.services.table.queries.of_export(export.export_id).items if not scan.superseded]


def test_one_that_was_killed_as_it_concluded_leaves_nothing_of_a_replaced_version(
    world: World, versions: tuple[Upload, Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = versions

    def overtaken(register: Any, scans: Scans, records: Any) -> Any:
        intake(new, world.services)
        at_first(monkeypatch, Exports, "conclude", killed)
        return register(scans, records)

    def killed(conclude: Any, exports: Exports, export: Export) -> None:
        conclude(exports, export)
        raise KilledError

    at_first(monkeypatch, Scans, "register", overtaken)
    with pytest.raises(KilledError):
        intake(old, world.services)
    states = [each.state for each in world.services.table.exports.of_day(old.received_at.date().isoformat()).items]
    assert sorted(states) == [ExportState.EXPANDED, ExportState.SUPERSEDED]
    assert standing(world, intake(old, world.services)) == []


def test_one_that_was_killed_before_it_queued_a_replaced_scan_leaves_none_waiting(
    world: World, versions: tuple[Upload, Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = versions

    def overtaken(register: Any, scans: Scans, records: Any) -> None:
        intake(new, world.services)
        register(scans, records)
        raise KilledError

    at_first(monkeypatch, Scans, "register", overtaken)
    with pytest.raises(KilledError):
        intake(old, world.services)
    again = intake(old, world.services)
    assert standing(world, again) == []
    found = world.services.table.queries.of_export(again.export_id).items
    assert [scan.outcome for scan in found] == [Outcome.SKIPPED]


def test_one_that_read_of_no_export_and_came_late_undoes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two receives of a message, the other takes the upload in whole, and the message is gone."""
    upload = world.upload("a.png", png(32))

    def late(begin: Any, exports: Exports, export: Export) -> None:
        assert intake(upload, world.services).state is ExportState.EXPANDED
        begin(exports, export)
        raise KilledError

    at_first(monkeypatch, Exports, "begin", late)
    with pytest.raises(KilledError):
        intake(upload, world.services)
    [export] = world.services.table.exports.of_day(upload.received_at.date().isoformat()).items
    assert (export.state, export.files) == (ExportState.EXPANDED, 1)
