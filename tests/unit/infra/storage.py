"""What must hold for every bucket, table and secret of the template."""

from collections.abc import Iterator

from brainscan.store.table.keys import KEYS_ONLY, Index
from tests.unit.infra.reading import (
    DAY_S,
    Resources,
    Rule,
    buckets,
    denies_without_tls,
    queues,
    statements,
    tables,
)


def buckets_are_private(resources: Resources) -> Iterator[str]:
    blocks = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    for name, bucket in buckets(resources).items():
        if not all(bucket.get("PublicAccessBlockConfiguration", {}).get(block) is True for block in blocks):
            yield name
        if bucket.get("OwnershipControls") != {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}:
            yield name


def buckets_are_encrypted(resources: Resources) -> Iterator[str]:
    for name, bucket in buckets(resources).items():
        rules = bucket.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
        if not any(rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] in {"AES256", "aws:kms"} for rule in rules):
            yield name


def buckets_take_tls_only(resources: Resources) -> Iterator[str]:
    denied = [
        (policy["Bucket"], set(statement["Resource"]))
        for _, policy, statement in statements(resources, "AWS::S3::BucketPolicy")
        if denies_without_tls(statement)
    ]
    for name in buckets(resources):
        if (f"{name}.Ref", {f"{name}.Arn", f"{name}.Arn/*"}) not in denied:
            yield name


def buckets_forget_old_versions_and_unfinished_uploads(resources: Resources) -> Iterator[str]:
    for name, bucket in buckets(resources).items():
        rules = bucket.get("LifecycleConfiguration", {}).get("Rules", [])
        whole = [rule for rule in rules if rule["Status"] == "Enabled" and not rule.get("Prefix")]
        versioned = bucket.get("VersioningConfiguration") == {"Status": "Enabled"}
        old = any("NoncurrentVersionExpiration" in rule for rule in whole)
        unfinished = any("AbortIncompleteMultipartUpload" in rule for rule in whole)
        if not (versioned and old and unfinished):
            yield name


def staged_scans_expire_after_their_messages(resources: Resources) -> Iterator[str]:
    longest = max(int(queue.get("MessageRetentionPeriod", 4 * DAY_S)) for queue in queues(resources).values())
    staging = [
        rule
        for bucket in buckets(resources).values()
        for rule in bucket.get("LifecycleConfiguration", {}).get("Rules", [])
        if rule.get("Prefix") == "sources/"
    ]
    if [rule["ExpirationInDays"] * DAY_S > longest for rule in staging] != [True]:
        yield "sources/"


def what_a_shadow_said_expires(resources: Resources) -> Iterator[str]:
    """It is looked at in a diff of some days; nothing else names it."""
    rules = [
        rule
        for bucket in buckets(resources).values()
        for rule in bucket.get("LifecycleConfiguration", {}).get("Rules", [])
        if rule.get("Prefix") == "shadow/" and rule["Status"] == "Enabled"
    ]
    if [bool(rule.get("ExpirationInDays")) and "NoncurrentVersionExpiration" in rule for rule in rules] != [True]:
        yield "shadow/"


def what_holds_data_is_retained(resources: Resources) -> Iterator[str]:
    kinds = {"AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::SecretsManager::Secret"}
    for name, resource in resources.items():
        policies = {resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")}
        if resource["Type"] in kinds and policies != {"Retain"}:
            yield name


def tables_are_safe_and_pay_per_request(resources: Resources) -> Iterator[str]:
    for name, table in tables(resources).items():
        holds = (
            table.get("BillingMode") == "PAY_PER_REQUEST",
            table.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled") is True,
            table.get("SSESpecification", {}).get("SSEEnabled") is True,
            table.get("StreamSpecification", {}).get("StreamViewType") == "NEW_AND_OLD_IMAGES",
            table.get("TimeToLiveSpecification") == {"AttributeName": "expires_at", "Enabled": True},
        )
        if not all(holds):
            yield name


def tables_have_the_indexes_of_the_store(resources: Resources) -> Iterator[str]:
    for name, table in tables(resources).items():
        wanted = {"": "", **{index.value: f"{index.value}_" for index in Index}}
        found = {"": table["KeySchema"]} | {
            each["IndexName"]: each["KeySchema"]
            for each in table.get("GlobalSecondaryIndexes", [])
            if each["Projection"] == {"ProjectionType": "KEYS_ONLY" if each["IndexName"] in KEYS_ONLY else "ALL"}
        }
        keys = {
            index: [
                {"AttributeName": f"{prefix}pk", "KeyType": "HASH"},
                {"AttributeName": f"{prefix}sk", "KeyType": "RANGE"},
            ]
            for index, prefix in wanted.items()
        }
        if found != keys or any(each["AttributeType"] != "S" for each in table["AttributeDefinitions"]):
            yield name


RULES: tuple[Rule, ...] = (
    buckets_are_private,
    buckets_are_encrypted,
    buckets_take_tls_only,
    buckets_forget_old_versions_and_unfinished_uploads,
    staged_scans_expire_after_their_messages,
    what_a_shadow_said_expires,
    what_holds_data_is_retained,
    tables_are_safe_and_pay_per_request,
    tables_have_the_indexes_of_the_store,
)
