from brainscan.library import Analysis, AnalyzedScan, AnalyzedSeries, Network, analyze, open_model, query

__version__: str
__all__ = ["Analysis", "AnalyzedScan", "AnalyzedSeries", "Network", "__version__", "analyze", "open_model", "query"]
