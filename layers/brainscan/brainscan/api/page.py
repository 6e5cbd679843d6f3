"""The worklist page: static files that are part of the package, and the headers that keep them safe."""

import json
import mimetypes
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Final

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from brainscan.api.access import READ, REVIEW, UPLOAD
from brainscan.api.issuer import Issuer, discover
from brainscan.api.models import PageSettings
from brainscan.api.problems import ProblemError
from brainscan.domain import CLASSES, TUMORS, TumorClass
from brainscan.settings import settings

STATIC: Final = Path(__file__).parent / "static"
mimetypes.add_type("application/wasm", ".wasm")
mimetypes.add_type("text/javascript", ".js")

router = APIGatewayHttpRouter()


def headers(objects_origin: str, inbox_origin: str) -> dict[str, str]:
    """Headers of every answer: nothing is cached, framed, sniffed, or loaded from or sent to elsewhere than links lead.

    Args:
        objects_origin: Scheme and host of the results bucket.
        inbox_origin: Scheme and host of the uploads bucket; empty where the page sends nothing.
    """
    issuer = _issuer()
    reached = dict.fromkeys(filter(None, (objects_origin, inbox_origin, issuer.token_origin if issuer else "")))
    policy = {
        "default-src": "'self'",
        "img-src": f"'self' data: blob: {objects_origin}",
        "connect-src": " ".join(["'self'", "blob:", *reached]),
        "script-src": "'self' 'wasm-unsafe-eval'",
        "style-src": "'self'",
        "worker-src": "'self' blob:",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "object-src": "'none'",
    }
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Referrer-Policy": "no-referrer",
        "Strict-Transport-Security": "max-age=63072000",
        "X-Content-Type-Options": "nosniff",
    }


@router.get("/", include_in_schema=False, compress=True, enable_validation=False)
def index() -> Response[bytes]:
    """The page; its address carries filters, its data comes from /v1."""
    return _file("index.html")


@router.get("/page.json", include_in_schema=False)
def page_settings() -> Response[str]:
    """How the page signs in."""
    issuer = _issuer()
    shown = PageSettings(
        client_id=settings().oidc_client_id,
        authorization_endpoint=issuer.authorization_endpoint if issuer else "",
        token_endpoint=issuer.token_endpoint if issuer else "",
        end_session_endpoint=(issuer.end_session_endpoint if issuer else None) or "",
        scopes=(READ, REVIEW, UPLOAD) if settings().uploads_bucket else (READ, REVIEW),
        readers=settings().readers,
        uploads=bool(settings().uploads_bucket),
    )
    return Response(200, "application/json", json.dumps(shown.model_dump(mode="json")))


@router.get("/static/<name>", include_in_schema=False, compress=True, enable_validation=False)
def static(name: str) -> Response[bytes]:
    """One of the page's files."""
    return _file(name)


def classes_js() -> str:
    """What the page knows of the classes that networks tell apart."""
    labels = {each.value: each.label for each in CLASSES}
    constants = {"CLASSES": list(CLASSES), "TUMORS": list(TUMORS), "NO_TUMOR": TumorClass.NO_TUMOR, "LABELS": labels}
    return "".join(f"export const {name} = {json.dumps(value)};\n" for name, value in constants.items())


def classes_css() -> str:
    """The colours of classes, for whatever element is of one."""
    return "".join(f".{each.value} {{ --tone: {each.color}; }}\n" for each in CLASSES)


GENERATED: Final = {"classes.js": classes_js, "classes.css": classes_css}
"""Files of the page that are written from the terminology."""


def _issuer() -> Issuer | None:
    """Who signs readers in, if anybody does and can be reached."""
    configured = settings()
    return discover(configured.oidc_issuer) if configured.oidc_client_id else None


def _file(name: str) -> Response[bytes]:
    content = GENERATED[name]().encode() if name in GENERATED else _content(name)
    content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Response(200, content_type, content, headers={"Cache-Control": "no-cache"})


def _content(name: str) -> bytes:
    path = _files().get(name)
    if path is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, "there is nothing at this path")
    return path.read_bytes()


@cache
def _files() -> dict[str, Path]:
    """The files by name: a request can only name what is there, never a path."""
    return {path.name: path for path in STATIC.rglob("*") if path.is_file()}
