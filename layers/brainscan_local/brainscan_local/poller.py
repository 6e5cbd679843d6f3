"""What Lambda's event source mappings have in common: a thread that gathers records and hands them over in batches."""

import threading
import time
from abc import ABC, abstractmethod
from typing import Any

from brainscan_local.template import MappingSpec, StreamSpec

POLL_S = 0.1
"""How often an empty source is asked. moto's long polls return late, and cannot be interrupted."""


class Poller(threading.Thread, ABC):
    """Reads a source and takes what it gives, one batch at a time, until stopped. The source is a subclass's.

    Args:
        name: Of the thread.
        mapping: Its batch size, and the window within which a batch may fill.
    """

    def __init__(self, name: str, mapping: MappingSpec | StreamSpec) -> None:
        super().__init__(name=name, daemon=True)
        self._size, self._window_s = mapping.batch_size, mapping.window_s
        self._stopping = threading.Event()
        self.batches = 0
        self.empty_reads = 0
        self.error: Exception | None = None

    def stop(self) -> None:
        """Finish the batch at hand, and take no other."""
        self._stopping.set()

    def run(self) -> None:
        """The thread's work; what ends it early is in `error`."""
        try:
            self._open()
            while not self._stopping.is_set():
                if records := self._gather():
                    self.batches += 1
                    self._process_batch(records)
                else:
                    self.empty_reads += 1
                    self._stopping.wait(POLL_S)
        except Exception as error:
            self.error = error

    def _gather(self) -> list[Any]:
        """Records up to the batch size, or as many as came within the window after the first."""
        records = self._read(self._size)
        deadline = time.monotonic() + self._window_s
        while records and len(records) < self._size:
            more = self._read(self._size - len(records))
            records += more
            if not more and (time.monotonic() >= deadline or self._stopping.wait(POLL_S)):
                break
        return records

    def _open(self) -> None:
        """Before the first read."""

    @abstractmethod
    def _read(self, most: int) -> list[Any]:
        """What the source has now, about `most` records; none is no error."""

    @abstractmethod
    def _process_batch(self, records: list[Any]) -> None:
        """Feed the function, and see to what it fails."""
