"""Build what a release consists of, the same bytes from the same commit: `python infra/release.py OUT`.

Wheels, the layer, and what the image adds to its base (where docker builds it), each with its SHA-256 in
OUT/digests.txt. Two runs from one commit write the same digests.
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


def wheels(out: Path) -> list[Path]:
    """Library with its command, and laptop stack."""
    projects = [ROOT, ROOT / "layers/brainscan_local"]
    for project in projects:
        shutil.rmtree(project / "build", ignore_errors=True)  # setuptools would pack what it finds of an earlier build
    _run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(out), *map(str, projects)])
    return sorted(out.glob("*.whl"))


def layer(out: Path) -> Path:
    """The Lambda layer as `sam build` makes it."""
    with tempfile.TemporaryDirectory() as built:
        command = ["make", "--silent", "-f", "layers/brainscan/Makefile", "build-BrainscanLayer"]
        _run([*command, f"PYTHON={sys.executable}"], ARTIFACTS_DIR=built)
        return zip_of(Path(built), out / "layer.zip")


def image(out: Path) -> Path:
    """What the analyze image holds beside its base."""
    _run(["docker", "build", "--quiet", "--file=functions/analyze/Dockerfile", f"--tag={IMAGE}", str(ROOT)])
    container = _run(["docker", "create", IMAGE]).decode().strip()
    try:
        return tar_of(_run(["docker", "cp", f"{container}:/var/task", "-"]), out / "image-task.tar")
    finally:
        _run(["docker", "rm", container])


def digests(files: Iterable[Path]) -> str:
    """Lines as `sha256sum` writes and checks them."""
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)


def _docker_runs() -> bool:
    return bool(shutil.which("docker")) and not subprocess.run(["docker", "info"], capture_output=True).returncode


def _run(command: list[str], **variables: str) -> bytes:
    committed = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    environment = os.environ | {"SOURCE_DATE_EPOCH": committed.stdout.strip(), "PYTHONHASHSEED": "0"} | variables
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE).stdout


def main() -> None:
    """Build everything into an empty folder."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path)
    out: Path = parser.parse_args().out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    built = [*wheels(out), layer(out)]
    if _docker_runs():
        built.append(image(out))
    else:
        print("docker is needed for the image: it is left out")
    (out / "digests.txt").write_text(digests(built))
    print((out / "digests.txt").read_text(), end="")


if __name__ == "__main__":
    main()
