"""template.yaml keeps the rules of each module here that has some, and each rule notices when it does not."""

from typing import Any

import pytest

from tests.unit.infra import functions, monitoring, queues, reading, roles, storage, web
from tests.unit.infra.reading import DAY_S, Rule
from tests.unit.infra.rendered import resources

RULES = storage.RULES + queues.RULES + functions.RULES + roles.RULES + web.RULES + monitoring.RULES


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
    (queues.queues_are_encrypted, "ScanDLQ.SqsManagedSseEnabled", False),
    (queues.queues_take_tls_only, "ScanDLQPolicy.PolicyDocument.Statement", []),
    (
        queues.only_our_buckets_and_rules_may_send,
        "UploadQueuePolicy.PolicyDocument.Statement.0.Condition.ArnEquals",
        DELETE,
    ),
    (queues.only_our_buckets_and_rules_may_send, "ScanQueuePolicy.PolicyDocument.Statement.0", ALLOW_ALL),
    (
        queues.only_our_buckets_and_rules_may_send,
        "DeliveryQueuePolicy.PolicyDocument.Statement.0.Condition.ArnEquals",
        DELETE,
    ),
    (queues.rules_send_to_queues_that_let_them, "ReportedSeries.Targets.0.DeadLetterConfig", DELETE),
    (queues.rules_send_to_queues_that_let_them, "DeliveryDLQPolicy.PolicyDocument.Statement.0", DELETE),
    (queues.rules_send_to_queues_that_let_them, "DeliveryQueuePolicy.PolicyDocument.Statement.0.Resource", "Gone.Arn"),
    (queues.rules_send_to_queues_that_let_them, "ReportedSeries.Targets.0.Arn", "ScanDLQ.Arn"),
    (queues.rules_hear_their_own_stack_alone, "ReportedSeries.EventPattern.source", ["brainscan"]),
    (functions.functions_may_feed_themselves_where_that_is_meant, "Intake.RecursiveLoop", DELETE),
    (functions.functions_may_feed_themselves_where_that_is_meant, "Deliver.RecursiveLoop", "Allow"),
    (roles.readers_can_tell_missing_from_forbidden, f"ReportRole.{STATEMENT}.1", DELETE),
    (queues.streams_give_up_into_a_dead_letter_queue, "ReportSettled.DestinationConfig", DELETE),
    (queues.streams_give_up_into_a_dead_letter_queue, "ReportSettled.MaximumRetryAttempts", 100),
    (queues.streams_give_up_into_a_dead_letter_queue, "CountChanged.MaximumRecordAgeInSeconds", DAY_S),
    (queues.streams_give_up_into_a_dead_letter_queue, "ReportSettled.BisectBatchOnFunctionError", False),
    (queues.streams_are_filtered, "ReportSettled.FilterCriteria", DELETE),
    (queues.streams_are_filtered, "ReportSettled.FilterCriteria.Filters.0.Pattern", "{}"),
    (queues.followers_may_read_their_stream_and_give_up, f"ReportRole.{STATEMENT}.3", DELETE),
    (queues.followers_may_read_their_stream_and_give_up, f"ReportRole.{STATEMENT}.5", DELETE),
    (queues.counters_have_one_writer_a_shard_that_knows_it, "CountChanged.TumblingWindowInSeconds", DELETE),
    (queues.counters_have_one_writer_a_shard_that_knows_it, "CountChanged.ParallelizationFactor", 2),
    (functions.functions_have_a_concurrency_limit, "ReportSettled.ParallelizationFactor", DELETE),
    (queues.buckets_may_send_before_they_notify, "/UploadsBucket.DependsOn", DELETE),
    (queues.uploads_notify_a_consumed_queue, "UploadsBucket.NotificationConfiguration", DELETE),
    (queues.consumed_queues_have_a_dead_letter_queue, "ScanQueue.RedrivePolicy", DELETE),
    (queues.consumed_queues_have_a_dead_letter_queue, "UploadQueue.RedrivePolicy.maxReceiveCount", 4),
    (queues.consumed_queues_have_a_dead_letter_queue, "UploadQueue.RedrivePolicy.deadLetterTargetArn", "Gone.Arn"),
    (queues.dead_letters_outlive_their_queue, "UploadDLQ.MessageRetentionPeriod", DELETE),
    (queues.dead_letters_outlive_their_queue, "ScanQueue.MessageRetentionPeriod", 14 * DAY_S),
    (queues.messages_stay_hidden_while_their_function_may_run, "UploadQueue.VisibilityTimeout", 899),
    (queues.messages_stay_hidden_while_their_function_may_run, "UploadQueue.VisibilityTimeout", 901),
    (queues.messages_stay_hidden_while_their_function_may_run, "DeliveryQueue.VisibilityTimeout", 719),
    (queues.messages_stay_hidden_while_their_function_may_run, "ScanQueue.VisibilityTimeout", DELETE),
    (queues.messages_stay_hidden_while_their_function_may_run, "GiveUp.Timeout", 31),
    (functions.functions_report_partial_failures, "AnalyzeScans.FunctionResponseTypes", DELETE),
    (functions.functions_have_a_concurrency_limit, "IntakeUploads.ScalingConfig", DELETE),
    (functions.functions_log_to_a_group_that_forgets, "IntakeLogGroup.RetentionInDays", DELETE),
    (functions.functions_log_to_a_group_that_forgets, "Analyze.LoggingConfig", DELETE),
    (functions.functions_are_traced, "Analyze.TracingConfig.Mode", "PassThrough"),
    (functions.functions_have_a_role_each, "Analyze.Role", "IntakeRole.Arn"),
    (functions.functions_are_told_what_settings_know, "Intake.Environment.Variables.BRAINSCAN_TABLE", "misspelt"),
    (functions.functions_are_told_what_settings_know, "Intake.Environment.Variables.BRAINSCAN_TABLE_NAME", DELETE),
    (queues.what_fails_every_time_is_given_up, "RetryQueue.RedrivePolicy.deadLetterTargetArn", "ScanDLQ.Arn"),
    (queues.what_fails_every_time_is_given_up, "DeliveryQueue.RedrivePolicy.deadLetterTargetArn", "DeliveryDLQ.Arn"),
    (queues.what_fails_every_time_is_given_up, f"GiveUpRole.{STATEMENT}.6", DELETE),
    (
        roles.roles_are_assumed_by_who_works_under_them_alone,
        "IntakeRole.AssumeRolePolicyDocument.Statement.0.Principal",
        {"AWS": "*"},
    ),
    (
        roles.roles_are_assumed_by_who_works_under_them_alone,
        "AnalyzeRolloutRole.AssumeRolePolicyDocument.Statement.0.Principal",
        {"Service": "lambda.amazonaws.com"},
    ),
    (roles.roles_are_bounded_where_a_boundary_is_told, "ReportRole.PermissionsBoundary", DELETE),
    (roles.roles_hold_no_wildcard, f"IntakeRole.{STATEMENT}.0.Action", "s3:*"),
    (roles.roles_hold_no_wildcard, f"AnalyzeRole.{STATEMENT}.0.Resource", "*"),
    (roles.roles_hold_no_wildcard, "AnalyzeRole.ManagedPolicyArns", ["arn:aws:iam::aws:policy/AmazonS3FullAccess"]),
    (roles.consumers_may_take_their_messages, f"AnalyzeRole.{STATEMENT}", []),
    (web.apis_take_tokens_of_one_issuer, f"ResultsHttpApi.{READERS}.x-amazon-apigateway-authorizer", DELETE),
    (web.apis_take_tokens_of_one_issuer, f"ResultsHttpApi.{READERS}.type", "apiKey"),
    (web.routes_need_a_token, f"ResultsHttpApi.{ROUTES}./v1/{{proxy+}}.get.security.0", {"NONE": []}),
    (web.routes_need_a_token, f"ResultsHttpApi.{ROUTES}./v1/scans/{{scan_id}}/reviews.post.security", DELETE),
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
    (monitoring.partial_failures_raise_an_alarm, "GiveUpPartialFailures.MetricName", "Messages"),
    (monitoring.partial_failures_raise_an_alarm, "ReportPartialFailures.Dimensions.1.Value", "reports"),
    (monitoring.refusals_of_indexes_raise_an_alarm, f"Scans.{INDEX}.0.IndexName", "exports"),
    (monitoring.refusals_of_tables_raise_an_alarm, "TableWriteThrottles.MetricName", "ReadThrottleEvents"),
    (monitoring.followers_raise_alarms, "ReportBehind.MetricName", "Duration"),
    (monitoring.apis_raise_alarms, "ResultsApiErrors.Metrics.1.MetricStat.Metric.MetricName", "4xx"),
    (monitoring.apis_raise_alarms, "ResultsApiSlow.Dimensions.0.Name", "Stage"),
    (monitoring.schedules_raise_alarms, "MeasureDriftErrors.MetricName", "Duration"),
    (monitoring.drift_raises_alarms, "InputDrifted.Threshold", 10),
    (monitoring.drift_raises_alarms, "OutputDrifted.MetricName", "InputDrift"),
    (roles.schedules_may_invoke_what_they_start, f"MeasureDriftScheduleRole.{STATEMENT}.0.Resource", "Intake.Arn"),
    (
        roles.schedules_may_invoke_what_they_start,
        "MeasureDriftScheduleRole.AssumeRolePolicyDocument.Statement.0.Condition",
        DELETE,
    ),
    (
        roles.roles_are_assumed_by_who_works_under_them_alone,
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
