"""A release depends on names and contents, not on when, where and by whom it was built."""

import io
import os
import subprocess
import tarfile
import time
import zipfile
from pathlib import Path

from infra.release import clone, digests, tar_of, zip_of


def folder(at: Path, names: list[str], modified: float) -> Path:
    for name in names:
        path = at / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content of {name}")
        os.utime(path, (modified, modified))
    (at / "run").chmod(0o700)
    return at


def packed(names: list[str], modified: float, user: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.uname, member.uid = len(name), int(modified), user, len(user)
            archive.addfile(member, io.BytesIO(name.encode()))
    return stream.getvalue()


def test_a_zip_is_the_same_whenever_and_in_whichever_order_its_files_were_written(tmp_path: Path) -> None:
    first = zip_of(folder(tmp_path / "a", ["b/c.py", "a.py", "run"], time.time()), tmp_path / "1.zip")
    second = zip_of(folder(tmp_path / "b", ["run", "a.py", "b/c.py"], 1e9), tmp_path / "2.zip")
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        assert archive.namelist() == ["a.py", "b/c.py", "run"]
        assert archive.read("b/c.py") == b"content of b/c.py"
        assert {info.filename: info.external_attr >> 16 for info in archive.infolist()} == {
            "a.py": 0o644,
            "b/c.py": 0o644,
            "run": 0o755,
        }


def test_a_tar_is_the_same_whoever_built_it(tmp_path: Path) -> None:
    first = tar_of(packed(["task/b", "task/a"], 1e9, "root"), tmp_path / "1.tar")
    second = tar_of(packed(["task/a", "task/b"], 2e9, "somebody"), tmp_path / "2.tar")
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as archive:
        assert [(each.name, each.size) for each in archive] == [("task/a", 6), ("task/b", 6)]


def test_other_content_is_another_digest(tmp_path: Path) -> None:
    zip_of(folder(tmp_path / "a", ["run"], 1e9), tmp_path / "1.zip")
    zip_of(folder(tmp_path / "b", ["run", "more"], 1e9), tmp_path / "2.zip")
    first, second = digests([tmp_path / "1.zip", tmp_path / "2.zip"]).splitlines()
    assert first.split()[0] != second.split()[0]
    assert first.endswith("  1.zip")


def git(*command: str, at: Path) -> None:
    author = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    subprocess.run(["git", *author, *command], cwd=at, check=True, capture_output=True)


def test_it_is_built_from_the_commit_alone(tmp_path: Path) -> None:
    checkout = folder(tmp_path / "checkout", ["a.py", "run"], time.time())
    (checkout / ".gitignore").write_text("build/\n")
    git("init", at=checkout)
    git("add", ".", at=checkout)
    git("commit", "-m", "A", at=checkout)
    folder(checkout, ["build/lib/a.py", "new.py"], time.time())
    (checkout / "a.py").write_text("changed")
    source = clone(checkout, tmp_path / "source")
    assert {path.name for path in source.iterdir()} == {".git", ".gitignore", "a.py", "run"}
    assert (source / "a.py").read_text() == "content of a.py"
