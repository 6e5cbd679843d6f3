"""Rules of what watches the stack: every queue and function has its alarms, and each alarm tells somebody."""

import json
from collections.abc import Iterator
from typing import Any

from tests.unit.infra.reading import (
    Resources,
    Rule,
    answering,
    consumed,
    fed,
    followed,
    lambdas,
    mappings,
    of_type,
    scheduled,
)


def alarms(resources: Resources) -> dict[str, Any]:
    return of_type(resources, "AWS::CloudWatch::Alarm")


def _watched(resources: Resources, metric: str, dimension: str, others: int | None = None) -> set[str]:
    """Logical ids of what some alarm watches by a metric, of so many other dimensions."""
    plain = [alarm for alarm in alarms(resources).values() if alarm.get("MetricName") == metric]
    parts = [
        part["MetricStat"]["Metric"]
        for alarm in alarms(resources).values()
        for part in alarm.get("Metrics", [])
        if "MetricStat" in part
    ]
    found = [*plain, *(part for part in parts if part["MetricName"] == metric)]
    if others is not None:
        found = [each for each in found if len(each["Dimensions"]) == 1 + others]
    return {each["Value"].split(".")[0] for alarm in found for each in alarm["Dimensions"] if each["Name"] == dimension}


def dead_letters_raise_an_alarm(resources: Resources) -> Iterator[str]:
    """Those that lie; what is worked on goes on to where it lies."""
    worked_on = {name for name, *_ in consumed(resources)}
    watched = _watched(resources, "ApproximateNumberOfMessagesVisible", "QueueName")
    for queue_id, queue, *_ in consumed(resources):
        if queue["RedrivePolicy"]["deadLetterTargetArn"].removesuffix(".Arn") not in watched | worked_on:
            yield queue_id


def waiting_messages_raise_an_alarm(resources: Resources) -> Iterator[str]:
    watched = _watched(resources, "ApproximateAgeOfOldestMessage", "QueueName")
    yield from (queue_id for queue_id, *_ in consumed(resources) if queue_id not in watched)


def consumers_raise_alarms(resources: Resources) -> Iterator[str]:
    for metric in ("Errors", "Throttles", "Duration"):
        watched = _watched(resources, metric, "FunctionName")
        yield from (function_id for _, _, function_id, _ in consumed(resources) if function_id not in watched)


def partial_failures_raise_an_alarm(resources: Resources) -> Iterator[str]:
    """A function that answers for each message by itself does not fail as a whole: Lambda's own metric stays at 0."""
    told = {name.replace("-", "") for name in _watched(resources, "MessagesFailed", "function")}
    functions = {each for _, _, each, _ in consumed(resources)} | {each for _, _, each, _ in followed(resources)}
    yield from (each for each in functions - {"Count"} if each.lower() not in told)  # it fails as a whole


def refusals_of_tables_raise_an_alarm(resources: Resources) -> Iterator[str]:
    """Throttles and conflicts are retried in place, so that only the table itself tells of them."""
    for metric in ("WriteThrottleEvents", "ReadThrottleEvents", "TransactionConflict"):
        watched = _watched(resources, metric, "TableName", others=0)
        yield from (name for name in of_type(resources, "AWS::DynamoDB::Table") if name not in watched)


def refusals_of_indexes_raise_an_alarm(resources: Resources) -> Iterator[str]:
    """The metrics of a table leave out those of its indexes."""
    watched = _watched(resources, "WriteThrottleEvents", "GlobalSecondaryIndexName")
    for table in of_type(resources, "AWS::DynamoDB::Table").values():
        yield from {each["IndexName"] for each in table["GlobalSecondaryIndexes"]} ^ watched


def followers_raise_alarms(resources: Resources) -> Iterator[str]:
    """Failing, throttled and late readers of a stream, which forgets its records after 24 hours."""
    for metric in ("Errors", "Throttles", "Duration", "IteratorAge"):
        watched = _watched(resources, metric, "FunctionName")
        yield from (function_id for _, _, function_id, _ in followed(resources) if function_id not in watched)


def schedules_raise_alarms(resources: Resources) -> Iterator[str]:
    """Nobody waits for what a schedule starts: its failing must be told."""
    watched = _watched(resources, "Errors", "FunctionName")
    for _, target in scheduled(resources):
        if (function_id := target["Arn"].removesuffix(".Arn")) not in watched:
            yield function_id


def drift_raises_alarms(resources: Resources) -> Iterator[str]:
    """What comes in and what is answered, each from where it counts as drifted."""
    limits = {alarm.get("MetricName"): alarm.get("Threshold") for alarm in alarms(resources).values()}
    yield from (metric for metric in ("InputDrift", "OutputDrift") if limits.get(metric) != 1)


def apis_raise_alarms(resources: Resources) -> Iterator[str]:
    """Failing and slow answers of every HTTP API, and throttles of the function behind it."""
    for metric in ("5xx", "Latency"):
        watched = _watched(resources, metric, "ApiId")
        yield from (name for name in of_type(resources, "AWS::ApiGatewayV2::Api") if name not in watched)
    throttled = _watched(resources, "Throttles", "FunctionName")
    yield from (function_id for function_id in answering(resources) if function_id not in throttled)


def durations_alarm_at_four_fifths_of_the_timeout(resources: Resources) -> Iterator[str]:
    functions = lambdas(resources)
    for name, alarm in alarms(resources).items():
        if alarm.get("MetricName") == "Duration":
            function = functions[alarm["Dimensions"][0]["Value"].split(".")[0]]
            if alarm["Threshold"] != function["Timeout"] * 1000 * 4 // 5:
                yield name


def new_versions_of_analyze_come_step_by_step_and_go_back_on_alarm(resources: Resources) -> Iterator[str]:
    """Its mappings feed an alias that CodeDeploy moves, and what watches the new version stops that."""
    watching_a_version = {
        f"Monitoring.Outputs.{name}"
        for name, alarm in alarms(resources).items()
        if any(each["Name"] in {"ExecutedVersion", "version"} for each in _dimensions(alarm))
    }
    groups = of_type(resources, "AWS::CodeDeploy::DeploymentGroup")
    aliases = {name: each for name, each in resources.items() if each["Type"] == "AWS::Lambda::Alias"}
    for name, mapping in mappings(resources).items():
        if fed(resources, mapping) != "Analyze":
            continue
        alias = aliases.get(mapping["FunctionName"].removesuffix(".Ref"), {})
        policy = alias.get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate", {})
        group = groups.get(policy.get("DeploymentGroupName", "").removesuffix(".Ref"), {})
        stopping = {each["Name"] for each in group.get("AlarmConfiguration", {}).get("Alarms", [])}
        back = group.get("AutoRollbackConfiguration", {}).get("Events", [])
        if stopping != watching_a_version or len(stopping) < 4 or "DEPLOYMENT_STOP_ON_ALARM" not in back:
            yield name


def _dimensions(alarm: Any) -> Iterator[Any]:
    for part in alarm.get("Metrics", []):
        yield from part.get("MetricStat", {}).get("Metric", {}).get("Dimensions", [])


def alarms_tell_somebody_and_say_what_to_read(resources: Resources) -> Iterator[str]:
    for name, alarm in alarms(resources).items():
        told = alarm.get("AlarmActions") == alarm.get("OKActions") == ["AlarmTopic.Ref"]
        if not told or "docs/operations.md" not in alarm.get("AlarmDescription", ""):
            yield name


def quiet_is_no_alarm(resources: Resources) -> Iterator[str]:
    yield from (name for name, alarm in alarms(resources).items() if alarm.get("TreatMissingData") != "notBreaching")


def dashboards_are_json_and_say_what_brainscan_is_for(resources: Resources) -> Iterator[str]:
    for name, dashboard in of_type(resources, "AWS::CloudWatch::Dashboard").items():
        if "Research use only." not in json.loads(dashboard["DashboardBody"])["widgets"][0]["properties"]["markdown"]:
            yield name


RULES: tuple[Rule, ...] = (
    dead_letters_raise_an_alarm,
    waiting_messages_raise_an_alarm,
    consumers_raise_alarms,
    partial_failures_raise_an_alarm,
    refusals_of_tables_raise_an_alarm,
    refusals_of_indexes_raise_an_alarm,
    followers_raise_alarms,
    schedules_raise_alarms,
    drift_raises_alarms,
    apis_raise_alarms,
    durations_alarm_at_four_fifths_of_the_timeout,
    new_versions_of_analyze_come_step_by_step_and_go_back_on_alarm,
    alarms_tell_somebody_and_say_what_to_read,
    quiet_is_no_alarm,
    dashboards_are_json_and_say_what_brainscan_is_for,
)
