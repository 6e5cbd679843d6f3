"""Copy the part of the library that functions import: `python infra/bundle.py TARGET HANDLER...`.

The layer and the image are filled by this, so neither holds a module that none of its functions imports. It needs
nothing but Python, and runs where they are built.
"""

import argparse
import shutil
from collections.abc import Iterable
from modulefinder import ModuleFinder
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "layers/brainscan/brainscan"


def imported(handlers: Iterable[Path]) -> set[Path]:
    """The library's modules that handlers import, directly or through others, at once or later in a function."""
    finder = ModuleFinder(path=[str(LIBRARY.parent)])
    for handler in handlers:
        finder.run_script(str(handler))
    files = (Path(file) for module in finder.modules.values() if (file := vars(module)["__file__"]))
    return {file for file in files if file.is_relative_to(LIBRARY)}


def belonging(modules: set[Path]) -> set[Path]:
    """Files beside modules that are read rather than imported, such as the page's: those of packages that go along."""
    packages = {module.parent for module in modules if module.name == "__init__.py"}
    files = (path for path in LIBRARY.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"})
    return {path for path in files if _package(path) in packages}


def _package(path: Path) -> Path:
    return next(folder for folder in path.parents if (folder / "__init__.py").is_file())


def bundle(target: Path, handlers: Iterable[Path]) -> None:
    """Copy what `handlers` need of the library to `target`/brainscan."""
    modules = imported(handlers)
    for path in sorted(modules | belonging(modules)):
        copied = target / path.relative_to(LIBRARY.parent)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copied)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("target", type=Path)
    parser.add_argument("handlers", type=Path, nargs="+")
    arguments = parser.parse_args()
    bundle(arguments.target, arguments.handlers)
