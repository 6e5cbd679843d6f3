"""The house keeps its shape: dependencies point one way, and each function imports only what it is given."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "layers/brainscan/brainscan"

FLOORS = (
    {"domain", "settings"},
    {"identity", "observability"},
    {"dicom", "fhir"},
    {"imaging"},
    {"inference", "store", "archive"},
    {"services"},
    {"pipeline", "events", "api"},
    {"cli"},
)
"""From the ground up: a room may use rooms of lower floors, and its neighbours on the same floor."""

NOT_IN_INTAKE = {"ai_edge_litert", "skimage", "scipy", "tensorflow", "keras", "moto", "typer", "rich", "training"}
NOT_IN_REPORT = NOT_IN_INTAKE | {"fhir"}
NOT_IN_ANALYZE = {"highdicom", "dicomweb_client", "tensorflow", "keras", "moto", "typer", "rich", "training"}


def rooms_imported(module: Path) -> set[str]:
    nodes = ast.walk(ast.parse(module.read_text()))
    names = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    names += [
        f"brainscan.{alias.name}"
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "brainscan"
        for alias in node.names
    ]
    return {name.split(".")[1] for name in names if name.startswith("brainscan.")}


def floor(room: str) -> int:
    return next(level for level, rooms in enumerate(FLOORS) if room in rooms)


@pytest.mark.parametrize("module", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_dependencies_point_one_way(module):
    room = module.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room == "__init__":
        assert not rooms_imported(module)
        return
    above = {other for other in rooms_imported(module) if floor(other) > floor(room)}
    assert not above, f"{room} must not know {above}"


def test_store_knows_no_pixels_and_imaging_knows_no_aws():
    for module in (PACKAGE / "store").glob("*.py"):
        assert not rooms_imported(module) & {"imaging", "inference", "dicom"}
    for module in (PACKAGE / "imaging").glob("*.py"):
        assert not rooms_imported(module) & {"store", "services", "inference"}
        assert "boto" not in module.read_text()


@pytest.mark.parametrize(
    ("function", "forbidden"),
    [
        ("intake", NOT_IN_INTAKE),
        ("analyze", NOT_IN_ANALYZE),
        ("results_api", NOT_IN_REPORT | {"highdicom", "dicomweb_client"}),
        ("report", NOT_IN_REPORT),
        ("deliver", NOT_IN_REPORT),
    ],
    ids=["intake", "analyze", "results_api", "report", "deliver"],
)
def test_a_function_imports_nothing_that_it_is_not_given(function, forbidden):
    program = f"""
import sys
class Refuse:
    def find_spec(self, name, *_):
        if name.split(".")[0] in {forbidden!r}:
            raise ImportError(name + " is not in the function")
sys.meta_path.insert(0, Refuse())
sys.path.insert(0, "functions/{function}")
import handler
assert callable(handler.lambda_handler)
"""
    environment = {
        "PATH": "",
        "PYTHONPATH": str(ROOT / "layers/brainscan"),
        "BRAINSCAN_RESULTS_BUCKET": "results",
        "BRAINSCAN_TABLE_NAME": "scans",
        "BRAINSCAN_MODEL_DIR": str(ROOT / "functions/analyze/model"),
        "POWERTOOLS_SERVICE_NAME": function,
        "POWERTOOLS_METRICS_NAMESPACE": "brainscan",
    }
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
