"""Resources of the resolved template -> AWS calls that make them, each when it is first asked for."""

import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final

from brainscan_local.template import ACCOUNT, REGION, STACK, Template, TemplateError

Client = Callable[[str], Any]
"""Service name -> low-level client."""

Attributes = dict[str, str]
"""What a made resource answers to `!Ref` ("Ref") and `!GetAtt`."""


class Resources:
    """The template's queues, buckets, tables, secrets and event rules, made on demand: a reference makes its target.

    Roles, policies, log groups and layers have no meaning here: nothing checks permissions, all is plain HTTP on
    127.0.0.1 (which TLS-only policies would rightly refuse), and code is imported from the checkout.
    """

    def __init__(self, template: Template, client: Client) -> None:
        self._template = template
        self._client = client
        self._made: dict[str, Attributes] = {}

    def make_all(self) -> None:
        """Make everything that the laptop stack has.

        Raises:
            TemplateError: a property that would be lost here.
        """
        for kind in MAKERS:
            for logical_id in self._template.of_type(kind):
                self.attribute(logical_id, "Ref")

    def attribute(self, logical_id: str, name: str) -> str:
        """A resource's attribute; "Ref" is what `!Ref` gives.

        Raises:
            TemplateError: the resource or attribute does not exist locally.
        """
        if logical_id not in self._made:
            self._made[logical_id] = self._make(logical_id)
        if name not in self._made[logical_id]:
            raise TemplateError(f"{logical_id}.{name} does not exist locally")
        return self._made[logical_id][name]

    def _make(self, logical_id: str) -> Attributes:
        resource = self._template.resources.get(logical_id, {"Type": "nothing of the kind"})
        if resource["Type"] in NAMED:
            service, path = NAMED[resource["Type"]]
            return {"Ref": f"{STACK}-{logical_id}", "Arn": f"arn:aws:{service}:{ACCOUNT}:{path}{STACK}-{logical_id}"}
        if resource["Type"] not in MAKERS:
            raise TemplateError(f"{logical_id} is {resource['Type']}, which the laptop stack does not make")
        properties = _Properties(logical_id, self._template.resolve(resource.get("Properties", {}), self.attribute))
        if resource["Type"] == MACHINE:
            properties.set("Definition", self._template.definition(logical_id))
        made = MAKERS[resource["Type"]](self._client, f"{STACK}-{logical_id}", properties)
        properties.finish()
        return made


class _Properties:
    """A resource's properties, crossed off as they are used, so that none is lost unseen."""

    def __init__(self, logical_id: str, properties: Mapping[str, Any]) -> None:
        self._logical_id = logical_id
        self._left = dict(properties)

    def pop(self, name: str, default: Any = None) -> Any:
        return self._left.pop(name, default)

    def set(self, name: str, value: Any) -> None:
        self._left[name] = value

    def pop_all(self, *names: str) -> dict[str, Any]:
        return {name: self._left.pop(name) for name in names if name in self._left}

    def finish(self) -> None:
        if self._left:
            raise TemplateError(f"the laptop stack does not know {', '.join(self._left)} of {self._logical_id}")


def _queue(client: Client, name: str, properties: _Properties) -> Attributes:
    wanted = properties.pop_all(
        "SqsManagedSseEnabled", "VisibilityTimeout", "MessageRetentionPeriod", "DelaySeconds", "RedrivePolicy"
    )
    attributes = {key: value if isinstance(value, str) else json.dumps(value) for key, value in wanted.items()}
    url = client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return {"Ref": url, "Arn": arn, "QueueName": name}


def _table(client: Client, name: str, properties: _Properties) -> Attributes:
    dynamodb = client("dynamodb")
    arguments = properties.pop_all("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
    arguments |= properties.pop_all("DeletionProtectionEnabled")
    if stream := properties.pop("StreamSpecification"):
        arguments["StreamSpecification"] = {"StreamEnabled": True, **stream}
    if encryption := properties.pop("SSESpecification"):
        arguments["SSESpecification"] = {"Enabled": encryption["SSEEnabled"]}
    made = dynamodb.create_table(TableName=name, **arguments)["TableDescription"]
    if recovery := properties.pop("PointInTimeRecoverySpecification"):
        dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)
    if lifetime := properties.pop("TimeToLiveSpecification"):
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=lifetime)
    return {"Ref": name, "Arn": made["TableArn"], "StreamArn": made.get("LatestStreamArn", "")}


def _bucket(client: Client, name: str, properties: _Properties) -> Attributes:
    s3 = client("s3")
    bucket = properties.pop("BucketName", name.lower())
    s3.create_bucket(Bucket=bucket)
    if access := properties.pop("PublicAccessBlockConfiguration"):
        s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=access)
    if ownership := properties.pop("OwnershipControls"):
        s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=ownership)
    if encryption := properties.pop("BucketEncryption"):
        s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=_encryption(encryption))
    if versioning := properties.pop("VersioningConfiguration"):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=versioning)
    if lifecycle := properties.pop("LifecycleConfiguration"):
        rules = {"Rules": list(map(_lifecycle_rule, lifecycle["Rules"]))}
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=rules)
    properties.pop("CorsConfiguration")  # moto answers every origin of this machine, whatever the bucket says
    if notification := properties.pop("NotificationConfiguration"):
        queues = {"QueueConfigurations": list(map(_queue_notification, notification["QueueConfigurations"]))}
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=queues)
    return {"Ref": bucket, "Arn": f"arn:aws:s3:::{bucket}"}


def _encryption(described: Mapping[str, Any]) -> dict[str, Any]:
    rules = described["ServerSideEncryptionConfiguration"]
    return {"Rules": [{"ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]} for rule in rules]}


def _lifecycle_rule(described: Mapping[str, Any]) -> dict[str, Any]:
    """CloudFormation's flat rule in the API's nested words."""
    rule = dict(described)
    names = {"ExpirationInDays": "Days", "ExpiredObjectDeleteMarker": "ExpiredObjectDeleteMarker"}
    expiration = {theirs: rule.pop(ours) for ours, theirs in names.items() if ours in rule}
    nested = {"ID": rule.pop("Id"), "Filter": {"Prefix": rule.pop("Prefix", "")}}
    return nested | rule | ({"Expiration": expiration} if expiration else {})


def _queue_notification(described: Mapping[str, Any]) -> dict[str, Any]:
    return {"QueueArn": described["Queue"], "Events": [described["Event"]]}


def _secret(client: Client, name: str, properties: _Properties) -> Attributes:
    """A secret with a random value, alone or as a field of JSON; what characters it may have is for others' sake."""
    generate = properties.pop("GenerateSecretString", {})
    description = properties.pop("Description", "")
    value = secrets.token_hex(generate.get("PasswordLength", 32) // 2)
    if key := generate.get("GenerateStringKey"):
        value = json.dumps({**json.loads(generate["SecretStringTemplate"]), key: value})
    made = client("secretsmanager").create_secret(Name=name, Description=description, SecretString=value)
    return {"Ref": made["ARN"]}


def _rule(client: Client, name: str, properties: _Properties) -> Attributes:
    """A rule of the default event bus."""
    events = client("events")
    pattern, description = json.dumps(properties.pop("EventPattern")), properties.pop("Description", "")
    arn = events.put_rule(Name=name, EventPattern=pattern, Description=description)["RuleArn"]
    events.put_targets(Rule=name, Targets=properties.pop("Targets"))
    return {"Ref": name, "Arn": arn}


def _machine(client: Client, _: str, properties: _Properties) -> Attributes:
    """A state machine, which moto runs; it traces and packages nothing."""
    definition = properties.pop("Definition")
    for each, value in properties.pop("DefinitionSubstitutions", {}).items():
        definition = definition.replace(f"${{{each}}}", value)
    for elsewhere in ("DefinitionS3Location", "Tags", "TracingConfiguration"):
        properties.pop(elsewhere)
    named = {"name": properties.pop("StateMachineName"), "roleArn": properties.pop("RoleArn")}
    arn = client("stepfunctions").create_state_machine(definition=definition, **named)["stateMachineArn"]
    return {"Ref": arn, "Arn": arn}


MACHINE: Final = "AWS::StepFunctions::StateMachine"

NAMED: Final = {
    "AWS::Lambda::Function": (f"lambda:{REGION}", "function:"),
    "AWS::IAM::Role": ("iam:", "role/"),
}
"""What exists here by its name alone: functions are invoked in the stack's own process, and nothing asks for roles."""

MAKERS: Final[dict[str, Callable[[Client, str, _Properties], Attributes]]] = {
    "AWS::SQS::Queue": _queue,
    "AWS::DynamoDB::Table": _table,
    "AWS::SecretsManager::Secret": _secret,
    "AWS::S3::Bucket": _bucket,
    "AWS::Events::Rule": _rule,
    MACHINE: _machine,
}
