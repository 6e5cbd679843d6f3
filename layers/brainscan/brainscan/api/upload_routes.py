"""The routes by which files come in from the page: links for their parts, and what became of each file."""

import secrets
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Final

from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from brainscan.api.models import ExportView
from brainscan.api.parameters import Id, documented_route, presigner, require_found, the_inbox, the_table
from brainscan.api.problems import ProblemError
from brainscan.api.upload_models import (
    FilePage,
    FileView,
    NewUpload,
    PartAddress,
    PartRequest,
    StartedUpload,
    UploadReference,
    UploadResponse,
)
from brainscan.domain import ExportState
from brainscan.settings import limits, settings
from brainscan.store import Inbox
from brainscan.store.file_results import file_results
from brainscan.store.multipart import part_bytes_of

router = APIGatewayHttpRouter()

LONGEST_FOLLOWED: Final = timedelta(days=366)

Token = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="of the upload: 32 hexadecimal digits")]


@documented_route(
    router.post,
    "/uploads",
    summary="Begin an upload",
    operation_id="begin_upload",
    tags=["uploads"],
    status_code=201,
)
def begin(new: NewUpload) -> StartedUpload:
    """Begin to send one object, whose name this side chooses; 422 if it is too large, or of a site that is none."""
    most = limits().archive_bytes if new.archive else limits().scan_bytes
    if new.bytes > most:
        kind = "an archive" if new.archive else "a file"
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, f"{kind} may have {most} bytes at most")
    if new.site is not None and new.site not in settings().named_sites:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "there is no such site; /v1/sites names all")
    token = secrets.token_hex(16)
    return StartedUpload(token=token, upload_id=_inbox().begin(token, new.site), part_bytes=part_bytes_of(new.bytes))


@documented_route(
    router.post, "/uploads/<token>/parts", summary="Address of a part", operation_id="upload_part", tags=["uploads"]
)
def address_part(token: Token, part: PartRequest) -> PartAddress:
    """Where a part of an upload goes by PUT, for some minutes; sent again, it takes the place of the first."""
    if part.bytes > part_bytes_of(limits().archive_bytes):
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "a part is no larger than `part_bytes`")
    seconds = settings().link_seconds
    link = _inbox().part_link(token, part.upload_id, part.number, part.bytes, part.sha256, seconds=seconds)
    return PartAddress(url=link.url, headers=link.headers, expires_at=datetime.now(UTC) + timedelta(seconds=seconds))


@documented_route(
    router.post,
    "/uploads/<token>/complete",
    summary="Complete an upload",
    operation_id="complete_upload",
    tags=["uploads"],
)
def complete(token: Token, known: UploadReference) -> UploadResponse:
    """Make one object of the parts that have arrived; 404 if it was completed before, 409 if there are none."""
    _inbox().complete(token, known.upload_id, limits().archive_bytes)
    return UploadResponse(token=token)


@documented_route(
    router.post, "/uploads/<token>/abort", summary="Give an upload up", operation_id="abort_upload", tags=["uploads"]
)
def abort(token: Token, known: UploadReference) -> UploadResponse:
    """Throw away what has arrived of an upload that is not complete."""
    _inbox().give_up(token, known.upload_id)
    return UploadResponse(token=token)


@documented_route(
    router.get, "/uploads/<token>", summary="What became of an upload", operation_id="upload", tags=["uploads"]
)
def get_upload(
    token: Token, since: Annotated[datetime, Query(description="when it was completed, with its time zone")]
) -> UploadResponse:
    """The export that a complete upload has become, with its live progress."""
    if since.tzinfo is None or abs(since - datetime.now(UTC)) > LONGEST_FOLLOWED:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "`since` takes a time of this year, with its zone")
    export = the_table().exports.by_token(token, since.astimezone(UTC))
    return UploadResponse(token=token, export=ExportView(**export.model_dump()) if export else None)


@documented_route(
    router.get, "/exports/<export_id>/files", summary="Files of an export", operation_id="files", tags=["exports"]
)
def list_files(
    export_id: Id,
    limit: Annotated[int, Query(ge=1, le=1000, description="most answers on a page")] = 200,
    cursor: Annotated[int, Query(ge=0, le=10**9, description="of the page before; none for the first page")] = 0,
) -> FilePage:
    """Outcome and reasons of every file of an export, images and others alike; 409 until it is expanded."""
    export = require_found(the_table().exports.get(export_id), "export")
    if export.state is ExportState.EXPANDING:
        raise ProblemError(HTTPStatus.CONFLICT, "its files are not listed yet: ask again when it is expanded")
    files, rest = file_results(export.export_id, the_table(), presigner().results, cursor, limit)
    items = tuple(FileView(**asdict(each)) for each in files)
    return FilePage(items=items, cursor=None if rest is None else str(rest))


def _inbox() -> Inbox:
    into = the_inbox()
    if into is None:
        raise ProblemError(HTTPStatus.CONFLICT, "this deployment takes no uploads here: use `brainscan upload`")
    return into
