"""The route of masks that readers draw, under /v1: a PNG comes in, and a verdict with it."""

import base64
from http import HTTPStatus
from typing import Annotated, Any, Final

from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from brainscan.api.access import current_caller
from brainscan.api.models import ScanView
from brainscan.api.parameters import Id, documented_route, presigner, require_found, rules, the_table, view_of
from brainscan.api.problems import ProblemError
from brainscan.domain import TumorClass
from brainscan.imaging.reader_mask import MOST_BYTES
from brainscan.pipeline.reader_masks import DrawnMask, save_reader_mask

PNG: Final = "image/png"
BODY: Final = {"required": True, "content": {PNG: {"schema": {"type": "string", "format": "binary"}}}}
"""How the OpenAPI document describes a mask: the framework knows no body but JSON and forms."""

router = APIGatewayHttpRouter()


@documented_route(
    router.put,
    "/scans/<scan_id>/mask",
    summary="Draw a scan's mask",
    operation_id="draw_mask",
    tags=["reviews"],
)
def put_mask(
    scan_id: Id,
    revision: Annotated[int, Query(ge=0, le=999_998, description="`revision` of what the reader looked at")],
    tumor_class: Annotated[TumorClass, Query(alias="class", description="the class in the reader's eyes")],
    seconds: Annotated[float | None, Query(ge=0, le=86_400, description="how long the reader looked at it")] = None,
) -> ScanView:
    """Keep a reader's mask beside the network's, and record the class with it: confirmed if it is the network's.

    The body is one gray PNG of 1 or 8 bits, 0 or 255, of the scan's rows and columns, at most 1 MiB; empty with
    `no_tumor` and only then. 409 if the scan has changed since the reader saw `revision` of it; 422 says what is wrong.
    """
    drawn = DrawnMask(_body(router.current_event.raw_event), tumor_class, current_caller().name, seconds)
    after = save_reader_mask(drawn, scan_id, revision, presigner().results, the_table(), rules())
    return view_of(require_found(after, "scan"))


def _body(event: dict[str, Any]) -> bytes:
    """The bytes that were sent; API Gateway encodes what is no text.

    Raises:
        ProblemError: 413, they are too many; 415, they are no PNG by their own account.
    """
    kind = event.get("headers", {}).get("content-type", "").partition(";")[0].strip().lower()
    if kind != PNG:
        raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send {PNG}")
    body = event.get("body") or ""
    data = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode("latin-1", "replace")
    if len(data) > MOST_BYTES:
        raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a mask has at most {MOST_BYTES} bytes as PNG")
    return data
