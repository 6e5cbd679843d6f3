"""template.yaml -> plain CloudFormation -> resolved values: the one description of resources, read locally."""

import json
import logging
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from boto3.session import Session
from samtranslator.parser.parser import Parser
from samtranslator.public.exceptions import InvalidDocumentException
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from brainscan.domain import BrainscanError

for _warns_of_what_only_aws_has in ("samtranslator.metrics", "samtranslator.feature_toggle.feature_toggle"):
    logging.getLogger(_warns_of_what_only_aws_has).setLevel(logging.ERROR)

REGION = "us-east-1"
ACCOUNT = "123456789012"
STACK = "brainscan"

TASK_ROOT = "/var/task"
"""Where Lambda puts a function's folder, zip or image: an environment variable below it means a file of that folder."""

NO_VALUE: Final = object()
"""What `AWS::NoValue` stands for: a property that is left out."""

PSEUDO_PARAMETERS: Final[dict[str, Any]] = {
    "AWS::AccountId": ACCOUNT,
    "AWS::NoValue": NO_VALUE,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/0-0-0-0-local",
    "AWS::StackName": STACK,
    "AWS::URLSuffix": "amazonaws.com",
}

Attribute = Callable[[str, str], str]
"""(logical id, attribute) -> value of `!GetAtt`; the attribute "Ref" is that of `!Ref`."""


class TemplateError(BrainscanError):
    """The template is absent, wrong, or beyond what the laptop stack reads."""


@dataclass(frozen=True)
class FunctionSpec:
    """A function as the template describes it.

    `folder` holds its handler's module, and is `/var/task` to Lambda; `environment` is unresolved.
    """

    logical_id: str
    folder: Path
    handler: str
    environment: Mapping[str, Any]
    timeout_s: int
    memory_mb: int


@dataclass(frozen=True)
class MappingSpec:
    """An event source mapping from a queue to a function."""

    function_id: str
    queue_id: str
    batch_size: int
    window_s: int
    partial_responses: bool


@dataclass(frozen=True)
class StreamSpec:
    """An event source mapping from a table's stream to a function.

    `patterns` are its filters; what fails to the end is told to the queue `dead_letter_id`. Its events name their shard
    where it has a tumbling window.
    """

    function_id: str
    table_id: str
    patterns: tuple[Mapping[str, Any], ...]
    batch_size: int
    window_s: int
    retries: int
    bisect: bool
    partial_responses: bool
    names_shard: bool
    dead_letter_id: str | None


class Template:
    """A SAM template, translated, with its parameters filled in.

    Args:
        path: template.yaml; functions' folders are relative to it.
        parameters: Values in place of the template's defaults.

    Raises:
        TemplateError: not a valid SAM template, or a parameter that it does not have.
    """

    def __init__(self, path: Path, parameters: Mapping[str, str] | None = None) -> None:
        source = yaml_parse(path.read_text(encoding="utf-8"))
        self._parameters = _parameters(source, parameters or {})
        self._root = path.parent
        self._source = source["Resources"]
        self._mappings = source.get("Mappings", {})
        self._conditions = source.get("Conditions", {})
        translated = _translated(source, self._parameters)["Resources"]
        self.resources: dict[str, dict[str, Any]] = {
            name: each for name, each in translated.items() if self._holds(each.get("Condition"))
        }

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Unresolved properties of all resources of a type, by logical id."""
        found = {name: each for name, each in self.resources.items() if each["Type"] == kind}
        return {name: each.get("Properties", {}) for name, each in found.items()}

    def functions(self) -> list[FunctionSpec]:
        """Every function."""
        return [self._function(name, properties) for name, properties in self.of_type("AWS::Lambda::Function").items()]

    def mappings(self) -> list[MappingSpec]:
        """Every mapping from a queue to a function."""
        queues = self.of_type("AWS::SQS::Queue")
        return [_mapping(each) for each in self.sources() if _target(each["EventSourceArn"]) in queues]

    def streams(self) -> list[StreamSpec]:
        """Every mapping from a table's stream to a function."""
        tables = self.of_type("AWS::DynamoDB::Table")
        return [_stream(each) for each in self.sources() if _target(each["EventSourceArn"]) in tables]

    def definition(self, logical_id: str) -> str:
        """A state machine in the Amazon States Language, its substitutions not made."""
        path: Path = self._root / self._source[logical_id]["Properties"]["DefinitionUri"]
        return path.read_text(encoding="utf-8")

    def sources(self) -> list[dict[str, Any]]:
        """Unresolved properties of every event source mapping; what feeds a function's alias feeds the function here.

        One version of each is loaded.
        """
        aliases = self.of_type("AWS::Lambda::Alias")
        found = self.of_type("AWS::Lambda::EventSourceMapping").values()
        behind = [aliases.get(_target(each["FunctionName"]), each)["FunctionName"] for each in found]
        return [each | {"FunctionName": function} for each, function in zip(found, behind, strict=True)]

    def _holds(self, condition: str | None) -> bool:
        """Whether what has a condition exists with these parameters."""
        return condition is None or bool(self.resolve(self._conditions[condition], _no_attribute))

    def resolve(self, node: Any, attribute: Attribute) -> Any:
        """Replace every intrinsic function in `node` by its value.

        Raises:
            TemplateError: an intrinsic function that the template did not use so far.
        """
        if isinstance(node, list):
            return [each for each in (self.resolve(one, attribute) for one in node) if each is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            [(name, argument)] = node.items()
            if name == "Ref":
                return self._ref(argument, attribute)
            if name.startswith("Fn::"):
                return self._function_value(name.removeprefix("Fn::"), argument, attribute)
        resolved = {name: self.resolve(each, attribute) for name, each in node.items()}
        return {name: each for name, each in resolved.items() if each is not NO_VALUE}

    def _ref(self, name: str, attribute: Attribute) -> Any:
        known = PSEUDO_PARAMETERS | self._parameters
        return known[name] if name in known else attribute(name, "Ref")

    def _function_value(self, name: str, argument: Any, attribute: Attribute) -> Any:
        if name == "GetAtt":
            return attribute(argument[0], argument[1])
        if name == "Sub":
            text, local = argument if isinstance(argument, list) else (argument, {})
            return self._substituted(text, self.resolve(local, attribute), attribute)
        if name == "If":
            return self.resolve(argument[1 if self._holds(argument[0]) else 2], attribute)
        parts = self.resolve(argument, attribute)
        if name == "Join":
            return parts[0].join(map(str, parts[1]))
        if name == "Split":
            return parts[1].split(parts[0])
        if name == "Select":
            return parts[1][int(parts[0])]
        if name == "Equals":
            return parts[0] == parts[1]
        if name == "Not":
            return not parts[0]
        if name == "FindInMap":
            return self._mappings[parts[0]][parts[1]][parts[2]]
        raise TemplateError(f"Fn::{name} is not resolved locally; add it where this is raised")

    def _substituted(self, text: str, local: Mapping[str, Any], attribute: Attribute) -> str:
        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name in local:
                return str(local[name])
            logical_id, _, asked = name.partition(".")
            return str(attribute(logical_id, asked) if asked else self._ref(name, attribute))

        return re.sub(r"\$\{([^!}]+)\}", value, text)

    def _function(self, logical_id: str, properties: dict[str, Any]) -> FunctionSpec:
        source = self._source[logical_id]
        dockerfile = source.get("Metadata", {}).get("Dockerfile")
        command = properties.get("ImageConfig", {}).get("Command", [])
        folder = Path(dockerfile).parent if dockerfile else source["Properties"].get("CodeUri")
        handler = properties.get("Handler") or (command[0] if command else None)
        if folder is None or handler is None:
            wanted = "CodeUri and Handler, or Metadata.Dockerfile and ImageConfig.Command for an image"
            raise TemplateError(f"{logical_id} does not say where its handler is: set {wanted}, on the function itself")
        sizes = self.resolve([properties.get("Timeout", 3), properties.get("MemorySize", 128)], _no_attribute)
        environment = properties.get("Environment", {}).get("Variables", {})
        return FunctionSpec(logical_id, self._root / folder, handler, environment, int(sizes[0]), int(sizes[1]))


def _parameters(source: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    known = source.get("Parameters", {})
    if unknown := sorted(set(given) - set(known)):
        raise TemplateError(f"the template has no parameter {', '.join(unknown)}; it has {', '.join(known)}")
    return {name: given.get(name, each.get("Default")) for name, each in known.items()}


def _translated(source: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Plain CloudFormation. SAM wants built artifacts; any name of one will do."""
    prepared = deepcopy(dict(source))
    for resource in prepared["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            properties["ContentUri"] = "s3://built/layer"
        elif resource["Type"] == "AWS::Serverless::Function":
            image = properties.get("PackageType") == "Image"
            properties["ImageUri" if image else "CodeUri"] = "built:image" if image else "s3://built/function"
        elif resource["Type"] == "AWS::Serverless::StateMachine":
            properties["DefinitionUri"] = "s3://built/definition"
    translator = Translator({}, Parser(), boto_session=Session(region_name=REGION))
    try:
        translated: dict[str, Any] = translator.translate(prepared, dict(parameters))
    except InvalidDocumentException as error:
        raise TemplateError("; ".join(str(cause.message) for cause in error.causes)) from None
    return translated


def _mapping(properties: Mapping[str, Any]) -> MappingSpec:
    return MappingSpec(
        function_id=_target(properties["FunctionName"]),
        queue_id=_target(properties["EventSourceArn"]),
        batch_size=int(properties.get("BatchSize", 10)),
        window_s=int(properties.get("MaximumBatchingWindowInSeconds", 0)),
        partial_responses="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
    )


def _stream(properties: Mapping[str, Any]) -> StreamSpec:
    filters = properties.get("FilterCriteria", {}).get("Filters", [])
    failure = properties.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    return StreamSpec(
        function_id=_target(properties["FunctionName"]),
        table_id=_target(properties["EventSourceArn"]),
        patterns=tuple(json.loads(each["Pattern"]) for each in filters) or ({},),
        batch_size=int(properties.get("BatchSize", 100)),
        window_s=int(properties.get("MaximumBatchingWindowInSeconds", 0)),
        retries=int(properties["MaximumRetryAttempts"]),
        bisect=bool(properties.get("BisectBatchOnFunctionError", False)),
        partial_responses="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
        names_shard="TumblingWindowInSeconds" in properties,
        dead_letter_id=_target(failure) if failure else None,
    )


def _target(reference: Mapping[str, Any]) -> str:
    """The logical id that a `!Ref` or `!GetAtt` points at."""
    return str(reference["Ref"] if "Ref" in reference else reference["Fn::GetAtt"][0])


def _no_attribute(logical_id: str, attribute: str) -> str:
    raise TemplateError(f"{logical_id}.{attribute} cannot be known before the resources exist")
