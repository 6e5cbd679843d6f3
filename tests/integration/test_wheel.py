"""The built wheel, installed where no checkout is, runs the Python of the docs, with the model that it brings."""

import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from brainscan_local.phantom import GLIOMA, head, to_dicom

ROOT = Path(__file__).parents[2]


pytestmark = pytest.mark.timeout(600)

VERSIONS = ("3.11", "3.12", "3.13")
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)]
    subprocess.run(build, check=True)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module", params=VERSIONS)
def python(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An environment with the wheel: the dependencies of this one, or for another Python those that pip installs."""
    folder = tmp_path_factory.mktemp("installed")
    yield borrowing(folder, wheel) if request.param == RUNNING else installed(folder, wheel, request.param)
    shutil.rmtree(folder)  # half a gigabyte each


def installed(folder: Path, wheel: Path, version: str) -> Path:
    if not os.environ.get("BRAINSCAN_EVERY_PYTHON"):
        pytest.skip("of other versions of Python, an installation takes minutes: make pythons")
    interpreter = next(filter(runs, candidates(version)), None)
    if interpreter is None:
        pytest.skip(f"no Python {version} on this machine")
    subprocess.run([interpreter, "-m", "venv", str(folder / "env")], check=True)
    python = folder / "env/bin/python"
    install = [str(python), "-m", "pip", "install", "-q", "--only-binary", ":all:"]
    if subprocess.run([*install, "--no-deps", "typer"], capture_output=True).returncode:
        pytest.skip("pip's index does not answer")
    subprocess.run([*install, str(wheel)], check=True)
    return python


def candidates(version: str) -> Iterator[str]:
    """Where a Python may be: on the path, or among those of pyenv."""
    if found := shutil.which(f"python{version}"):
        yield found
    root = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser()
    yield from map(str, sorted(root.glob(f"versions/{version}.*/bin/python{version}")))


def runs(interpreter: str) -> bool:
    return subprocess.run([interpreter, "-c", ""], capture_output=True).returncode == 0


def borrowing(folder: Path, wheel: Path) -> Path:
    venv.create(folder / "env", with_pip=False)
    python = folder / "env/bin/python"
    [packages] = (folder / "env/lib").glob("python*/site-packages")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(packages), str(wheel)], check=True
    )
    # The path alone, so that what points to the checkout is not read.
    dependencies = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "dependencies.pth").write_text("\n".join(dependencies))
    return python


def run(python: Path, *arguments: str, cwd: Path) -> str:
    done = subprocess.run([str(python), "-P", *arguments], cwd=cwd, env={"PATH": ""}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_five_lines_of_the_docs_run(python: Path, tmp_path: Path) -> None:
    [lines] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert sum(map(bool, lines.splitlines())) == 5
    (tmp_path / "study").mkdir()
    for number, instance in enumerate(to_dicom(head(seed=1, lesion=GLIOMA))):
        (tmp_path / f"study/{number}.dcm").write_bytes(instance)
    where = run(python, "-c", "import brainscan; print(brainscan.__file__)", cwd=tmp_path)
    assert str(python.parents[1]) in where
    printed = run(python, "-c", lines, cwd=tmp_path)
    assert "glioma" in printed
    assert list((tmp_path / "answers/reports").glob("*/*/seg.dcm"))


def test_the_command_lists_itself_there(python: Path, tmp_path: Path) -> None:
    shown = run(python, "-c", "from brainscan.cli.main import app; app(['--version'])", cwd=tmp_path)
    assert "Research use only" in shown
