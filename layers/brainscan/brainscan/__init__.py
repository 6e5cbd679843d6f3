"""Brain MRI in a bucket becomes a tumor class, a mask and a queryable record. Research use only.

From Python:

    import brainscan
    for scan in brainscan.analyze("study/").scans:
        print(scan.path, scan.record.outcome, scan.record.predicted)

What takes long to import is imported with the first call.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PLACES = {
    "Analysis": "library.analysis",
    "AnalyzedScan": "library.scans",
    "AnalyzedSeries": "library.series",
    "Model": "inference.runtime",
    "analyze": "library.analysis",
    "open_model": "library.analysis",
    "query": "library.query",
}
"""The library's names, and the modules that they are in; types of them are in `__init__.pyi`."""

__all__ = ["Analysis", "AnalyzedScan", "AnalyzedSeries", "Model", "__version__", "analyze", "open_model", "query"]


def __getattr__(name: str) -> Any:
    """Import one of the library's names."""
    if name in _PLACES:
        return getattr(import_module(f"brainscan.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """What `__getattr__` answers to is listed as well."""
    return sorted({*globals(), *__all__})
