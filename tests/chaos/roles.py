"""What functions ask of AWS in a simulated run, and what their roles allow: both as (action, resource)."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatchcase
from typing import Any, Final
from unittest.mock import patch

from brainscan_local.template import Template
from tests.chaos.buckets import Buckets
from tests.chaos.bus import Events
from tests.chaos.calls import Client
from tests.chaos.queues import Queues
from tests.chaos.table import Table
from tests.unit.infra.reading import listed, of_type, role_statements

Grant = tuple[str, str]
"""An IAM action, and the resource it is for."""

ACTIONS: Final[Mapping[type[Client], Mapping[str, str]]] = {
    Buckets: {
        "put_object": "s3:PutObject",
        "get_object": "s3:GetObject",
        "head_object": "s3:GetObject",
        "delete_object": "s3:DeleteObject",
        "delete_objects": "s3:DeleteObject",
        "list_objects_v2": "s3:ListBucket",
    },
    Queues: {
        "send_message": "sqs:SendMessage",
        "send_message_batch": "sqs:SendMessage",
        "change_message_visibility": "sqs:ChangeMessageVisibility",
        "change_message_visibility_batch": "sqs:ChangeMessageVisibility",
        "delete_message": "sqs:DeleteMessage",
    },
    Table: {
        "get_item": "dynamodb:GetItem",
        "put_item": "dynamodb:PutItem",
        "update_item": "dynamodb:UpdateItem",
        "delete_item": "dynamodb:DeleteItem",
        "query": "dynamodb:Query",
        "scan": "dynamodb:Scan",
        "batch_get_item": "dynamodb:BatchGetItem",
        "batch_write_item": "dynamodb:BatchWriteItem",
        "transact_write_items": "",  # each of its actions needs one of its own
    },
    Events: {"put_events": "events:PutEvents"},
}
"""https://docs.aws.amazon.com/service-authorization/latest/reference/: HeadObject is GetObject's, the batches of SQS
are those of one message, and DeleteObjects is DeleteObject's."""

IN_PARTS: Final = {
    "create_multipart_upload": "s3:PutObject",
    "upload_part": "s3:PutObject",
    "complete_multipart_upload": "s3:PutObject",
    "abort_multipart_upload": "s3:AbortMultipartUpload",
    "list_parts": "s3:ListMultipartUploadParts",
}
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions"""

IN_TRANSACTION: Final = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
}
"""https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html"""


def asked(client: type[Client], method: str, told: Mapping[str, Any]) -> Iterator[Grant]:
    """The actions that a call of a client needs."""
    action = IN_PARTS.get(method) or ACTIONS[client][method]
    if client is Buckets:
        named = [each["Key"] for each in told["Delete"]["Objects"]] if "Delete" in told else [told.get("Key")]
        if action == "s3:GetObject" and told.get("VersionId"):
            action = "s3:GetObjectVersion"
        yield from ((action, f"{told['Bucket']}/{key}" if key else told["Bucket"]) for key in named)
    elif client is Queues:
        yield action, told["QueueUrl"]
    elif client is Events:
        yield action, "event-bus/default"
    elif method == "transact_write_items":
        yield from ((IN_TRANSACTION[kind], "scans") for item in told["TransactItems"] for kind in item)
    else:
        yield action, f"scans/index/{told['IndexName']}" if "IndexName" in told else "scans"


@contextmanager
def recorded(calls: dict[str, set[Grant]]) -> Iterator[None]:
    """Keep what every function asks of the fake clients while the context is open, by the function's id."""
    with ExitStack() as patches:
        for client, methods in ACTIONS.items():
            for method in methods:
                patches.enter_context(patch.object(client, method, _recording(client, method, calls)))
        yield


def _recording(client: type[Client], method: str, calls: dict[str, set[Grant]]) -> Callable[..., Any]:
    original = getattr(client, method)

    def call(self: Client, **told: Any) -> Any:
        task = self.simulation.current
        if task is not None and task.process is not None:
            name = task.process.name.partition("-")[0]
            calls.setdefault(name, set()).update(asked(client, method, told))
        return original(self, **told)

    return call


def allowed(template: Template, attribute: Callable[[str, str], str]) -> dict[str, set[Grant]]:
    """What each function's role allows, by the function's id."""
    resources = template.resolve(template.resources, attribute)
    roles = {name: function["Role"] for name, function in of_type(resources, "AWS::Lambda::Function").items()}
    grants: dict[str, set[Grant]] = {}
    for role, statement in role_statements(resources):
        for name in (name for name, its in roles.items() if its == role):
            pairs = {(a, r) for a in listed(statement["Action"]) for r in listed(statement["Resource"])}
            grants.setdefault(name, set()).update(pairs)
    return grants


def covers(grant: Grant, call: Grant) -> bool:
    """Whether a role's grant allows a call."""
    return grant[0] == call[0] and fnmatchcase(call[1], grant[1].rpartition(":")[2])
