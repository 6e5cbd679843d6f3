"""The house keeps its shape: dependencies point one way, and no module has two subjects."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "layers/brainscan/brainscan"
LOCAL = ROOT / "layers/brainscan_local/brainscan_local"

FOLDERS = (PACKAGE, LOCAL, ROOT / "functions", ROOT / "training", ROOT / "infra")

FLOORS = (
    {"terminology"},
    {"domain", "settings"},
    {"identity", "observability", "series"},
    {"dicom", "fhir"},
    {"imaging"},
    {"inference", "store", "archive"},
    {"services"},
    {"pipeline", "events", "api"},
    {"library"},
    {"uploads"},
    {"gateway"},
    {"brainscan_local"},
    {"cli"},
)
"""From the ground up: a room may use rooms of lower floors, and its neighbours on the same floor."""

NOT_OURS = {"node_modules", "build", "out"}
"""Folders of what is installed or built; what is hidden is not ours either."""

LONGEST_MODULE = 300
"""Lines; what is longer has two subjects."""


def modules_imported(module: Path) -> set[str]:
    """Our modules that a module imports, within its functions as well."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom):
            source = str(node.module)
            names = {f"{source}.{alias.name}" for alias in node.names}
            found |= {name if name in NAMES else source for name in names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & NAMES


def room_of(name: str) -> str:
    """The room that a dotted name is in; the laptop stack is one."""
    package, *rest = name.split(".")
    return package if package == "brainscan_local" or not rest else rest[0]


def rooms_imported(module: Path) -> set[str]:
    return {room_of(name) for name in modules_imported(module)} - {"brainscan"}


def floor(room: str) -> int:
    return next(level for level, rooms in enumerate(FLOORS) if room in rooms)


def dotted(module: Path) -> str:
    """`layers/brainscan/brainscan/store/keys.py` -> `brainscan.store.keys`."""
    root = PACKAGE if module.is_relative_to(PACKAGE) else LOCAL
    parts = (root.name, *module.relative_to(root).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def written(folder: Path) -> list[Path]:
    """Python files below a folder that somebody wrote."""
    return [path for path in folder.rglob("*.py") if not NOT_OURS & set(path.relative_to(ROOT).parts)]


WITH_PYTHON = sorted(
    path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".") and written(path)
)
"""Folders of the repository in which there is Python."""

OURS = sorted([*PACKAGE.rglob("*.py"), *LOCAL.rglob("*.py")])
NAMES = set(map(dotted, OURS))


@pytest.mark.parametrize("module", OURS, ids=dotted)
def test_dependencies_point_one_way(module: Any) -> None:
    room = room_of(dotted(module))
    if room == "brainscan":
        assert not rooms_imported(module)
        return
    above = {other for other in rooms_imported(module) if floor(other) > floor(room)}
    assert not above, f"{room} must not know {above}"


def test_no_module_imports_itself_by_way_of_others() -> None:
    TopologicalSorter({dotted(module): modules_imported(module) for module in OURS}).prepare()


def test_no_room_imports_itself_by_way_of_others() -> None:
    rooms = {room_of(dotted(module)) for module in OURS}
    graph: dict[str, set[str]] = {room: set() for room in rooms}
    for module in OURS:
        graph[room_of(dotted(module))] |= rooms_imported(module) - {room_of(dotted(module))}
    TopologicalSorter(graph).prepare()


def test_a_class_has_a_name_of_its_own() -> None:
    places: dict[str, list[str]] = {}
    for module in (path for folder in FOLDERS for path in folder.rglob("*.py")):
        for node in ast.parse(module.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(str(module.relative_to(ROOT)))
    assert len(places) > 100
    assert not {name: found for name, found in places.items() if len(found) > 1}


@pytest.mark.parametrize("folder", WITH_PYTHON)
def test_a_module_can_be_read_in_one_sitting(folder: str) -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in written(ROOT / folder)}
    assert lengths
    assert not {str(path.relative_to(ROOT)): n for path, n in lengths.items() if n > LONGEST_MODULE}


def test_store_knows_no_pixels_and_imaging_knows_no_aws() -> None:
    for module in (PACKAGE / "store").rglob("*.py"):
        assert not rooms_imported(module) & {"imaging", "inference", "dicom"}
    for module in (PACKAGE / "imaging").rglob("*.py"):
        assert not rooms_imported(module) & {"store", "services", "inference"}
        assert "boto" not in module.read_text()
