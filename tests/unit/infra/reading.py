"""The resolved template, read by type: what the rules of this folder look at."""

from collections.abc import Callable, Iterator
from typing import Any

Resource = dict[str, Any]
Resources = dict[str, Resource]
"""Plain CloudFormation, resolved; a reference to another resource reads "UploadQueue.Arn" or "UploadQueue.Ref"."""

Rule = Callable[[Resources], Iterator[str]]
"""Names the resources that break it."""

DAY_S = 86_400


def of_type(resources: Resources, kind: str) -> dict[str, Any]:
    return {name: each.get("Properties", {}) for name, each in resources.items() if each["Type"] == kind}


def buckets(resources: Resources) -> dict[str, Any]:
    return of_type(resources, "AWS::S3::Bucket")


def queues(resources: Resources) -> dict[str, Any]:
    return of_type(resources, "AWS::SQS::Queue")


def tables(resources: Resources) -> dict[str, Any]:
    return of_type(resources, "AWS::DynamoDB::Table")


def lambdas(resources: Resources) -> dict[str, Any]:
    return of_type(resources, "AWS::Lambda::Function")


def mappings(resources: Resources) -> dict[str, Any]:
    return of_type(resources, "AWS::Lambda::EventSourceMapping")


def fed(resources: Resources, mapping: Any) -> str:
    """The id of the function that a mapping feeds, by its name or by an alias of it."""
    name = str(mapping["FunctionName"]).removesuffix(".Ref")
    alias = of_type(resources, "AWS::Lambda::Alias").get(name)
    return str(alias["FunctionName"]).removesuffix(".Ref") if alias else name


def consumed(resources: Resources) -> Iterator[tuple[str, Any, str, Any]]:
    """(queue id, queue, function id, mapping) of each queue that feeds a function."""
    for mapping in mappings(resources).values():
        queue_id = mapping["EventSourceArn"].removesuffix(".Arn")
        if queue_id in queues(resources):
            yield queue_id, queues(resources)[queue_id], fed(resources, mapping), mapping


def followed(resources: Resources) -> Iterator[tuple[str, str, str, Any]]:
    """(mapping id, table id, function id, mapping) of each table whose stream feeds a function."""
    for name, mapping in mappings(resources).items():
        table_id = mapping["EventSourceArn"].removesuffix(".StreamArn")
        if table_id in tables(resources):
            yield name, table_id, fed(resources, mapping), mapping


def scheduled(resources: Resources) -> Iterator[tuple[str, Any]]:
    """(schedule id, target) of each schedule."""
    for name, schedule in of_type(resources, "AWS::Scheduler::Schedule").items():
        yield name, schedule["Target"]


def answering(resources: Resources) -> set[str]:
    """The functions that an HTTP API may invoke."""
    permissions = of_type(resources, "AWS::Lambda::Permission").values()
    return {
        each["FunctionName"].removesuffix(".Ref") for each in permissions if each["Principal"].startswith("apigateway.")
    }


def granted(resources: Resources, function_id: str, resource: str) -> set[str]:
    """The actions on a resource that a function's role allows it."""
    role_id = lambdas(resources)[function_id]["Role"].removesuffix(".Arn")
    allowed = [
        set(listed(statement["Action"]))
        for role, statement in role_statements(resources)
        if role == role_id and resource in listed(statement["Resource"])
    ]
    return set().union(*allowed)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(resources: Resources, kind: str) -> Iterator[tuple[str, Any, Any]]:
    """(policy id, policy's properties, statement) of every resource policy of a type."""
    for name, policy in of_type(resources, kind).items():
        for statement in policy["PolicyDocument"]["Statement"]:
            yield name, policy, statement


def role_statements(resources: Resources) -> Iterator[tuple[str, Any]]:
    """(role id, statement) of every role."""
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement


def denies_without_tls(statement: Any) -> bool:
    return bool(
        statement["Effect"] == "Deny"
        and statement["Principal"] == "*"
        and statement["Action"] in {"s3:*", "sqs:*"}
        and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
    )
