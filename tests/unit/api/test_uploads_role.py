"""The role of the results API allows what uploads through it take, where a deployment takes them, and no more."""

from typing import Any
from unittest.mock import patch

from brainscan.api import parameters
from brainscan.store import Table
from brainscan_local.template import Template
from tests.chaos.roles import covers
from tests.making import present
from tests.unit.api.calls import recorded
from tests.unit.api.conftest import Ask
from tests.unit.api.sending import addressed, begun, known, sent, step
from tests.unit.infra.reading import listed, role_statements
from tests.unit.infra.rendered import PATH

ACTIONS = {
    "CreateMultipartUpload": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "ListParts": "s3:ListMultipartUploadParts",
    "upload_part": "s3:PutObject",
    "GetObject": "s3:GetObject",
    "get_object": "s3:GetObject",
}
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions"""


def grants(parameters: dict[str, str]) -> set[tuple[str, str]]:
    """What the role of the results API allows on objects, by bucket."""
    template = Template(PATH, {"JwtIssuer": "https://issuer.example"} | parameters)
    named = {"UploadsBucket.Arn": "uploads", "ResultsBucket.Arn": "results"}
    resources = template.resolve(template.resources, lambda name, attribute: f"{name}.{attribute}")
    found = set()
    for role, statement in role_statements(resources):
        if role == "ResultsApiRole":
            for resource in listed(statement["Resource"]):
                bucket, slash, key = str(resource).partition("/")
                if bucket in named and slash:
                    found |= {(action, f"{named[bucket]}/{key}") for action in listed(statement["Action"])}
    return found


def test_the_role_allows_what_uploads_take_and_nothing_besides(ask: Ask, table: Table) -> None:
    signed: set[tuple[str, str]] = set()
    links = type(present(parameters.the_inbox())._client)
    presign = links.generate_presigned_url

    def presigning(self: Any, name: str, Params: dict[str, Any], **told: Any) -> Any:  # noqa: N803 - boto3's own
        if not Params["Key"].endswith(("origin", "/" + "0" * 32)):  # signed for the host of links alone, and not sent
            signed.add((ACTIONS[name], f"{Params['Bucket']}/{Params['Key']}"))
        return presign(self, name, Params=Params, **told)

    upload, other = begun(ask), begun(ask)
    sent(upload, b"1")
    export = known(table)
    with recorded() as made, patch.object(links, "generate_presigned_url", presigning):
        begun(ask)
        addressed(ask, upload, b"1")
        step(ask, upload, "complete")
        step(ask, other, "abort")
        assert ask("GET", f"/v1/exports/{export.export_id}/files").status == 200
    of_s3 = [(operation, of) for service, operation, of in made if service == "s3"]
    calls = signed | {(ACTIONS[operation], f"{of['Bucket']}/{of['Key']}") for operation, of in of_s3}
    allowed = grants({"PageUploads": "true"})
    assert [one for one in calls if not any(covers(grant, one) for grant in allowed)] == []
    unused = {grant for grant in allowed if not any(covers(grant, one) for one in calls)}
    assert not [to for _, to in unused if to.startswith("uploads/") or to == "results/exports/*"]


def test_without_page_uploads_the_role_reaches_no_upload() -> None:
    assert not [to for _, to in grants({}) if to.startswith("uploads/")]
    plain = Template(PATH)
    bucket = plain.resolve(plain.resources, lambda name, attribute: f"{name}.{attribute}")["UploadsBucket"]
    assert "CorsConfiguration" not in bucket["Properties"]
