"""API Gateway's JWT authorizer, as its documentation states it, set up from template.yaml.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
"""

import re
import time
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from brainscan_local.template import Template

TEMPLATE = Path(__file__).parents[3] / "template.yaml"
ISSUER = "https://issuer.example"
AUDIENCE = "brainscan-page"


class Gateway:
    """Routes, issuer and audience of the template, and an issuer's keys."""

    def __init__(self) -> None:
        template = Template(TEMPLATE, {"JwtIssuer": ISSUER, "JwtAudience": AUDIENCE})
        resources = template.resolve(template.resources, lambda logical_id, name: f"{logical_id}.{name}")
        self._api = resources["ResultsHttpApi"]["Properties"]["Body"]
        [scheme] = self._api["components"]["securitySchemes"].values()
        self._trusted = scheme["x-amazon-apigateway-authorizer"]["jwtConfiguration"]
        self.key = RSAKey.generate_key(2048, {"kid": "1", "use": "sig", "alg": "RS256"})

    def token(self, key: RSAKey | None = None, **changes: Any) -> str:
        """A reader's token, signed by the issuer unless another key is given."""
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "reader-1",
            "name": "Dr. Reader",
            "exp": int(time.time()) + 300,
            "scope": "openid brainscan/read brainscan/review brainscan/upload",
        }
        wanted = {name: value for name, value in (claims | changes).items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": "1"}, wanted, key or self.key)

    def admit(self, method: str, path: str, authorization: str | None) -> tuple[int, dict[str, Any]]:
        """(200, claims) of whoever may pass, or the status that the gateway refuses with."""
        operation = self._operation(method, path)
        if operation is None:
            return 404, {}
        if {scheme for each in operation["security"] for scheme in each} == {"NONE"}:
            return 200, {}
        claims = self._verified(authorization)
        return (401, {}) if claims is None else (200, claims)

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        for template, methods in self._api["paths"].items():
            pattern = re.sub(r"\{(\w+)(\+?)\}", lambda found: ".+" if found[2] else "[^/]+", template)
            if method.lower() in methods and re.fullmatch(pattern, path):
                operation: dict[str, Any] = methods[method.lower()]
                return operation
        return None

    def _verified(self, authorization: str | None) -> dict[str, Any] | None:
        kind, _, token = (authorization or "").partition(" ")
        if kind.lower() != "bearer":
            return None
        try:
            decoded = jwt.decode(token, KeySet([self.key]), algorithms=["RS256"])
            rules = jwt.JWTClaimsRegistry(
                iss={"essential": True, "value": self._trusted["issuer"]},
                aud={"essential": True, "values": self._trusted["audience"]},
                exp={"essential": True},
            )
            rules.validate(decoded.claims)
        except (JoseError, ValueError):
            return None
        return dict(decoded.claims)
