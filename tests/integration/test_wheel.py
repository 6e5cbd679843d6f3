"""The built wheel, installed where no checkout is, runs the Python of the docs, with the model that it brings."""

import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from brainscan_local.phantom import GLIOMA, head, to_dicom

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel, and the dependencies of this one."""
    folder = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)]
    subprocess.run(build, check=True)
    [wheel] = folder.glob("*.whl")
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
