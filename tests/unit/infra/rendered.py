"""template.yaml and what it nests, with everything that there can be, in plain CloudFormation."""

from copy import deepcopy
from functools import cache
from pathlib import Path

from brainscan_local.template import Template
from tests.unit.infra import reading, roles

PATH = Path(__file__).parents[3] / "template.yaml"
MONITORING = Path(__file__).parents[3] / "infra/monitoring.yaml"


EVERYTHING = {
    "StowUrl": "https://pacs.example/dicom-web",
    "JwtIssuer": "https://issuer.example",
    "PageUploads": "true",
    "PermissionsBoundary": roles.BOUNDARY,
}


@cache
def template() -> Template:
    """Everything that there can be: a PACS to deliver to, an issuer of tokens, a boundary of roles."""
    return Template(PATH, EVERYTHING)


def symbol(logical_id: str, attribute: str) -> str:
    return f"{logical_id}.{attribute}"


@cache
def _resources() -> reading.Resources:
    found = template().resolve(template().resources, symbol)
    for stack in reading.of_type(found, "AWS::CloudFormation::Stack").values():
        nested = Template(PATH.parent / stack["TemplateURL"], stack["Parameters"])
        found |= nested.resolve(nested.resources, symbol)
    return found


def resources() -> reading.Resources:
    """The template and what it nests, in plain CloudFormation; each call gives a copy to break."""
    return deepcopy(_resources())
