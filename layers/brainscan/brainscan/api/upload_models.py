"""What the routes of uploads take and answer."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from brainscan.api.models import ExportView
from brainscan.domain import RESEARCH_USE_STATEMENT, FrozenModel, Outcome
from brainscan.store.multipart import MOST_PARTS

UploadId = Annotated[str, Field(pattern="^[!-~]{1,1024}$", description="of the upload, as S3 calls it")]


class NewUpload(BaseModel):
    """A file, or an archive of files, that somebody is about to send."""

    model_config = ConfigDict(extra="forbid")

    bytes: Annotated[int, Field(ge=1, description="its size")]
    archive: StrictBool = Field(default=False, description="a ZIP or tar, which may be larger than one image")
    site: Annotated[
        str | None, Field(max_length=32, description="where it comes from: one of `/v1/sites`; of none by default")
    ] = None


class StartedUpload(FrozenModel):
    """Where an upload goes on: cut into parts of `part_bytes`, the last of which may be shorter."""

    token: str = Field(description="by which the upload and its export are found; nothing of the sender's")
    upload_id: UploadId
    part_bytes: int
    research_use: str = RESEARCH_USE_STATEMENT


class PartRequest(BaseModel):
    """One part of an upload."""

    model_config = ConfigDict(extra="forbid")

    upload_id: UploadId
    number: Annotated[int, Field(ge=1, le=MOST_PARTS, description="from 1")]
    bytes: Annotated[int, Field(ge=1, description="its size; S3 refuses a body of any other")]
    sha256: Annotated[str, Field(pattern="^[A-Za-z0-9+/]{43}=$", description="its SHA-256, base64; S3 compares it")]


class PartAddress(FrozenModel):
    """Where a part goes by PUT, with these headers."""

    url: str
    headers: dict[str, str]
    expires_at: datetime
    research_use: str = RESEARCH_USE_STATEMENT


class UploadReference(BaseModel):
    """An upload whose parts are all there."""

    model_config = ConfigDict(extra="forbid")

    upload_id: UploadId


class UploadResponse(FrozenModel):
    """An upload, and what became of it."""

    token: str
    export: ExportView | None = Field(default=None, description="null until intake has seen it")
    research_use: str = RESEARCH_USE_STATEMENT


class FileView(FrozenModel):
    """What became of one file of an export."""

    index: int | None = Field(description="its place in the upload; null where it is the upload, or missing from it")
    inner: int | None = Field(description="its place in an archive at that place")
    outcome: Outcome
    reasons: tuple[str, ...]


class FilePage(FrozenModel):
    """Some files of an export, in the order in which they lie there."""

    items: tuple[FileView, ...]
    cursor: str | None = Field(description="asks for what follows; null at the end")
    research_use: str = RESEARCH_USE_STATEMENT
