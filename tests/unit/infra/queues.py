"""What must hold for every queue of the template, and for every stream that a function follows."""

import json
from collections.abc import Iterator

from brainscan_local.streams import matches
from brainscan_local.template import STACK
from tests.unit.infra.reading import (
    DAY_S,
    Resources,
    Rule,
    buckets,
    consumed,
    denies_without_tls,
    followed,
    granted,
    lambdas,
    listed,
    of_type,
    queues,
    statements,
)

SERIES_KEYS = {"pk": {"S": "SERIES#0"}, "sk": {"S": "META"}}
CHANGES = (
    {"dynamodb": {"Keys": SERIES_KEYS, "NewImage": {"remaining": {"N": "0"}}}},
    {"dynamodb": {"Keys": SERIES_KEYS, "NewImage": {"remaining": {"N": "1"}}}},
    {"dynamodb": {"Keys": SERIES_KEYS | {"sk": {"S": "REPORT"}}, "NewImage": {"revision": {"N": "0"}}}},
    {"dynamodb": {"Keys": {"pk": {"S": "SCAN#0"}, "sk": {"S": "META"}}, "NewImage": {"remaining": {"N": "0"}}}},
)
"""What the table's stream says: of a settled series, one that waits, a report, a scan."""

WANTED = {"Count": [False, False, False, True], "Report": [True, False, False, False]}
"""Which of these changes each function is told."""


# -- queues


def queues_are_encrypted(resources: Resources) -> Iterator[str]:
    for name, queue in queues(resources).items():
        if queue.get("SqsManagedSseEnabled") is not True and "KmsMasterKeyId" not in queue:
            yield name


def queues_take_tls_only(resources: Resources) -> Iterator[str]:
    denied = [
        (policy["Queues"], statement["Resource"])
        for _, policy, statement in statements(resources, "AWS::SQS::QueuePolicy")
        if denies_without_tls(statement)
    ]
    for name in queues(resources):
        if ([f"{name}.Ref"], f"{name}.Arn") not in denied:
            yield name


def only_our_buckets_and_rules_may_send(resources: Resources) -> Iterator[str]:
    """Whatever a queue's policy allows is S3's to send, for a bucket and an account that it names, or a rule's."""
    arns = {f"arn:aws:s3:::{bucket.get('BucketName')}" for bucket in buckets(resources).values()}
    for name, _, statement in statements(resources, "AWS::SQS::QueuePolicy"):
        condition = statement.get("Condition", {})
        source = condition.get("ArnEquals", {}).get("aws:SourceArn", "")
        of_bucket = source in arns and "aws:SourceAccount" in condition.get("StringEquals", {})
        of_rule = source.removesuffix(".Arn") in of_type(resources, "AWS::Events::Rule")
        sender = "s3" if of_bucket else "events" if of_rule else "nobody"
        if statement["Effect"] == "Allow" and not (
            statement["Action"] == "sqs:SendMessage"
            and statement["Principal"] == {"Service": f"{sender}.amazonaws.com"}
        ):
            yield name


def buckets_may_send_before_they_notify(resources: Resources) -> Iterator[str]:
    """S3 tries the queue when it stores a notification: the policy that lets it must exist by then."""
    for name, bucket in buckets(resources).items():
        for notification in bucket.get("NotificationConfiguration", {}).get("QueueConfigurations", []):
            letting = {
                policy_id
                for policy_id, _, statement in statements(resources, "AWS::SQS::QueuePolicy")
                if statement["Effect"] == "Allow"
                and statement["Resource"] == notification["Queue"]
                and statement["Condition"]["ArnEquals"]["aws:SourceArn"] == f"arn:aws:s3:::{bucket['BucketName']}"
            }
            if not letting & set(listed(resources[name].get("DependsOn", []))):
                yield name


def uploads_notify_a_consumed_queue(resources: Resources) -> Iterator[str]:
    notified = {
        notification["Queue"].removesuffix(".Arn")
        for bucket in buckets(resources).values()
        for notification in bucket.get("NotificationConfiguration", {}).get("QueueConfigurations", [])
        if notification["Event"] == "s3:ObjectCreated:*"
    }
    if len(notified) != 1 or not notified <= {queue_id for queue_id, *_ in consumed(resources)}:
        yield "s3:ObjectCreated:*"


def consumed_queues_have_a_dead_letter_queue(resources: Resources) -> Iterator[str]:
    for name, queue, *_ in consumed(resources):
        redrive = queue.get("RedrivePolicy", {})
        dead = redrive.get("deadLetterTargetArn", "").removesuffix(".Arn")
        if dead not in queues(resources) or int(redrive.get("maxReceiveCount", 0)) < 5:
            yield name


def dead_letters_outlive_their_queue(resources: Resources) -> Iterator[str]:
    """A message keeps its age when it moves; fourteen days are the most that SQS has, and what lies is kept so long."""
    worked_on = {name for name, *_ in consumed(resources)}
    for name, queue, *_ in consumed(resources):
        dead = queue.get("RedrivePolicy", {}).get("deadLetterTargetArn", "").removesuffix(".Arn")
        kept = int(queues(resources).get(dead, {}).get("MessageRetentionPeriod", 0))
        if int(queue.get("MessageRetentionPeriod", 4 * DAY_S)) >= kept or not (dead in worked_on or kept == 14 * DAY_S):
            yield name


def messages_stay_hidden_while_their_function_may_run(resources: Resources) -> Iterator[str]:
    """For one timeout where heartbeats renew that, else for the six that AWS asks for; a quarter of an hour at most.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-queueconfig
    """
    for name, queue, function_id, mapping in consumed(resources):
        renewed = "sqs:ChangeMessageVisibility" in granted(resources, function_id, f"{name}.Arn")
        timeouts = (1 if renewed else 6) * int(lambdas(resources)[function_id]["Timeout"])
        window = int(mapping.get("MaximumBatchingWindowInSeconds", 0))
        if not timeouts + window <= int(queue.get("VisibilityTimeout", 30)) <= 900:
            yield name


def rules_send_to_queues_that_let_them(resources: Resources) -> Iterator[str]:
    """EventBridge drops what a queue refuses, so its policy must name the rule; it keeps what could not be sent."""
    letting = {
        (statement["Condition"]["ArnEquals"]["aws:SourceArn"], statement["Resource"])
        for _, _, statement in statements(resources, "AWS::SQS::QueuePolicy")
        if statement["Effect"] == "Allow"
    }
    fed = {f"{queue_id}.Arn" for queue_id, *_ in consumed(resources)}
    for name, rule in of_type(resources, "AWS::Events::Rule").items():
        for target in rule["Targets"]:
            dead = target.get("DeadLetterConfig", {}).get("Arn")
            if not {(f"{name}.Arn", target["Arn"]), (f"{name}.Arn", dead)} <= letting or target["Arn"] not in fed:
                yield name


def rules_hear_their_own_stack_alone(resources: Resources) -> Iterator[str]:
    """Every stack of an account announces on the same bus."""
    told = {function["Environment"]["Variables"]["BRAINSCAN_EVENT_SOURCE"] for function in lambdas(resources).values()}
    for name, rule in of_type(resources, "AWS::Events::Rule").items():
        heard = set(rule["EventPattern"]["source"])
        if heard != told or not all(source.endswith(f".{STACK}") for source in heard):
            yield name


# -- streams


def streams_give_up_into_a_dead_letter_queue(resources: Resources) -> Iterator[str]:
    """What is given up is missing for good: it is tried until just before the stream's 24 hours are over, then told."""
    for name, _, _, mapping in followed(resources):
        dead = mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", "").removesuffix(".Arn")
        kept = int(queues(resources).get(dead, {}).get("MessageRetentionPeriod", 0))
        tries, age = int(mapping.get("MaximumRetryAttempts", -1)), int(mapping.get("MaximumRecordAgeInSeconds", -1))
        if kept != 14 * DAY_S or tries != -1 or not 0.9 * DAY_S <= age < DAY_S:
            yield name
        if mapping.get("BisectBatchOnFunctionError") is not True:
            yield name


def streams_are_filtered(resources: Resources) -> Iterator[str]:
    """A function is asked about scans, or about series of which no slice waits, and about no other item."""
    for name, _, function_id, mapping in followed(resources):
        patterns = [json.loads(each["Pattern"]) for each in mapping.get("FilterCriteria", {}).get("Filters", [])]
        if [any(matches(change, each) for each in patterns) for change in CHANGES] != WANTED[function_id]:
            yield name


def counters_have_one_writer_a_shard_that_knows_it(resources: Resources) -> Iterator[str]:
    """Lambda names the shard under a tumbling window alone, and keeps its order with one batch at a time alone."""
    for name, _, function_id, mapping in followed(resources):
        single = mapping.get("ParallelizationFactor") == 1 and "TumblingWindowInSeconds" in mapping
        if function_id == "Count" and not single:
            yield name


def followers_may_read_their_stream_and_give_up(resources: Resources) -> Iterator[str]:
    reading = {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"}
    for name, table_id, function_id, mapping in followed(resources):
        dead = mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", "")
        if reading - granted(resources, function_id, f"{table_id}.StreamArn"):
            yield name
        if "sqs:SendMessage" not in granted(resources, function_id, dead):
            yield name


def what_fails_every_time_is_given_up(resources: Resources) -> Iterator[str]:
    """What is tried again goes to a function that says so in the table, and only from there to where it lies."""
    fed = {name for name, *_ in consumed(resources)}
    gave_up = {name for name in fed if "GiveUp" in name}
    for name, queue, function_id, _ in consumed(resources):
        dead = queue.get("RedrivePolicy", {}).get("deadLetterTargetArn", "").removesuffix(".Arn")
        if name not in gave_up and dead not in fed:
            yield name
        if name in gave_up and "sqs:SendMessage" not in granted(resources, function_id, f"{dead}.Arn"):
            yield name


RULES: tuple[Rule, ...] = (
    queues_are_encrypted,
    queues_take_tls_only,
    only_our_buckets_and_rules_may_send,
    buckets_may_send_before_they_notify,
    uploads_notify_a_consumed_queue,
    consumed_queues_have_a_dead_letter_queue,
    dead_letters_outlive_their_queue,
    messages_stay_hidden_while_their_function_may_run,
    rules_send_to_queues_that_let_them,
    rules_hear_their_own_stack_alone,
    streams_give_up_into_a_dead_letter_queue,
    streams_are_filtered,
    counters_have_one_writer_a_shard_that_knows_it,
    followers_may_read_their_stream_and_give_up,
    what_fails_every_time_is_given_up,
)
