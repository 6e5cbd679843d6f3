"""The layer and the image hold what their functions import, all of it and nothing else."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.infra.reading import listed, role_statements
from tests.unit.infra.rendered import resources

ROOT = Path(__file__).parents[3]
ZIPPED = ["count", "deliver", "give_up", "intake", "report", "results_api", "measure_drift"]
IMAGES = ["analyze"]

NOT_IN_INTAKE = {
    "ai_edge_litert",
    "skimage",
    "scipy",
    "aws_xray_sdk",
    "tensorflow",
    "keras",
    "moto",
    "typer",
    "rich",
    "training",
}
NOT_IN_REPORT = NOT_IN_INTAKE | {"fhir"}
NOT_IN_ANALYZE = NOT_IN_INTAKE - {"ai_edge_litert"} | {"highdicom", "dicomweb_client"}
LATER_IN_ANALYZE = {"pydicom", "nibabel", "smart_open"}
"""What analyze has and does not start with: most take longer to import than all the rest of it."""

FORBIDDEN = {
    "intake": NOT_IN_INTAKE,
    "analyze": NOT_IN_ANALYZE | LATER_IN_ANALYZE,
    "results_api": NOT_IN_REPORT | {"highdicom", "dicomweb_client"},
    "count": NOT_IN_REPORT | {"highdicom", "dicomweb_client"},
    "measure_drift": NOT_IN_REPORT | {"highdicom", "dicomweb_client"},
    "report": NOT_IN_REPORT,
    "deliver": NOT_IN_REPORT,
    "give_up": NOT_IN_INTAKE,
}
"""Packages that a function does without, or starts without."""

IMPORT = """
import json, sys
class Refuse:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in sys.argv[2].split(","):
            raise ImportError(name + " is not in the function")
sys.meta_path.insert(0, Refuse())
sys.path.insert(0, sys.argv[1])
import handler
assert callable(handler.lambda_handler)
names = [name for name in sys.modules if name.partition(".")[0].startswith(("brainscan", "training"))]
print(json.dumps({name: sys.modules[name].__file__ for name in names}))
"""


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library as the layer's own Makefile copies it."""
    target = tmp_path_factory.mktemp("layer")
    command = ["make", "-s", "-f", "layers/brainscan/Makefile", "library", f"PYTHON={sys.executable}"]
    subprocess.run(command, cwd=ROOT, env=os.environ | {"ARTIFACTS_DIR": str(target)}, check=True)
    return target / "python"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library as the Dockerfile copies it."""
    target = tmp_path_factory.mktemp("image")
    subprocess.run(
        [sys.executable, "infra/bundle.py", str(target), "functions/analyze/handler.py"], cwd=ROOT, check=True
    )
    return target


def modules(folder: Path) -> set[str]:
    """Names of the modules below a folder."""
    paths = (path.relative_to(folder).with_suffix("") for path in folder.rglob("*.py"))
    return {".".join(path.parts).removesuffix(".__init__") for path in paths}


def imported(folder: Path, function: str) -> dict[str, str]:
    """Our modules that a function has imported once it has started, with nothing of ours but `folder` around it.

    A package that it is not given cannot be imported.
    """
    environment = {
        "PATH": "",
        "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT / "functions" / function)]),
        "BRAINSCAN_RESULTS_BUCKET": "results",
        "BRAINSCAN_TABLE_NAME": "scans",
        "BRAINSCAN_MODEL_DIR": str(ROOT / "functions/analyze/model"),
        "POWERTOOLS_SERVICE_NAME": function,
        "POWERTOOLS_METRICS_NAMESPACE": "brainscan",
    }
    command = [sys.executable, "-c", IMPORT, str(folder), ",".join(FORBIDDEN[function])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def named(folder: Path, function: str) -> set[str]:
    """Modules that any import statement of the function or of the folder's modules names, also one in a function."""
    found = set()
    for path in [ROOT / "functions" / function / "handler.py", *folder.rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found | {name.rpartition(".")[0] for name in found}


@pytest.mark.parametrize(("built", "functions"), [("layer", ZIPPED), ("image", IMAGES)], ids=["layer", "image"])
def test_it_holds_what_its_functions_import_and_nothing_else(
    built: str, functions: Any, request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(built)
    held = modules(folder)
    at_start = [imported(folder, function) for function in functions]
    for found in at_start:
        assert all(Path(file).is_relative_to(folder) for file in found.values()), "imported from elsewhere"
    assert set().union(*at_start) <= held
    later = held - set().union(*at_start)
    assert later <= set().union(*(named(folder, function) for function in functions)), "imported by nobody"
    assert len(later) < len(held) / 4


def test_the_template_gives_the_layer_to_the_functions_whose_imports_fill_it(layer: Path) -> None:
    text = (ROOT / "template.yaml").read_text()
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")}
    assert {folder for folder in folders if f"CodeUri: functions/{folder}\n" in text} == set(ZIPPED)
    assert folders == {*ZIPPED, *IMAGES}


@pytest.mark.parametrize("built", ["layer", "image"])
def test_neither_the_laptop_nor_the_command_is_in_it(built: str, request: pytest.FixtureRequest) -> None:
    held = modules(request.getfixturevalue(built))
    assert not {name for name in held if name.split(".")[0] == "brainscan_local" or "cli" in name.split(".")}
    assert "brainscan.dicom.deidentify" not in held


def test_the_page_goes_with_the_layer_and_not_with_the_image(layer: Path, image: Path) -> None:
    source = ROOT / "layers/brainscan/brainscan/api/static"
    page = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
    static = layer / "brainscan/api/static"
    assert {path.relative_to(static) for path in static.rglob("*") if path.is_file()} == page
    assert not (image / "brainscan/api").exists()


def test_the_image_is_built_by_the_same_copy() -> None:
    text = (ROOT / "functions/analyze/Dockerfile").read_text()
    assert "bundle.py . handler.py" in text
    seen = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert seen == {"requirements/image.txt", "infra/bundle.py", "layers/brainscan/brainscan", "functions/analyze"}


def test_the_image_describes_to_the_sdk_the_services_that_its_functions_may_ask_and_no_other() -> None:
    described = re.findall(r"! -name (\w+)", (ROOT / "functions/analyze/Dockerfile").read_text())
    roles = {resources()[name]["Properties"]["Role"].removesuffix(".Arn") for name in ("Analyze", "Reprocess")}
    statements = [each for name, each in role_statements(resources()) if name.removesuffix(".Arn") in roles]
    asked = {action.partition(":")[0] for each in statements for action in listed(each["Action"])}
    assert set(described) == asked - {"logs", "xray"}  # which Lambda itself asks
