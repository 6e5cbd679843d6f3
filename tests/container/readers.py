"""Readers of a stack: a user pool of the emulator's Cognito, and what the API answers to their tokens."""

import base64
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

from brainscan.api.access import READ, REVIEW
from brainscan_local.template import Template
from tests.container.engine import ROOT

POOL = "readers"


class Readers:
    """An issuer, a client of it that may ask for the scope to read alone, and what the API answers to its tokens."""

    def __init__(self, client: Callable[[str], Any], endpoint: str, region: str) -> None:
        self._client = client
        self._endpoint = endpoint
        self._api = ""
        cognito = client("cognito-idp")
        pool = cognito.create_user_pool(PoolName=POOL)["UserPool"]["Id"]
        server, scopes = READ.split("/")[0], [scope.split("/")[1] for scope in (READ, REVIEW)]
        told = [{"ScopeName": each, "ScopeDescription": each} for each in scopes]
        cognito.create_resource_server(UserPoolId=pool, Identifier=server, Name=server, Scopes=told)
        made = cognito.create_user_pool_client(
            UserPoolId=pool,
            ClientName="reader",
            GenerateSecret=True,
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthScopes=[READ],
            AllowedOAuthFlowsUserPoolClient=True,
        )["UserPoolClient"]
        self._user = f"{made['ClientId']}:{made['ClientSecret']}"
        self.parameters = {
            "JwtIssuer": f"https://cognito-idp.{region}.amazonaws.com/{pool}",
            "JwtAudience": made["ClientId"],
        }

    def route(self, resources: Mapping[str, str]) -> None:
        """Make the API's routes of its OpenAPI document, as API Gateway does: the emulator makes an API without any."""
        self._api = resources["ResultsHttpApi"]
        gateway = self._client("apigatewayv2")
        template = Template(ROOT / "template.yaml", self.parameters)
        [api] = template.of_type("AWS::ApiGatewayV2::Api").values()
        document = template.resolve(api["Body"], lambda logical_id, _: resources[logical_id])
        [(name, scheme)] = document["components"]["securitySchemes"].items()
        told = scheme["x-amazon-apigateway-authorizer"]
        trusted = told["jwtConfiguration"]
        authorizer = gateway.create_authorizer(
            ApiId=self._api,
            Name=name,
            AuthorizerType=told["type"].upper(),
            IdentitySource=[told["identitySource"]],
            JwtConfiguration={"Issuer": trusted["issuer"], "Audience": trusted["audience"]},
        )["AuthorizerId"]
        function = self._client("lambda").get_function(FunctionName=resources["ResultsApi"])["Configuration"]
        integration = gateway.create_integration(
            ApiId=self._api,
            IntegrationType="AWS_PROXY",
            IntegrationUri=function["FunctionArn"],
            PayloadFormatVersion="2.0",
        )["IntegrationId"]
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                guarded = any(name in each for each in operation.get("security", []))
                gateway.create_route(
                    ApiId=self._api,
                    RouteKey=f"{method.upper()} {path}",
                    Target=f"integrations/{integration}",
                    **({"AuthorizationType": "JWT", "AuthorizerId": authorizer} if guarded else {}),
                )

    def token(self) -> str:
        """A token with the scope to read."""
        form = urllib.parse.urlencode({"grant_type": "client_credentials", "scope": READ}).encode()
        headers = {
            "Authorization": f"Basic {base64.b64encode(self._user.encode()).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        request = urllib.request.Request(f"{self._endpoint}/oauth2/token", form, headers)  # noqa: S310 - our own bridge
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own bridge
            return str(json.load(answer)["access_token"])

    def ask(self, path: str, token: str | None = None, body: bytes | None = None) -> tuple[int, bytes]:
        """Status and body of what the API answers."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        address = f"{self._endpoint}/_aws/execute-api/{self._api}/$default{path}"
        request = urllib.request.Request(address, body, headers)  # noqa: S310 - our own bridge
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310 - our own bridge
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()
