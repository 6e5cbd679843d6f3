"""What is in the image, and what is not."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.bundle import LIBRARY, imported
from tests.container.engine import ROOT, Engine
from tests.container.images import ANALYZE, BASE, BUDGET_MB

MB = 1000**2

LOOK = """
import json, pathlib
task = pathlib.Path("/var/task")
sizes = {each.name: sum(f.stat().st_size for f in each.rglob("*") if f.is_file()) for each in task.iterdir()}
sources = [f for f in task.rglob("*.py")]
compiled = {str(f) for f in task.rglob("*.pyc")}
plain = [str(f) for f in sources if str(f.parent / "__pycache__" / f.stem) + ".cpython-313.pyc" not in compiled]
folders = {f.name for f in task.rglob("*") if f.is_dir()}
library = sorted(str(f.relative_to(task)) for f in sources if f.is_relative_to(task / "brainscan"))
print(json.dumps({"sizes": sizes, "plain": plain, "folders": sorted(folders), "library": library, "model": sorted(
    f.name for f in (task / "model").iterdir())}))
"""


@pytest.fixture(scope="module")
def contents(docker: Engine, built: Path) -> dict[str, Any]:
    """What the image's task folder holds."""
    return json.loads(docker.docker("run", "--rm", "--network=none", "--entrypoint=python3", ANALYZE, "-c", LOOK))


def test_the_image_stays_within_its_budget(docker: Engine, contents: dict[str, Any]) -> None:
    sizes = docker.docker("image", "inspect", "--format", "{{.Size}}", ANALYZE, BASE).split()
    added = (int(sizes[0]) - int(sizes[1])) / MB
    largest = sorted(contents["sizes"].items(), key=lambda item: -item[1])[:12]
    listing = ", ".join(f"{name} {size / MB:.0f} MB" for name, size in largest)
    print(f"\nimage: {added:.0f} MB over its base; {listing}")
    assert added < BUDGET_MB, f"{added:.0f} MB over the base; the largest: {listing}"


def test_it_has_no_training_no_laptop_no_tests_and_no_compiler(docker: Engine, contents: dict[str, Any]) -> None:
    unwanted = {"tensorflow", "keras", "moto", "typer", "rich", "pytest", "h5py", "matplotlib", "training"}
    assert not unwanted & set(contents["sizes"])
    assert not {"tests"} & set(contents["folders"])
    found = docker.docker(
        "run", "--rm", "--network=none", "--entrypoint=sh", ANALYZE, "-c", "command -v gcc cc make docker || echo none"
    )
    assert found == "none"


def test_of_the_library_it_has_what_its_handlers_import(contents: dict[str, Any]) -> None:
    needed = imported(ROOT / f"functions/analyze/{name}.py" for name in ("handler", "reprocess"))
    assert contents["library"] == sorted(str(path.relative_to(LIBRARY.parent)) for path in needed)


def test_the_model_and_its_manifest_are_all_of_the_artifact_that_it_carries(contents: dict[str, Any]) -> None:
    assert contents["model"] == ["manifest.json", "model.tflite"]


def test_every_module_is_compiled_when_the_image_is_built(contents: dict[str, Any]) -> None:
    # One file of a library may be a template that is no Python; it is never imported.
    assert len(contents["plain"]) <= 1, contents["plain"]
