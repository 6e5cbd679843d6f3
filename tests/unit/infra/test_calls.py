"""No role allows what nothing in the code of its function could ask for, by the names of the calls in it."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.session import Session

from infra.bundle import imported
from tests.chaos.roles import ACTIONS, IN_PARTS, IN_TRANSACTION
from tests.unit.infra.reading import listed, role_statements
from tests.unit.infra.rendered import resources, template

SERVICES = ("s3", "sqs", "dynamodb", "events", "secretsmanager", "stepfunctions")
OF_CALLS = {
    **{method: action for methods in ACTIONS.values() for method, action in methods.items()},
    **IN_PARTS,
    "head_object": "s3:GetObject",
    "copy_object": "s3:PutObject",
    "list_objects_v2": "s3:ListBucket",
    "list_object_versions": "s3:ListBucketVersions",
    "list_multipart_uploads": "s3:ListBucketMultipartUploads",
}
"""Actions whose names are not those of their calls."""

OF_LAMBDA = {
    *("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    *("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"),
    *("logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords"),
}
"""What Lambda does under a function's role: https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html"""


@cache
def operations() -> dict[str, set[str]]:
    """Actions by the name that boto3 gives their calls."""
    found: dict[str, set[str]] = {}
    session = Session()
    for service in SERVICES:
        model = session.get_service_model(service)
        prefix = {"stepfunctions": "states"}.get(service, service)
        for operation in model.operation_names:
            name = xform_name(operation)
            found.setdefault(name, set()).add(OF_CALLS.get(name) or f"{prefix}:{operation}")
    return found


def reachable(handler: Path) -> Iterator[str]:
    """Actions that the modules a handler imports have a call for; of a presigned link, the call of who follows it."""
    for path in {handler, *imported([handler])}:
        for node in ast.walk(ast.parse(path.read_text())):
            named = (
                node.attr if isinstance(node, ast.Attribute) else node.value if isinstance(node, ast.Constant) else ""
            )
            if isinstance(named, str):
                yield from operations().get(named, ())
                yield from filter(None, [IN_TRANSACTION.get(named)])
    yield "s3:GetObjectVersion"  # GetObject, of a version


FUNCTIONS = {each.logical_id: each for each in template().functions()}


@pytest.mark.parametrize("logical_id", FUNCTIONS)
def test_a_role_allows_nothing_that_its_functions_code_has_no_call_for(logical_id: str) -> None:
    spec = FUNCTIONS[logical_id]
    module, _, _ = spec.handler.rpartition(".")
    called = set(reachable(spec.folder / f"{module}.py"))
    role = resources()[logical_id]["Properties"]["Role"].removesuffix(".Arn")
    allowed = {
        action
        for name, statement in role_statements(resources())
        if name.removesuffix(".Arn") == role
        for action in listed(statement["Action"])
    }
    assert allowed
    assert allowed - called - OF_LAMBDA == set()
