"""Names, dates and rights of files as other systems leave them cost no command its other files."""

import contextlib
import errno
import json
import os
import socket
import zipfile
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from brainscan.cli.demo import _packed
from brainscan.cli.main import app
from brainscan.library.local_files import files_below, is_readable, printable, shortened
from tests.making import png, zipped

NOT_UTF8 = os.fsdecode(b"Sch\xe4del.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two good files, one long and one oddly named, beside a broken link and links in a circle."""
    found = tmp_path / "in"
    (found / "deep").mkdir(parents=True)
    (found / NOT_UTF8).write_bytes(png(48))
    (found / "deep" / ("n" * 251 + ".png")).write_bytes(png(48, seed=1))
    os.utime(found / NOT_UTF8, (0, 0))
    (found / "nowhere.png").symlink_to("gone.png")
    (found / "loop").symlink_to("loop")
    (found / "deep" / "up").symlink_to(found)
    return found


def test_analyze_answers_what_it_can_read_and_names_the_rest(folder: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["analyze", str(folder), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in (tmp_path / "out/results.jsonl").read_text(encoding="utf-8").splitlines()]
    outcomes = {Path(line["path"]).name: (line["outcome"], line["reasons"]) for line in lines}
    assert len(outcomes) == 5
    assert outcomes["nowhere.png"] == outcomes["loop"] == outcomes["up"] == ("rejected", ["unreadable"])
    answered = {name for name, (outcome, _) in outcomes.items() if outcome != "rejected"}
    assert answered == {"Schädel.png", "n" * 251 + ".png"}


def test_answers_below_what_was_analyzed_are_no_scans_of_the_next_time(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(48))
    out = tmp_path / "out"
    for _ in range(2):
        assert CliRunner().invoke(app, ["analyze", str(tmp_path), "--out", str(out)]).exit_code == 0
        assert len((out / "results.jsonl").read_text(encoding="utf-8").splitlines()) == 1


def test_a_folder_is_packed_whatever_its_files_are_called_and_dated(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(_packed(folder, tmp_path, Console(quiet=True))) as packed:
        assert set(packed.namelist()) == {"Schädel.png", f"deep/{'n' * 251}.png"}
        assert packed.getinfo("Schädel.png").date_time[0] == 1980


def test_a_folder_that_holds_one_archive_alone_is_that_archive(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    archive = tmp_path / "in" / "export.zip"
    archive.write_bytes(zipped({"inner.zip": zipped({"a.png": png(48)})}))
    assert _packed(tmp_path / "in", tmp_path, Console(quiet=True)) == archive
    (tmp_path / "in" / "b.png").write_bytes(png(48))
    with zipfile.ZipFile(_packed(tmp_path / "in", tmp_path, Console(quiet=True))) as packed:
        assert set(packed.namelist()) == {"export.zip", "b.png"}


def test_long_names_stay_apart_and_leave_room_for_a_suffix() -> None:
    one, other = shortened("é" * 150 + "1"), shortened("é" * 150 + "2")
    assert one != other
    assert max(len(one.encode()), len(other.encode())) <= 200
    assert shortened("short") == "short"


def test_a_path_is_printable_in_any_encoding() -> None:
    assert [printable(NOT_UTF8), printable("頭.png")] == ["Schädel.png", "頭.png"]


def test_links_are_named_and_not_followed(folder: Path) -> None:
    assert {path.name for path in files_below(folder) if not is_readable(path)} == {"nowhere.png", "loop", "up"}


def test_what_is_no_file_is_named_and_never_waited_for(tmp_path: Path) -> None:
    """A pipe that nobody writes to would hold a reader for ever; a device has no end."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "good.png").write_bytes(png(48))
    os.mkfifo(folder / "pipe.dcm")
    (folder / "device.dcm").symlink_to("/dev/zero")
    one, other = folder / "one", folder / "other"
    one.symlink_to(other)
    other.symlink_to(one)
    with socket.socket(socket.AF_UNIX) as bound, contextlib.chdir(folder):
        bound.bind("socket.dcm")
        done = CliRunner().invoke(app, ["analyze", str(folder), "--out", str(tmp_path / "out")])
        with zipfile.ZipFile(_packed(folder, tmp_path, Console(quiet=True))) as packed:
            assert packed.namelist() == ["good.png"]
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in (tmp_path / "out/results.jsonl").read_text(encoding="utf-8").splitlines()]
    refused = {Path(line["path"]).name: line["reasons"] for line in lines if line["outcome"] == "rejected"}
    assert refused == {name: ["unreadable"] for name in ("pipe.dcm", "device.dcm", "socket.dcm", "one", "other")}
    assert len(lines) == 6


def test_a_folder_that_nobody_may_list_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "closed").mkdir()
    (tmp_path / "open/a.png").write_bytes(png(48))
    (tmp_path / "closed/b.png").write_bytes(png(48))
    listed = os.scandir

    def scandir(path: str | Path) -> Any:
        if Path(path).name == "closed":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert [path.relative_to(tmp_path) for path in files_below(tmp_path)] == [Path("closed"), Path("open/a.png")]
    assert [is_readable(path) for path in files_below(tmp_path)] == [False, True]


def test_a_full_disk_ends_a_command_in_one_line_and_what_was_written_stays(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "Canary")

    monkeypatch.setattr("brainscan.cli.analyze._line", full)
    done = CliRunner().invoke(app, ["analyze", str(folder), "--out", str(tmp_path / "out")])
    assert done.exit_code == 3
    assert done.stderr.splitlines()[-1] == "stopped: No space left on device; what was written before stays usable"
    assert "Traceback" not in done.output
    assert list((tmp_path / "out").rglob("*.result.json"))
