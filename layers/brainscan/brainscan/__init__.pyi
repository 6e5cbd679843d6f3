from brainscan.inference.runtime import Model
from brainscan.library.analysis import Analysis, analyze, open_model
from brainscan.library.query import query
from brainscan.library.scans import AnalyzedScan
from brainscan.library.series import AnalyzedSeries

__version__: str
__all__ = ["Analysis", "AnalyzedScan", "AnalyzedSeries", "Model", "__version__", "analyze", "open_model", "query"]
