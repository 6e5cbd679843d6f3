"""What must hold for every role of the template."""

from collections.abc import Iterator

from tests.unit.infra.reading import (
    Resources,
    Rule,
    buckets,
    consumed,
    granted,
    lambdas,
    listed,
    of_type,
    role_statements,
    scheduled,
)

NO_RESOURCE_KNOWN = {
    f"xray:{each}" for each in ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets")
}
"""Actions that AWS defines no resource for
(https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html)."""

BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
"""What the template is told to bound its roles by."""


def roles_are_bounded_where_a_boundary_is_told(resources: Resources) -> Iterator[str]:
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        if role.get("PermissionsBoundary") != BOUNDARY:
            yield name


def roles_are_assumed_by_who_works_under_them_alone(resources: Resources) -> Iterator[str]:
    groups = of_type(resources, "AWS::CodeDeploy::DeploymentGroup").values()
    services = {each["ServiceRoleArn"]: "codedeploy" for each in groups}
    services |= {target["RoleArn"]: "scheduler" for _, target in scheduled(resources)}
    machines = of_type(resources, "AWS::StepFunctions::StateMachine").values()
    services |= {each["RoleArn"]: "states" for each in machines}
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        trusted = [statement["Principal"] for statement in role["AssumeRolePolicyDocument"]["Statement"]]
        if trusted != [{"Service": f"{services.get(f'{name}.Arn', 'lambda')}.amazonaws.com"}]:
            yield name


def roles_hold_no_wildcard(resources: Resources) -> Iterator[str]:
    """No action of a role has a wildcard, and no resource is any resource; managed policies hold both."""
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        if role.get("ManagedPolicyArns"):
            yield f"{name}: managed policies"
    for name, statement in role_statements(resources):
        actions = set(listed(statement.get("Action", "*")))
        if any("*" in action for action in actions):
            yield f"{name}: {sorted(actions)}"
        if any(each.startswith("*") for each in listed(statement["Resource"])) and not actions <= NO_RESOURCE_KNOWN:
            yield f"{name}: {sorted(actions)} on any resource"


def readers_can_tell_missing_from_forbidden(resources: Resources) -> Iterator[str]:
    """S3 answers 403 for an object that does not exist to who may not list its bucket."""
    for function_id in lambdas(resources):
        for name in buckets(resources):
            read = [each for each in _granted_below(resources, function_id, f"{name}.Arn/") if each == "s3:GetObject"]
            if read and "s3:ListBucket" not in granted(resources, function_id, f"{name}.Arn"):
                yield f"{function_id}: {name}"


def _granted_below(resources: Resources, function_id: str, prefix: str) -> set[str]:
    """The actions on any resource whose name begins with `prefix` that a function's role allows it."""
    role = lambdas(resources)[function_id]["Role"].removesuffix(".Arn")
    return {
        action
        for name, statement in role_statements(resources)
        if name == role and any(each.startswith(prefix) for each in listed(statement["Resource"]))
        for action in listed(statement["Action"])
    }


def schedules_may_invoke_what_they_start(resources: Resources) -> Iterator[str]:
    """Through a role that other accounts' schedules cannot take, and that may do nothing else."""
    roles = of_type(resources, "AWS::IAM::Role")
    for name, target in scheduled(resources):
        role = target["RoleArn"].removesuffix(".Arn")
        allowed = [(each["Action"], each["Resource"]) for of, each in role_statements(resources) if of == role]
        trust = roles[role]["AssumeRolePolicyDocument"]["Statement"][0]
        if allowed != [("lambda:InvokeFunction", target["Arn"])] or "StringEquals" not in trust.get("Condition", {}):
            yield name


def consumers_may_take_their_messages(resources: Resources) -> Iterator[str]:
    needed = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
    for name, _, function_id, _ in consumed(resources):
        if needed - granted(resources, function_id, f"{name}.Arn"):
            yield name


RULES: tuple[Rule, ...] = (
    roles_are_bounded_where_a_boundary_is_told,
    roles_are_assumed_by_who_works_under_them_alone,
    roles_hold_no_wildcard,
    readers_can_tell_missing_from_forbidden,
    schedules_may_invoke_what_they_start,
    consumers_may_take_their_messages,
)
