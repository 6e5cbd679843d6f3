"""The DICOM node: C-ECHO, and C-STORE of all MR storage classes in any transfer syntax (PS3.7 9.1.1, PS3.4 B)."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from pydicom import dcmread
from pydicom.uid import (
    UID,
    EnhancedMRColorImageStorage,
    EnhancedMRImageStorage,
    LegacyConvertedEnhancedMRImageStorage,
    MRImageStorage,
    MRSpectroscopyStorage,
)
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, evt

from brainscan.gateway.spool import Spool

VERIFICATION: Final = UID("1.2.840.10008.1.1")
"""The class of C-ECHO (PS3.4 A.4)."""

MR_STORAGE: Final = (
    MRImageStorage,
    EnhancedMRImageStorage,
    EnhancedMRColorImageStorage,
    LegacyConvertedEnhancedMRImageStorage,
    MRSpectroscopyStorage,
)

SUCCESS: Final = 0x0000
OUT_OF_RESOURCES: Final = 0xA700
CANNOT_UNDERSTAND: Final = 0xC000
"""Status of C-STORE (PS3.4 table B.2-1). Of any but success, the sender keeps the image, and tries again."""

ASSOCIATIONS: Final = 16
IDLE_S: Final = 120
"""Seconds after which a silent association is given up."""


@contextmanager
def serving(spool: Spool, host: str, port: int, title: str, callers: Sequence[str]) -> Iterator[int]:
    """Receive images until the end of `with`; yields the port.

    Args:
        title: The application entity title by which senders must call.
        callers: Titles that may send; any if empty.

    Raises:
        OSError: the port is taken.
    """
    entity = AE(ae_title=title)
    entity.require_called_aet = True
    entity.require_calling_aet = list(callers)
    entity.maximum_associations = ASSOCIATIONS
    entity.network_timeout = IDLE_S
    entity.add_supported_context(VERIFICATION)
    for storage in MR_STORAGE:
        entity.add_supported_context(storage, list(ALL_TRANSFER_SYNTAXES))
    handlers: Any = [(evt.EVT_C_STORE, _store, [spool])]
    server: Any = entity.start_server((host, port), block=False, evt_handlers=handlers)
    try:
        yield int(server.socket.getsockname()[1])
    finally:
        server.shutdown()


def _store(event: evt.Event, spool: Spool) -> int:
    """Answer only once the image is on the disk, as its sender wrote it."""
    try:
        data = event.encoded_dataset()
        header = dcmread(io.BytesIO(data), stop_before_pixels=True, specific_tags=["StudyInstanceUID"])
        study_uid = str(header.get("StudyInstanceUID") or "")
    except Exception:  # pydicom raises nearly anything on damage, and its text may quote the header
        return CANNOT_UNDERSTAND
    try:
        spool.add(data, study_uid)
    except OSError:
        return OUT_OF_RESOURCES
    return SUCCESS
