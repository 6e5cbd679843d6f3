"""Build what a release consists of, the same bytes from the same commit: `python infra/release.py OUT`.

Wheels, the layer, and what the image adds to its base (where docker builds it), each with its SHA-256 in
OUT/digests.txt. All is built in a clone of the commit: what else lies in the checkout, such as what an earlier build
left, is in none of it, and two runs write the same digests.
"""

import argparse
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMAGE = "brainscan-analyze:release"
DOS_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a ZIP can hold."""


def zip_of(folder: Path, out: Path) -> Path:
    """A folder as a ZIP that depends on names and contents alone."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), DOS_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if os.access(path, os.X_OK) else 0o644) << 16
            archive.writestr(entry, path.read_bytes())
    return out


def tar_of(stream: bytes, out: Path) -> Path:
    """A tar's files, sorted, without the times and owners that building them left."""
    with tarfile.open(fileobj=io.BytesIO(stream)) as built, tarfile.open(out, "w") as archive:
        for member in sorted(built.getmembers(), key=lambda each: each.name):
            member.mtime, member.uid, member.gid, member.uname, member.gname = 0, 0, 0, "", ""
            member.pax_headers = {}
            archive.addfile(member, built.extractfile(member) if member.isfile() else None)
    return out


def clone(repository: Path, at: Path) -> Path:
    """The repository's commit in a folder of its own."""
    _run(["git", "clone", "--quiet", "--shared", str(repository), str(at)], cwd=repository)
    return at


def layer(source: Path, out: Path) -> Path:
    """The Lambda layer as `sam build` makes it. It leaves the page's viewer in `source`, for the wheel to take."""
    with tempfile.TemporaryDirectory() as built:
        command = ["make", "--silent", "-f", "layers/brainscan/Makefile", "build-BrainscanLayer"]
        _run([*command, f"PYTHON={sys.executable}"], cwd=source, ARTIFACTS_DIR=built)
        return zip_of(Path(built), out / "layer.zip")


def wheels(source: Path, out: Path) -> list[Path]:
    """Library with its command, and laptop stack."""
    projects = [str(source), str(source / "layers/brainscan_local")]
    _run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(out), *projects], cwd=source)
    return sorted(out.glob("*.whl"))


def image(source: Path, out: Path) -> Path:
    """What the analyze image holds beside its base."""
    _run(["docker", "build", "--quiet", "--file=functions/analyze/Dockerfile", f"--tag={IMAGE}", "."], cwd=source)
    container = _run(["docker", "create", IMAGE], cwd=source).decode().strip()
    try:
        return tar_of(_run(["docker", "cp", f"{container}:/var/task", "-"], cwd=source), out / "image-task.tar")
    finally:
        _run(["docker", "rm", container], cwd=source)


def digests(files: Iterable[Path]) -> str:
    """Lines as `sha256sum` writes and checks them."""
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)


def _docker_runs() -> bool:
    return bool(shutil.which("docker")) and not subprocess.run(["docker", "info"], capture_output=True).returncode


def _run(command: list[str], cwd: Path, **variables: str) -> bytes:
    committed = subprocess.check_output(["git", "log", "-1", "--format=%ct"], cwd=cwd, text=True).strip()
    environment = os.environ | {"SOURCE_DATE_EPOCH": committed, "PYTHONHASHSEED": "0"} | variables
    return subprocess.run(command, cwd=cwd, env=environment, umask=0o022, check=True, stdout=subprocess.PIPE).stdout


def main() -> None:
    """Build everything into an empty folder."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path)
    out: Path = parser.parse_args().out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        source = clone(ROOT, Path(folder) / "brainscan")
        built = [layer(source, out), *wheels(source, out)]
        if _docker_runs():
            built.append(image(source, out))
        else:
            print("docker is needed for the image: it is left out")
    (out / "digests.txt").write_text(digests(built))
    print((out / "digests.txt").read_text(), end="")


if __name__ == "__main__":
    main()
