"""What must hold for every function of the template."""

from collections import Counter
from collections.abc import Iterator

from brainscan.settings import Limits, Settings
from tests.unit.infra.reading import Resources, Rule, consumed, followed, granted, lambdas, mappings, of_type


def functions_report_partial_failures(resources: Resources) -> Iterator[str]:
    for name, mapping in mappings(resources).items():
        if mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            yield name


def functions_have_a_concurrency_limit(resources: Resources) -> Iterator[str]:
    """A queue's functions at once are bounded by the mapping; a stream's by its shards times this factor."""
    streams = {name for name, *_ in followed(resources)}
    for name, mapping in mappings(resources).items():
        most = mapping.get("ScalingConfig", {}).get("MaximumConcurrency", 0)
        if name in streams and not 1 <= int(mapping.get("ParallelizationFactor", 0)) <= 10:
            yield name
        if name not in streams and not 2 <= int(most) <= 1000:
            yield name


def functions_may_feed_themselves_where_that_is_meant(resources: Resources) -> Iterator[str]:
    """Lambda stops a function that sends to its own queue after 16 rounds, silently, unless it is told not to."""
    fed = [(name, function_id) for name, _, function_id, _ in consumed(resources)]
    loops = {each for name, each in fed if "sqs:SendMessage" in granted(resources, each, f"{name}.Arn")}
    for function_id in {each for _, each in fed}:
        if (lambdas(resources)[function_id].get("RecursiveLoop") == "Allow") != (function_id in loops):
            yield function_id


def functions_log_to_a_group_that_forgets(resources: Resources) -> Iterator[str]:
    groups = of_type(resources, "AWS::Logs::LogGroup")
    for name, function in lambdas(resources).items():
        group = function.get("LoggingConfig", {}).get("LogGroup", "").removesuffix(".Ref")
        if "RetentionInDays" not in groups.get(group, {}):
            yield name


def functions_are_traced(resources: Resources) -> Iterator[str]:
    for name, function in lambdas(resources).items():
        if function.get("TracingConfig") != {"Mode": "Active"}:
            yield name


def functions_have_a_role_each(resources: Resources) -> Iterator[str]:
    roles = Counter(function["Role"] for function in lambdas(resources).values())
    known = {f"{name}.Arn" for name in of_type(resources, "AWS::IAM::Role")}
    for name, function in lambdas(resources).items():
        if roles[function["Role"]] > 1 or function["Role"] not in known:
            yield name


def functions_are_told_what_settings_know(resources: Resources) -> Iterator[str]:
    fields = {f"BRAINSCAN_{name}".upper() for name in Settings.model_fields}
    fields |= {f"BRAINSCAN_LIMIT_{name}".upper() for name in Limits.model_fields}
    needed = {f"BRAINSCAN_{name}".upper() for name, field in Settings.model_fields.items() if field.is_required()}
    needed |= {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_LOG_LEVEL"}
    for name, function in lambdas(resources).items():
        told = set(function["Environment"]["Variables"])
        unknown = {variable for variable in told - fields if not variable.startswith("POWERTOOLS_")}
        if unknown or needed - told:
            yield f"{name}: {sorted(unknown | needed - told)}"


RULES: tuple[Rule, ...] = (
    functions_report_partial_failures,
    functions_have_a_concurrency_limit,
    functions_may_feed_themselves_where_that_is_meant,
    functions_log_to_a_group_that_forgets,
    functions_are_traced,
    functions_have_a_role_each,
    functions_are_told_what_settings_know,
)
