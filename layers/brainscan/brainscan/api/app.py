"""The application: routes under /v1 over the table, the OpenAPI document, and the worklist page."""

import base64
import json
import re
from functools import cache
from http import HTTPStatus
from typing import Any, Final

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer

from brainscan.api import (
    access,
    agreement_routes,
    drift_routes,
    mask_routes,
    page,
    problems,
    routes,
    summary_routes,
    upload_routes,
)
from brainscan.api.models import Problem
from brainscan.api.parameters import inbox_origin, objects_origin
from brainscan.api.problems import ProblemError, problem
from brainscan.domain import RESEARCH_USE_STATEMENT, BrainscanError

PROTECTED: Final = "/v1/"
"""What needs a token; the page itself and this description hold no data."""

JSON: Final = "application/json"
TITLE: Final = "brainscan results"
VERSION: Final = "1"
DESCRIPTION: Final = (
    f"Tumor classes, masks and reviews of brain MRI. {RESEARCH_USE_STATEMENT} "
    "Identifiers are pseudonyms; times are UTC; errors are problem documents (RFC 9457). "
    "Query parameters that an operation does not list are refused."
)


def handle_request(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP request, in API Gateway's payload format 2.0."""
    application = app()
    request = event["requestContext"]
    try:
        if event.get("rawPath", "").startswith(PROTECTED):
            claims = request.get("authorizer", {}).get("jwt", {}).get("claims", {})
            who = access.authorize(claims, request["http"]["method"], event["rawPath"])
            _require_json(event)
            with access.as_caller(who):
                answered: dict[str, Any] = application.resolve(event, context)
        else:
            answered = application.resolve(event, context)
    except ProblemError as refused:
        answered = _plain(problems.problem_of_error(refused))
    answered["headers"] = page.headers(objects_origin(), inbox_origin()) | answered.get("headers", {})
    return answered


def _require_json(event: dict[str, Any]) -> None:
    """Refuse bodies that would break the framework as it reads them.

    Raises:
        ProblemError: 415, the body is not JSON by its own account; 400, it is not text.
    """
    http = event["requestContext"]["http"]
    if http["method"] != "POST" or "post" not in _operations(event.get("rawPath", "")):
        return
    kind = event.get("headers", {}).get("content-type", JSON).partition(";")[0].strip().lower()
    if kind != JSON:
        raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send {JSON}")
    if event.get("isBase64Encoded"):
        try:
            base64.b64decode(event.get("body", "")).decode()
        except ValueError:
            raise ProblemError(HTTPStatus.BAD_REQUEST, "the body is not UTF-8") from None


@cache
def app() -> APIGatewayHttpResolver:
    """The routes, with every error as a problem document."""
    application = APIGatewayHttpResolver(enable_validation=True)
    application.include_router(summary_routes.router, prefix="/v1")
    application.include_router(agreement_routes.router, prefix="/v1")
    application.include_router(drift_routes.router, prefix="/v1")
    application.include_router(routes.router, prefix="/v1")
    application.include_router(upload_routes.router, prefix="/v1")
    application.include_router(mask_routes.router, prefix="/v1")
    application.include_router(page.router)
    application.exception_handler(RequestValidationError)(problems.problem_of_validation)
    application.exception_handler(BrainscanError)(problems.problem_of_error)
    application.exception_handler(Exception)(problems.problem_of_unexpected)
    application.not_found(lambda error: _unrouted(application, error))
    application.get("/openapi.json", include_in_schema=False)(_described)
    return application


@cache
def openapi() -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    schema = app().get_openapi_schema(
        title=TITLE,
        version=VERSION,
        description=DESCRIPTION,
        security_schemes={"token": HTTPBearer(bearerFormat="JWT")},
        security=[{"token": []}],
    )
    document: dict[str, Any] = json.loads(schema.model_dump_json(by_alias=True, exclude_none=True))
    document["paths"]["/v1/scans/{scan_id}/mask"]["put"]["requestBody"] = mask_routes.BODY
    _describe_problems(document)
    return document


def _describe_problems(document: dict[str, Any]) -> None:
    """Every operation may answer with a problem document, in place of the framework's own errors."""
    schemas = document["components"]["schemas"]
    described = Problem.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
    schemas |= described.pop("$defs") | {"Problem": described}
    for unused in ("HTTPValidationError", "ResponseValidationError", "ValidationError"):
        schemas.pop(unused, None)
    content = {problems.CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation["responses"] = {
                code: response for code, response in operation["responses"].items() if code != "422"
            }
            for status in _statuses(path, operation.get("requestBody")):
                operation["responses"][str(status.value)] = {"description": status.phrase, "content": content}


def _statuses(path: str, body: dict[str, Any] | None) -> list[HTTPStatus]:
    found = [HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY]
    if "{" in path or path == "/v1/drift":  # of a site that is none
        found.append(HTTPStatus.NOT_FOUND)
    if body:
        found.append(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    if body or path.endswith("/files"):
        found.append(HTTPStatus.CONFLICT)
    if body and JSON not in body["content"]:
        found.append(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return found


def _described() -> Response[str]:
    return Response(200, "application/json", json.dumps(openapi()))


def _unrouted(application: APIGatewayHttpResolver, _error: NotFoundError) -> Response[str]:
    operations = _operations(application.current_event.path)
    if operations and application.current_event.http_method.lower() not in operations:
        allowed = ", ".join(sorted(method.upper() for method in operations))
        return problem(HTTPStatus.METHOD_NOT_ALLOWED, f"this path takes {allowed}", headers={"Allow": allowed})
    return problem(HTTPStatus.NOT_FOUND, "there is nothing at this path")


def _operations(path: str) -> dict[str, Any]:
    """What the description has at a path, by method; nothing where it has no such path."""
    templates = openapi()["paths"].items()
    there = [each for template, each in templates if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)]
    return {method: operation for each in there for method, operation in each.items()}


def _plain(response: Response[str]) -> dict[str, Any]:
    headers = {"Content-Type": response.content_type or ""}
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return {"statusCode": response.status_code, "headers": headers, "body": response.body, "isBase64Encoded": False}
