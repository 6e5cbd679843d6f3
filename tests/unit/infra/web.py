"""What must hold for the HTTP API of the template."""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.unit.infra.reading import Resources, Rule, of_type

OPEN = {"/", "/page.json", "/openapi.json", "/static/{name}"}
"""Paths that hold no data."""


def apis_take_tokens_of_one_issuer(resources: Resources) -> Iterator[str]:
    """Every security scheme is a JWT authorizer with an issuer and an audience."""
    for name, api in of_type(resources, "AWS::ApiGatewayV2::Api").items():
        schemes = api["Body"].get("components", {}).get("securitySchemes", {})
        for scheme in schemes.values() or [{}]:
            authorizer = scheme.get("x-amazon-apigateway-authorizer", {})
            told = authorizer.get("jwtConfiguration", {})
            sound = scheme.get("type") == "oauth2" and authorizer.get("type") == "jwt"
            if not (sound and str(told.get("issuer", "")).startswith("https://") and told.get("audience")):
                yield name


def routes_need_a_token(resources: Resources) -> Iterator[str]:
    """Every route needs a token, whose scopes the application looks at; only the page's own paths are open."""
    for name, path, method, operation in _operations(resources):
        asked = {scheme for each in operation.get("security", []) for scheme in each}
        if asked != ({"NONE"} if path in OPEN else {"Readers"}):
            yield f"{name}: {method} {path}"


def apis_are_throttled(resources: Resources) -> Iterator[str]:
    for name, stage in of_type(resources, "AWS::ApiGatewayV2::Stage").items():
        limits = stage.get("DefaultRouteSettings", {})
        if not (limits.get("ThrottlingRateLimit") and limits.get("ThrottlingBurstLimit")):
            yield name


def apis_log_no_path_and_no_query(resources: Resources) -> Iterator[str]:
    """Access logs are kept, and carry nothing that a client wrote."""
    harmless = r"requestId|requestTime|routeKey|status|responseLength|responseLatency|authorizer\.(claims\.sub|error)"
    for name, stage in of_type(resources, "AWS::ApiGatewayV2::Stage").items():
        logged = json.loads(stage.get("AccessLogSettings", {}).get("Format", "{}"))
        if not logged or not all(re.fullmatch(rf"\$context\.({harmless})", each) for each in logged.values()):
            yield name


def other_origins_are_shut_out(resources: Resources) -> Iterator[str]:
    for name, api in of_type(resources, "AWS::ApiGatewayV2::Api").items():
        if api.get("CorsConfiguration") or "x-amazon-apigateway-cors" in api["Body"]:
            yield name


def _operations(resources: Resources) -> Iterator[tuple[str, str, str, Any]]:
    for name, api in of_type(resources, "AWS::ApiGatewayV2::Api").items():
        for path, methods in api["Body"]["paths"].items():
            for method, operation in methods.items():
                yield name, path, method, operation


RULES: tuple[Rule, ...] = (
    apis_take_tokens_of_one_issuer,
    routes_need_a_token,
    apis_are_throttled,
    apis_log_no_path_and_no_query,
    other_origins_are_shut_out,
)
