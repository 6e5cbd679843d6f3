"""Objects of a report go to the PACS once each, and a PACS that refuses them says so to nobody's harm."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydicom import Dataset

from brainscan.dicom.stow import Credentials, DeliveryError, Pacs
from brainscan.domain import DeliveryState, Outcome, Reason, Report, Series
from brainscan.events import MessageError, parse_report
from brainscan.pipeline.deliver import deliver, give_up
from tests import series as mr
from tests.conftest import World
from tests.making import present

SERIES = "5" * 32
USER = Credentials(username="brainscan", password="password")


class Server(ThreadingHTTPServer):
    """Takes what is sent to it, and answers as it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taking)
        self.taken: list[tuple[str, str, bytes]] = []
        self.status = 200
        self.failed: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/dicom-web"


class Taking(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, self.headers["Authorization"], body))
        answer = Dataset()
        answer.FailedSOPSequence = []
        for reason in self.server.failed:
            item = Dataset()
            item.FailureReason = reason
            answer.FailedSOPSequence.append(item)
        body = answer.to_json().encode() if self.server.status == 200 else b"no room for Canary"
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/dicom+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def report(world: World) -> Report:
    """A committed report of two DICOM objects and a summary."""
    files = {}
    for name, image in zip(("seg", "sr"), mr.mr_series(2), strict=True):
        files[name] = world.services.results.put(f"reports/{name}.dcm", mr.file_bytes(image), "application/dicom")
    files["series"] = world.services.results.put("reports/series.json", b"{}", "application/json")
    made = Report(series_id=SERIES, revision=3, outcome=Outcome.ANALYZED, files=files)
    assert world.services.table.reports.commit(made)
    return made


def send(report: Report, world: World, server: Server) -> int:
    return deliver(report, world.services.table, world.services.results, Pacs(server.url, USER))


def test_every_dicom_object_and_nothing_else_is_stored_in_one_request(
    world: World, report: Report, server: Server
) -> None:
    assert send(report, world, server) == 2
    [(path, authorization, body)] = server.taken
    assert path == "/dicom-web/studies"
    assert authorization.startswith("Basic ")
    assert body.count(b"DICM") == 2
    assert b"{}" not in body


def told(world: World) -> tuple[DeliveryState, int, Reason | None] | None:
    """What the table says of the latest report's way to the PACS."""
    found = present(world.services.table.reports.latest(SERIES)).delivery
    return (found.state, found.objects, found.reason) if found else None


def test_a_report_in_the_pacs_says_so(world: World, report: Report, server: Server) -> None:
    assert told(world) is None
    for _ in "12":
        send(report, world, server)
        assert told(world) == (DeliveryState.DELIVERED, 2, None)


def test_a_report_that_is_given_up_is_failed_with_its_reason_until_it_is_sent_after_all(
    world: World, report: Report, server: Server
) -> None:
    table = world.services.table
    assert give_up(report, table)
    assert told(world) == (DeliveryState.FAILED, 0, Reason.RETRIES_EXHAUSTED)
    send(report, world, server)
    assert told(world) == (DeliveryState.DELIVERED, 2, None)
    assert not give_up(report, table)
    assert told(world) == (DeliveryState.DELIVERED, 2, None)


def test_a_report_that_is_given_up_says_nothing_of_the_one_that_replaced_it(world: World, report: Report) -> None:
    world.services.table.reports.commit(report.model_copy(update={"revision": 4}))
    assert not give_up(report, world.services.table)
    assert told(world) is None


def test_its_way_to_the_pacs_is_no_part_of_the_event(world: World, report: Report) -> None:
    give_up(report, world.services.table)
    world.services.bus.announce(present(world.services.table.reports.latest(SERIES)))
    [event] = world.events()
    assert parse_report(json.dumps(event)) == report


def test_a_report_that_a_later_one_replaced_is_not_sent(world: World, report: Report, server: Server) -> None:
    world.services.table.reports.commit(report.model_copy(update={"revision": 4}))
    assert send(report, world, server) == 0
    assert server.taken == []


def counted(world: World, **amounts: Any) -> SimpleNamespace:
    """Let the series have these counts."""
    series = Series(series_id=SERIES, expected=2, **amounts)
    return SimpleNamespace(reports=world.services.table.reports, series=SimpleNamespace(get=lambda _: series))


@pytest.mark.parametrize(
    ("remaining", "revision", "sent"),
    [(0, 3, 2), (1, 3, 0), (0, 4, 0), (0, 2, 2)],
    ids=["quiet", "a slice waits", "a slice was answered", "the counts lag"],
)
def test_a_report_is_sent_once_its_series_is_quiet(
    world: World, report: Report, server: Server, remaining: int, revision: int, sent: int
) -> None:
    table = counted(world, remaining=remaining, revision=revision)
    assert deliver(report, cast(Any, table), world.services.results, Pacs(server.url, USER)) == sent
    assert len(server.taken) == bool(sent)


def test_a_report_without_objects_asks_nothing_of_the_pacs(world: World, report: Report, server: Server) -> None:
    bare = report.model_copy(update={"files": {"series": report.files["series"]}})
    assert send(bare, world, server) == 0
    assert server.taken == []


def test_a_refusal_is_retried_and_not_repeated_in_the_log(world: World, report: Report, server: Server) -> None:
    server.status = 400
    with pytest.raises(DeliveryError, match="400") as refused:
        send(report, world, server)
    assert "Canary" not in str(refused.value)


def test_an_object_that_was_refused_alone_fails_the_delivery(world: World, report: Report, server: Server) -> None:
    server.failed = [0xA700]
    with pytest.raises(DeliveryError, match=r"1 of 2 objects: A700"):
        send(report, world, server)


def test_a_pacs_that_is_away_is_a_delivery_error(
    world: World, report: Report, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)  # between attempts
    url = server.url
    server.server_close()
    with pytest.raises(DeliveryError):
        deliver(report, world.services.table, world.services.results, Pacs(url, USER))


@pytest.mark.parametrize("url", ["http://pacs.example/dicom-web", "http://127.0.0.1.example/", "ftp://127.0.0.9/"])
def test_names_of_patients_go_over_no_network_in_clear(url: str) -> None:
    with pytest.raises(DeliveryError, match="https"):
        Pacs(url, USER)


def test_an_event_becomes_the_report_that_it_announces(world: World, report: Report) -> None:
    world.services.bus.announce(report)
    [event] = world.events()
    assert parse_report(json.dumps(event)) == report


@pytest.mark.parametrize("body", ["", "{}", '{"detail-type": "Other", "detail": {}}'])
def test_a_message_that_is_no_announcement_is_refused_by_its_fields(body: str) -> None:
    with pytest.raises(MessageError):
        parse_report(body)
