"""DICOM objects -> the PACS that asked for them, by STOW-RS (PS3.18 10.5)."""

import io
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import requests
from dicomweb_client.api import DICOMwebClient
from dicomweb_client.session_utils import create_session_from_user_pass
from pydantic import BaseModel, SecretStr
from pydicom import dcmread

from brainscan.domain import BrainscanError

TIMEOUT_S: Final = 60
"""What the PACS may take for an answer; the function that asks has twice as long."""


class Credentials(BaseModel):
    """The user by which the PACS knows brainscan; the JSON of its secret."""

    username: str
    password: SecretStr


class DeliveryError(BrainscanError):
    """The PACS did not take every object; the message is retried."""


class Pacs:
    """A DICOMweb server that stores.

    Raises:
        DeliveryError: the address would send a patient's data over the network in clear.
    """

    def __init__(self, url: str, credentials: Credentials) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname != "127.0.0.1":
            raise DeliveryError("the PACS's address is not https; its objects name the patient")
        session = create_session_from_user_pass(credentials.username, credentials.password.get_secret_value())
        self._client = DICOMwebClient(url, session=session, timeout=TIMEOUT_S)

    def store(self, objects: Sequence[bytes]) -> None:
        """Store DICOM files, all in one request; a PACS that has one already keeps it.

        Raises:
            DeliveryError: it cannot be reached, refuses the request, or refused some of the objects.
        """
        try:
            answer = self._client.store_instances([dcmread(io.BytesIO(each)) for each in objects])
        except requests.RequestException as error:
            # What a server says in its error may quote what it was sent.
            status = error.response.status_code if error.response is not None else "none"
            raise DeliveryError(f"the PACS did not take the objects: {type(error).__name__}, status {status}") from None
        if failed := answer.get("FailedSOPSequence"):
            codes = sorted({f"{int(item.get('FailureReason') or 0):04X}" for item in failed})
            raise DeliveryError(f"the PACS refused {len(failed)} of {len(objects)} objects: {', '.join(codes)}")
