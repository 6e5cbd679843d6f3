"""The page's modules import one another in one direction, and only what is there."""

import re
from graphlib import TopologicalSorter
from pathlib import Path

import brainscan.api
from brainscan.api.page import GENERATED

STATIC = Path(brainscan.api.__path__[0]) / "static"
IMPORT = re.compile(r"""\bfrom\s+"\./([^"]+)"|\bimport\(?\s*"\./([^"]+)\"""")


def imports() -> dict[str, set[str]]:
    """Module -> modules of the page that it imports, at once or later."""
    return {
        path.name: {first or second for first, second in IMPORT.findall(path.read_text())}
        for path in STATIC.glob("*.js")
    }


def test_no_module_imports_itself_through_others() -> None:
    order = list(TopologicalSorter(imports()).static_order())
    assert order[-1] == "app.js"
    assert order.index("router.js") < order.index("list.js")


def test_every_import_is_there_and_every_module_is_imported() -> None:
    graph = imports()
    imported = set().union(*graph.values())
    assert imported <= set(graph) | set(GENERATED)
    assert set(graph) - imported == {"app.js"}


def test_what_the_page_itself_names_is_there() -> None:
    named = re.findall(r'(?:src|href)="/static/([^"]+)"', (STATIC / "index.html").read_text())
    assert {"app.js", "style.css"} <= set(named)
    assert all((STATIC / name).is_file() or name in GENERATED for name in named)


def test_every_key_that_a_module_listens_to_is_on_the_list_of_keys() -> None:
    shown = set(re.findall(r"<kbd>([^<]+)</kbd>", (STATIC / "index.html").read_text()))
    named = {"ArrowDown": "\u2193", "ArrowUp": "\u2191", " ": "Space", "-": "\u2212", "=": "+"}
    arrows = {"ArrowLeft", "ArrowRight"}  # "the arrows"
    heard = set()
    for path in STATIC.glob("*.js"):
        for tested in re.findall(r'\.key === "([^"]+)"', path.read_text()):
            heard.add(tested)
        for table in re.findall(r"\{([^{}]*)\}\[(?:event|detail)\.key\]", path.read_text()):
            heard |= set(re.findall(r'(?:^|,)\s*"?([\w\[\]+=-]+)"?\s*:', table))
    assert {"c", "x", "d", "e", "[", "]", "Delete", "j", "k", "m", "w", "z", "u", "f", "?"} <= heard
    assert {named.get(each, each) for each in heard - arrows} - shown == set()
