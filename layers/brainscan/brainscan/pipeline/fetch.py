"""The staged bytes of scans, read at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from brainscan.domain import ScanRecord
from brainscan.pipeline.predict import ScanBytes
from brainscan.services import Services


def fetch(records: Sequence[ScanRecord], services: Services, pool: Executor) -> dict[str, ScanBytes | Exception]:
    """The bytes of each scan by its id, or why there are none; files with several frames are read once."""
    keys = list(dict.fromkeys(record.staged_key for record in records))
    read = dict(zip(keys, pool.map(lambda key: _caught(services.results.get, key), keys), strict=True))
    fetched: dict[str, ScanBytes | Exception] = {}
    for record in records:
        data = read[record.staged_key]
        found = data if isinstance(data, Exception) else ScanBytes.of(data, record)
        fetched[record.scan_id] = found
    return fetched


def _caught(get: Callable[[str], bytes], key: str) -> bytes | Exception:
    try:
        return get(key)
    except Exception as error:
        return error
