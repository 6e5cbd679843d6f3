"""template.yaml keeps the rules of `storage.py`, `work.py` and `monitoring.py`, and each notices when it does not."""

import json
import re
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities import parameters
from samtranslator.yaml_helper import yaml_parse

from brainscan.services import services
from brainscan.settings import Limits, limits, settings
from brainscan_local.functions import environment_of
from brainscan_local.resources import Resources
from brainscan_local.template import Template, TemplateError
from tests.unit.infra import monitoring, reading, storage, web, work
from tests.unit.infra.reading import DAY_S, Rule

RULES = storage.RULES + work.RULES + web.RULES + monitoring.RULES

PATH = Path(__file__).parents[3] / "template.yaml"
MONITORING = Path(__file__).parents[3] / "infra/monitoring.yaml"


EVERYTHING = {
    "StowUrl": "https://pacs.example/dicom-web",
    "JwtIssuer": "https://issuer.example",
    "PageUploads": "true",
    "PermissionsBoundary": work.BOUNDARY,
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


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_template_keeps_the_rule(rule: Rule) -> None:
    assert list(rule(resources())) == []


def test_there_is_something_to_rule() -> None:
    found = resources()
    assert len(reading.buckets(found)) == 2
    assert len(reading.queues(found)) == 12
    assert set(reading.lambdas(found)) == {
        "Intake",
        "Analyze",
        "Reprocess",
        "GiveUp",
        "Count",
        "Report",
        "Deliver",
        "ResultsApi",
        "MeasureDrift",
    }
    assert {function for _, _, function, _ in reading.consumed(found)} == {"Intake", "Analyze", "GiveUp", "Deliver"}
    assert reading.answering(found) == {"ResultsApi"}
    assert {function for _, _, function, _ in reading.followed(found)} == {"Count", "Report"}
    assert len(reading.tables(found)) == 1


DELETE: Any = object()
"""As a mutation's value: take the property away."""


def broken(path: str, value: Any) -> reading.Resources:
    """The template with one value changed; `path` begins with a logical id and goes on below its properties.

    A path that starts with "/" goes on below the resource itself.
    """
    found = resources()
    logical_id, *steps = path.removeprefix("/").split(".")
    place: Any = found[logical_id] if path.startswith("/") else found[logical_id]["Properties"]
    for step in steps[:-1]:
        place = place[int(step) if step.isdigit() else step]
    last: Any = int(steps[-1]) if steps[-1].isdigit() else steps[-1]
    if value is DELETE:
        del place[last]
    else:
        place[last] = value
    return found


ALLOW_ALL = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "UploadQueue.Arn"}
LIFECYCLE = "LifecycleConfiguration.Rules"
INDEX = "GlobalSecondaryIndexes"
TRUST = "AssumeRolePolicyDocument.Statement.0"
STATEMENT = "Policies.0.PolicyDocument.Statement"

READERS = "Body.components.securitySchemes.Readers"
ROUTES = "Body.paths"
STAGE = "ResultsHttpApiApiGatewayDefaultStage"

MUTATIONS = [
    (storage.buckets_are_private, "UploadsBucket.PublicAccessBlockConfiguration.BlockPublicPolicy", False),
    (storage.buckets_are_private, "ResultsBucket.PublicAccessBlockConfiguration", DELETE),
    (storage.buckets_are_private, "ResultsBucket.OwnershipControls.Rules.0.ObjectOwnership", "ObjectWriter"),
    (storage.buckets_are_encrypted, "UploadsBucket.BucketEncryption", DELETE),
    (storage.buckets_take_tls_only, "ResultsBucketPolicy.PolicyDocument.Statement.0.Condition", {}),
    (storage.buckets_take_tls_only, "UploadsBucketPolicy.PolicyDocument.Statement.0.Resource", ["UploadsBucket.Arn"]),
    (storage.buckets_forget_old_versions_and_unfinished_uploads, "UploadsBucket.VersioningConfiguration", DELETE),
    (storage.buckets_forget_old_versions_and_unfinished_uploads, f"ResultsBucket.{LIFECYCLE}.0", DELETE),
    (storage.buckets_forget_old_versions_and_unfinished_uploads, f"UploadsBucket.{LIFECYCLE}.1", DELETE),
    (storage.staged_scans_expire_after_their_messages, f"ResultsBucket.{LIFECYCLE}.2", DELETE),
    (
        storage.staged_scans_expire_after_their_messages,
        f"ResultsBucket.{LIFECYCLE}.2.ExpirationInDays",
        9,
    ),
    (storage.what_a_shadow_said_expires, f"ResultsBucket.{LIFECYCLE}.3.ExpirationInDays", DELETE),
    (storage.what_a_shadow_said_expires, f"ResultsBucket.{LIFECYCLE}.3.Prefix", "shadows/"),
    (storage.what_holds_data_is_retained, "/Scans.DeletionPolicy", "Delete"),
    (storage.what_holds_data_is_retained, "/PseudonymSecret.UpdateReplacePolicy", DELETE),
    (work.queues_are_encrypted, "ScanDLQ.SqsManagedSseEnabled", False),
    (work.queues_take_tls_only, "ScanDLQPolicy.PolicyDocument.Statement", []),
    (
        work.only_our_buckets_and_rules_may_send,
        "UploadQueuePolicy.PolicyDocument.Statement.0.Condition.ArnEquals",
        DELETE,
    ),
    (work.only_our_buckets_and_rules_may_send, "ScanQueuePolicy.PolicyDocument.Statement.0", ALLOW_ALL),
    (
        work.only_our_buckets_and_rules_may_send,
        "DeliveryQueuePolicy.PolicyDocument.Statement.0.Condition.ArnEquals",
        DELETE,
    ),
    (work.rules_send_to_queues_that_let_them, "DeliveryQueuePolicy.PolicyDocument.Statement.0.Resource", "Gone.Arn"),
    (work.rules_send_to_queues_that_let_them, "ReportedSeries.Targets.0.Arn", "ScanDLQ.Arn"),
    (work.rules_hear_their_own_stack_alone, "ReportedSeries.EventPattern.source", ["brainscan"]),
    (work.functions_may_feed_themselves_where_that_is_meant, "Intake.RecursiveLoop", DELETE),
    (work.functions_may_feed_themselves_where_that_is_meant, "Deliver.RecursiveLoop", "Allow"),
    (work.readers_can_tell_missing_from_forbidden, f"ReportRole.{STATEMENT}.1", DELETE),
    (work.streams_give_up_into_a_dead_letter_queue, "ReportSettled.DestinationConfig", DELETE),
    (work.streams_give_up_into_a_dead_letter_queue, "ReportSettled.MaximumRetryAttempts", -1),
    (work.streams_give_up_into_a_dead_letter_queue, "ReportSettled.BisectBatchOnFunctionError", False),
    (work.streams_are_filtered, "ReportSettled.FilterCriteria", DELETE),
    (work.streams_are_filtered, "ReportSettled.FilterCriteria.Filters.0.Pattern", "{}"),
    (work.followers_may_read_their_stream_and_give_up, f"ReportRole.{STATEMENT}.3", DELETE),
    (work.followers_may_read_their_stream_and_give_up, f"ReportRole.{STATEMENT}.5", DELETE),
    (work.counters_have_one_writer_a_shard_that_knows_it, "CountChanged.TumblingWindowInSeconds", DELETE),
    (work.counters_have_one_writer_a_shard_that_knows_it, "CountChanged.ParallelizationFactor", 2),
    (work.functions_have_a_concurrency_limit, "ReportSettled.ParallelizationFactor", DELETE),
    (work.buckets_may_send_before_they_notify, "/UploadsBucket.DependsOn", DELETE),
    (work.uploads_notify_a_consumed_queue, "UploadsBucket.NotificationConfiguration", DELETE),
    (work.consumed_queues_have_a_dead_letter_queue, "ScanQueue.RedrivePolicy", DELETE),
    (work.consumed_queues_have_a_dead_letter_queue, "UploadQueue.RedrivePolicy.maxReceiveCount", 4),
    (work.consumed_queues_have_a_dead_letter_queue, "UploadQueue.RedrivePolicy.deadLetterTargetArn", "Gone.Arn"),
    (work.dead_letters_outlive_their_queue, "UploadDLQ.MessageRetentionPeriod", DELETE),
    (work.dead_letters_outlive_their_queue, "ScanQueue.MessageRetentionPeriod", 14 * DAY_S),
    (work.messages_stay_hidden_while_their_function_may_run, "UploadQueue.VisibilityTimeout", 899),
    (work.messages_stay_hidden_while_their_function_may_run, "UploadQueue.VisibilityTimeout", 901),
    (work.messages_stay_hidden_while_their_function_may_run, "DeliveryQueue.VisibilityTimeout", 719),
    (work.messages_stay_hidden_while_their_function_may_run, "ScanQueue.VisibilityTimeout", DELETE),
    (work.messages_stay_hidden_while_their_function_may_run, "GiveUp.Timeout", 31),
    (work.functions_report_partial_failures, "AnalyzeScans.FunctionResponseTypes", DELETE),
    (work.functions_have_a_concurrency_limit, "IntakeUploads.ScalingConfig", DELETE),
    (work.functions_log_to_a_group_that_forgets, "IntakeLogGroup.RetentionInDays", DELETE),
    (work.functions_log_to_a_group_that_forgets, "Analyze.LoggingConfig", DELETE),
    (work.functions_are_traced, "Analyze.TracingConfig.Mode", "PassThrough"),
    (work.functions_have_a_role_each, "Analyze.Role", "IntakeRole.Arn"),
    (work.functions_are_told_what_settings_know, "Intake.Environment.Variables.BRAINSCAN_TABLE", "misspelt"),
    (work.functions_are_told_what_settings_know, "Intake.Environment.Variables.BRAINSCAN_TABLE_NAME", DELETE),
    (work.what_fails_every_time_is_given_up, "RetryQueue.RedrivePolicy.deadLetterTargetArn", "ScanDLQ.Arn"),
    (work.what_fails_every_time_is_given_up, "DeliveryQueue.RedrivePolicy.deadLetterTargetArn", "DeliveryDLQ.Arn"),
    (work.what_fails_every_time_is_given_up, f"GiveUpRole.{STATEMENT}.6", DELETE),
    (
        work.roles_are_assumed_by_who_works_under_them_alone,
        "IntakeRole.AssumeRolePolicyDocument.Statement.0.Principal",
        {"AWS": "*"},
    ),
    (
        work.roles_are_assumed_by_who_works_under_them_alone,
        "AnalyzeRolloutRole.AssumeRolePolicyDocument.Statement.0.Principal",
        {"Service": "lambda.amazonaws.com"},
    ),
    (work.roles_are_bounded_where_a_boundary_is_told, "ReportRole.PermissionsBoundary", DELETE),
    (work.roles_hold_no_wildcard, f"IntakeRole.{STATEMENT}.0.Action", "s3:*"),
    (work.roles_hold_no_wildcard, f"AnalyzeRole.{STATEMENT}.0.Resource", "*"),
    (work.roles_hold_no_wildcard, "AnalyzeRole.ManagedPolicyArns", ["arn:aws:iam::aws:policy/AmazonS3FullAccess"]),
    (work.consumers_may_take_their_messages, f"AnalyzeRole.{STATEMENT}", []),
    (web.apis_take_tokens_of_one_issuer, f"ResultsHttpApi.{READERS}.x-amazon-apigateway-authorizer", DELETE),
    (web.apis_take_tokens_of_one_issuer, f"ResultsHttpApi.{READERS}.type", "apiKey"),
    (web.routes_need_their_scope, f"ResultsHttpApi.{ROUTES}./v1/{{proxy+}}.get.security.0.Readers", []),
    (web.routes_need_their_scope, f"ResultsHttpApi.{ROUTES}./v1/scans/{{scan_id}}/reviews.post.security", DELETE),
    (
        web.routes_need_their_scope,
        f"ResultsHttpApi.{ROUTES}./v1/scans/{{scan_id}}/reviews.post.security.0.Readers",
        ["brainscan/read"],
    ),
    (web.apis_are_throttled, f"{STAGE}.DefaultRouteSettings", DELETE),
    (web.apis_log_no_path_and_no_query, f"{STAGE}.AccessLogSettings.Format", '{"path":"$context.path"}'),
    (web.apis_log_no_path_and_no_query, f"{STAGE}.AccessLogSettings", DELETE),
    (web.other_origins_are_shut_out, "ResultsHttpApi.Body.x-amazon-apigateway-cors", {"allowOrigins": ["*"]}),
    (storage.tables_are_safe_and_pay_per_request, "Scans.PointInTimeRecoverySpecification", DELETE),
    (storage.tables_are_safe_and_pay_per_request, "Scans.BillingMode", "PROVISIONED"),
    (storage.tables_are_safe_and_pay_per_request, "Scans.StreamSpecification.StreamViewType", "KEYS_ONLY"),
    (storage.tables_have_the_indexes_of_the_store, f"Scans.{INDEX}.3", DELETE),
    (
        storage.tables_have_the_indexes_of_the_store,
        f"Scans.{INDEX}.0.Projection.ProjectionType",
        "ALL",
    ),
    (monitoring.dead_letters_raise_an_alarm, "ScanDLQNotEmpty.Dimensions.0.Value", "UploadDLQ.QueueName"),
    (monitoring.waiting_messages_raise_an_alarm, "UploadQueueOld.MetricName", "NumberOfMessagesSent"),
    (monitoring.consumers_raise_alarms, "AnalyzeThrottles.MetricName", "Invocations"),
    (monitoring.consumers_raise_alarms, "IntakeErrors.Metrics.1", {"Id": "errors", "Expression": "0"}),
    (
        monitoring.partial_failures_raise_an_alarm,
        "AnalyzePartialFailures.Metrics.1.MetricStat.Metric.MetricName",
        "Errors",
    ),
    (monitoring.refusals_of_tables_raise_an_alarm, "TableWriteThrottles.MetricName", "ReadThrottleEvents"),
    (monitoring.followers_raise_alarms, "ReportBehind.MetricName", "Duration"),
    (monitoring.apis_raise_alarms, "ResultsApiErrors.Metrics.1.MetricStat.Metric.MetricName", "4xx"),
    (monitoring.apis_raise_alarms, "ResultsApiSlow.Dimensions.0.Name", "Stage"),
    (monitoring.schedules_raise_alarms, "MeasureDriftErrors.MetricName", "Duration"),
    (monitoring.drift_raises_alarms, "InputDrifted.Threshold", 10),
    (monitoring.drift_raises_alarms, "OutputDrifted.MetricName", "InputDrift"),
    (work.schedules_may_invoke_what_they_start, f"MeasureDriftScheduleRole.{STATEMENT}.0.Resource", "Intake.Arn"),
    (
        work.schedules_may_invoke_what_they_start,
        "MeasureDriftScheduleRole.AssumeRolePolicyDocument.Statement.0.Condition",
        DELETE,
    ),
    (
        work.roles_are_assumed_by_who_works_under_them_alone,
        "MeasureDriftScheduleRole.AssumeRolePolicyDocument.Statement.0.Principal.Service",
        "lambda.amazonaws.com",
    ),
    (monitoring.apis_raise_alarms, "ResultsApiThrottles.MetricName", "Errors"),
    (monitoring.durations_alarm_at_four_fifths_of_the_timeout, "Analyze.Timeout", 60),
    (
        monitoring.new_versions_of_analyze_come_step_by_step_and_go_back_on_alarm,
        "AnalyzeDeploymentGroup.AutoRollbackConfiguration",
        DELETE,
    ),
    (
        monitoring.new_versions_of_analyze_come_step_by_step_and_go_back_on_alarm,
        "AnalyzeDeploymentGroup.AlarmConfiguration.Alarms.3",
        DELETE,
    ),
    (
        monitoring.new_versions_of_analyze_come_step_by_step_and_go_back_on_alarm,
        "AnalyzeScans.FunctionName",
        "Analyze.Ref",
    ),
    (monitoring.alarms_tell_somebody_and_say_what_to_read, "ScanQueueOld.AlarmActions", DELETE),
    (monitoring.alarms_tell_somebody_and_say_what_to_read, "ScanQueueOld.AlarmDescription", "Old."),
    (monitoring.quiet_is_no_alarm, "UploadDLQNotEmpty.TreatMissingData", DELETE),
    (
        monitoring.dashboards_are_json_and_say_what_brainscan_is_for,
        "Dashboard.DashboardBody",
        '{"widgets": [{"properties": {"markdown": "brainscan"}}]}',
    ),
]


@pytest.mark.parametrize(
    ("rule", "path", "value"), MUTATIONS, ids=[f"{rule.__name__}-{path}" for rule, path, _ in MUTATIONS]
)
def test_a_broken_template_breaks_the_rule(rule: Rule, path: str, value: Any) -> None:
    assert list(rule(broken(path, value)))


def test_every_rule_is_seen_to_fail() -> None:
    assert {rule for rule, *_ in MUTATIONS} == set(RULES)


# -- what the template shares with the code


def test_limits_default_to_the_same_values_in_the_template_and_in_the_code() -> None:
    variables = resources()["Intake"]["Properties"]["Environment"]["Variables"]
    told = {name: int(value) for name, value in variables.items() if name.startswith("BRAINSCAN_LIMIT_")}
    assert told
    assert told == {name: getattr(Limits(), name.removeprefix("BRAINSCAN_LIMIT_").lower()) for name in told}


def test_functions_agree_on_every_variable_that_they_share() -> None:
    assert environment_of(template().functions(), template(), symbol)["BRAINSCAN_TABLE_NAME"] == "Scans.Ref"


def test_every_function_has_its_code_where_the_template_says() -> None:
    for function in template().functions():
        module, _, handler = function.handler.rpartition(".")
        assert f"def {handler}(" in (function.folder / f"{module}.py").read_text()


@pytest.mark.parametrize("logical_id", ["Intake", "Analyze", "GiveUp"])
def test_a_functions_own_environment_is_all_that_its_services_need(
    logical_id: str, aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    [spec] = [each for each in template().functions() if each.logical_id == logical_id]
    attribute = Resources(template(), cache(boto3.client)).attribute
    for name, value in environment_of([spec], template(), attribute).items():
        monkeypatch.setenv(name, value)
    remembered = (settings, limits, services)
    for each in remembered:
        each.cache_clear()
    parameters.clear_caches()
    try:
        assert services().results.bucket == attribute("ResultsBucket", "Ref")
    finally:
        for each in remembered:
            each.cache_clear()
        parameters.clear_caches()


def test_an_operators_parameter_reaches_its_queues() -> None:
    other = Template(PATH, {"MaxReceiveCount": "7"})
    found = other.resolve(other.resources, symbol)
    assert int(found["ScanQueue"]["Properties"]["RedrivePolicy"]["maxReceiveCount"]) == 7


def test_without_a_pacs_there_is_nothing_that_delivers() -> None:
    undelivered = Template(PATH, {"JwtIssuer": EVERYTHING["JwtIssuer"]})
    plain = set(undelivered.resources)
    told = undelivered.resolve(undelivered.of_type("AWS::CloudFormation::Stack"), symbol)["Monitoring"]["Parameters"]
    assert {name for name, value in told.items() if value == "none"} == {
        "Deliver",
        "DeliveryQueue",
        "DeliveryGiveUpQueue",
        "DeliveryDLQ",
    }
    assert not [name for name in Template(MONITORING, told).resources if "Deliver" in name]
    assert {name for name in set(template().resources) - plain if "Deliver" in name} >= {"Deliver", "DeliveryDLQ"}
    assert not [name for name in plain if "Deliver" in name or "Pacs" in name]


def test_without_a_boundary_roles_have_none() -> None:
    plain = Template(PATH)
    roles = reading.of_type(plain.resolve(plain.resources, symbol), "AWS::IAM::Role")
    assert roles
    assert not [name for name, role in roles.items() if "PermissionsBoundary" in role]


def test_without_an_issuer_there_is_no_api_that_could_be_open() -> None:
    plain = Template(PATH)
    found = plain.resolve(plain.resources, symbol)
    assert not [name for name, each in found.items() if "ApiGateway" in each["Type"] or name.startswith("ResultsApi")]
    told = reading.of_type(found, "AWS::CloudFormation::Stack")["Monitoring"]["Parameters"]
    assert told["ResultsApi"] == told["ResultsHttpApi"] == "none"
    assert not [name for name in Template(MONITORING, told).resources if name.startswith("ResultsApi")]


NAMES = {"ApiGatewayV2": "APIGateway", "Events": "EventBridge"}
"""Services that are not called what CloudFormation calls them."""


def test_the_deployment_page_lists_every_parameter_with_its_default() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ([^|]*) \|", (PATH.parent / "docs/deploy.md").read_text(), re.MULTILINE)
    told: dict[str, Any] = {}
    for names, defaults in rows:
        if found := re.findall(r"`(\w+)`", names):
            told |= dict(zip(found, [each.strip() for each in defaults.split(";")], strict=True))
    known = yaml_parse(PATH.read_text())["Parameters"]
    assert told == {name: str(each["Default"]) or "none" for name, each in known.items()}


def test_the_deployment_page_lists_every_service_that_the_stack_is_made_of() -> None:
    rows = re.findall(r"^\| ([A-Z][^|]+) \|", (PATH.parent / "docs/deploy.md").read_text(), re.MULTILINE)
    told = {each.replace(" ", "") for names in rows for each in names.split(", ")}
    types = [each["Type"] for each in template().resources.values()]
    types += re.findall(r"Type: (AWS::\S+)", MONITORING.read_text())
    used = {NAMES.get(name, name) for name in (each.split("::")[1] for each in types)}
    assert used - told == set()
    assert told - used == {"ECR"}


def test_an_unknown_parameter_is_named() -> None:
    with pytest.raises(TemplateError, match="no parameter Misspelt"):
        Template(PATH, {"Misspelt": "1"})


def test_a_template_that_sam_refuses_is_refused_with_its_reason(tmp_path: Path) -> None:
    source = yaml_parse(PATH.read_text())
    del source["Resources"]["Intake"]["Properties"]["Handler"]
    (tmp_path / "template.yaml").write_text(json.dumps(source))
    with pytest.raises(TemplateError, match="Handler"):
        Template(tmp_path / "template.yaml")


def test_no_region_and_no_account_is_written_into_the_templates() -> None:
    """So that one stack an account and region is all that data residency takes."""
    for path in (PATH, MONITORING):
        found = re.findall(r"\b(?:us|eu|ap|sa|ca|me|af|il|cn)-[a-z]+-\d\b|:\d{12}:", path.read_text())
        assert found == []
