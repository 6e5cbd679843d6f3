"""The deployment that template.yaml describes, in simulated time: uploads go in, and what is left is looked at."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import quote_plus

from brainscan.dicom.report_identity import ReportObject
from brainscan.domain import Reason
from brainscan.identity import Keyring
from brainscan.pipeline import report
from brainscan.pipeline.objects import ReportObjects
from brainscan.services import Services, services_of
from brainscan.settings import limits, settings
from brainscan_local.functions import environment_of
from brainscan_local.template import Template
from tests.chaos.buckets import Buckets, Object
from tests.chaos.bus import Events
from tests.chaos.faults import NONE, Plan, Rates
from tests.chaos.functions import Function
from tests.chaos.mappings import QueueMapping, StreamMapping
from tests.chaos.network import MODEL_DIR, TwoModels
from tests.chaos.patching import Patches, simulated
from tests.chaos.queues import Queue, Queues
from tests.chaos.simulation import BEGIN, Simulation
from tests.chaos.table import Table
from tests.chaos.uploads import Upload, poison_fingerprints
from tests.chaos.waits import Waits
from tests.making import s3_event

ROOT = Path(__file__).parents[2]
NAMES = {"UploadsBucket": "uploads", "ResultsBucket": "results", "Scans": "scans"}
LATE_S = 600.0
"""How late S3 tells of an upload at most."""

LONGEST_S = 20 * 86_400.0
"""No run of the product takes so long; a longer one is one that never ends."""

OURS = {
    "BRAINSCAN_PSEUDONYM_SECRET": "simulated",
    "BRAINSCAN_LIMIT_PART_FILES": "6",
    "POWERTOOLS_METRICS_DISABLED": "true",
    "BRAINSCAN_MODEL_DIR": str(MODEL_DIR),
}
"""A secret, and parts so small that small archives have several."""


def rotation(at_s: float) -> tuple[str, str]:
    """The environment's variable that has the secret with a second version, which begins at that second of a run."""
    since = datetime.fromtimestamp(BEGIN + at_s, UTC)
    return "BRAINSCAN_PSEUDONYM_SECRET", Keyring.parse(OURS["BRAINSCAN_PSEUDONYM_SECRET"]).rotated("second", since)


@cache
def template_of(parameters: tuple[tuple[str, str], ...]) -> Template:
    return Template(ROOT / "template.yaml", dict(parameters))


def attribute(logical_id: str, _: str) -> str:
    """Every name of a resource is its logical id: a queue's URL as well as its ARN."""
    return NAMES.get(logical_id, logical_id)


@dataclass(frozen=True)
class Scenario:
    """What happens in a run. The same scenario always runs alike.

    `spared` are invocations that no fault hits, `second_model_from` when another model is rolled out, `parameters`
    those of the template. Without `dicom_objects`, reports are written without SEG, SR and capture, which take a
    hundred times as long to make as all else.
    """

    seed: int
    uploads: tuple[Upload, ...]
    rates: Rates = NONE
    second_model_from: float = float("inf")
    spared: frozenset[str] = frozenset()
    dicom_objects: bool = False
    parameters: tuple[tuple[str, str], ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    write_s: tuple[float, float] = (0.008, 0.025)


@dataclass
class World:
    """A scenario's clients, functions and mappings; `uploaded` are the versions of each key, the latest last."""

    scenario: Scenario
    simulation: Simulation
    plan: Plan
    s3: Buckets
    sqs: Queues
    dynamodb: Table
    events: Events
    services: Services
    functions: dict[str, Function] = field(default_factory=dict)
    streams: list[StreamMapping] = field(default_factory=list)
    queue_mappings: list[QueueMapping] = field(default_factory=list)
    uploaded: dict[str, list[tuple[Upload, Object]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.waits = Waits(self.simulation)
        self.dynamodb.listeners.append(self.waits.hear)

    def run(self, until: float | None = None) -> None:
        """Let everything happen."""
        for upload in self.scenario.uploads:
            self.simulation.after(upload.at, self._putting(upload))
        if self.scenario.second_model_from < float("inf"):
            self.simulation.after(self.scenario.second_model_from, self._roll_out)
        self.simulation.run(until if until is not None else LONGEST_S)

    @property
    def delivered(self) -> int:
        """Messages and records that functions were given, duplicates and retries included."""
        return sum(queue.received for queue in self.sqs.queues.values()) + sum(each.delivered for each in self.streams)

    def _putting(self, upload: Upload) -> Callable[[], None]:
        def put() -> None:
            made = self.s3.put("uploads", upload.key, upload.data)
            self.uploaded.setdefault(upload.key, []).append((upload, made))

        return put

    def _roll_out(self) -> None:
        """New processes load the second model; half of the warm ones end, the others serve on with the first."""
        for function in self.functions.values():
            function.cool()


@contextmanager
def world_of(scenario: Scenario, *, traced: bool = False) -> Iterator[World]:
    """The world of a scenario, and simulated time around it."""
    simulation = Simulation(scenario.seed)
    simulation.trace = [] if traced else None
    plan = Plan(scenario.seed, scenario.rates, scenario.spared)
    template = template_of(scenario.parameters)
    environment = environment_of(template.functions(), template, attribute)
    environment |= OURS | dict(scenario.environment)
    models = TwoModels(simulation, poison_fingerprints(), scenario.second_model_from)
    with simulated(simulation, environment, models) as patches:
        properties = template.of_type("AWS::DynamoDB::Table")["Scans"]
        table = Table(simulation, plan, properties, scenario.write_s)
        s3, sqs, events = Buckets(simulation, plan), Queues(simulation, plan), Events(simulation, plan)
        clients: dict[str, Any] = {"s3": s3, "sqs": sqs, "dynamodb": table, "events": events}

        def services() -> Services:
            return services_of(settings(), limits(), clients.__getitem__)

        world = World(scenario, simulation, plan, s3, sqs, table, events, services())
        _queues(world, template)
        _functions(world, template, services, patches)
        _notifications(world, template)
        _rules(world, template)
        with nullcontext() if scenario.dicom_objects else patch.object(report, "report_objects", _no_objects):
            yield world


def _no_objects(*_: Any) -> ReportObjects:
    """What a series gets that has nothing to show in DICOM."""
    return ReportObjects(withheld=dict.fromkeys(map(str, ReportObject), Reason.NO_TUMOR_FOUND))


def _queues(world: World, template: Template) -> None:
    resolved = {name: template.resolve(each, attribute) for name, each in template.of_type("AWS::SQS::Queue").items()}
    for name, each in resolved.items():
        visibility, retention = float(each.get("VisibilityTimeout", 30)), float(each["MessageRetentionPeriod"])
        delay = float(each.get("DelaySeconds", 0))
        world.sqs.queues[name] = Queue(world.simulation, name, visibility, retention, delay)
    for name, each in resolved.items():
        if redrive := each.get("RedrivePolicy"):
            world.sqs.queues[name].dead = world.sqs.queues[redrive["deadLetterTargetArn"]]
            world.sqs.queues[name].most_receives = int(redrive["maxReceiveCount"])


def _functions(world: World, template: Template, services: Callable[[], Services], patches: Patches) -> None:
    """Every function that something feeds or a state machine invokes, and what feeds it."""
    specs = {spec.logical_id: spec for spec in template.functions()}
    for properties in template.sources():
        told = template.resolve(properties, attribute)
        name = told["FunctionName"]
        if name not in world.functions:
            world.functions[name] = Function(world.simulation, world.plan, specs[name], services, patches.into_all)
        function = world.functions[name]
        if told["EventSourceArn"] in world.sqs.queues:
            queue = world.sqs.queues[told["EventSourceArn"]]
            world.queue_mappings.append(QueueMapping(world.simulation, queue, function, told))
        else:
            dead = told.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
            mapping = StreamMapping(world.simulation, world.plan, function, told, world.sqs.queues.get(dead))
            world.streams.append(mapping)
            world.dynamodb.listeners.append(mapping.hear)
    for machine in template.of_type("AWS::StepFunctions::StateMachine").values():
        name = template.resolve(machine["DefinitionSubstitutions"]["Function"], attribute)
        world.functions[name] = Function(world.simulation, world.plan, specs[name], services, patches.into_all)


def _notifications(world: World, template: Template) -> None:
    """Let the uploads bucket tell its queue of new objects, late and in any order."""
    configured = template.of_type("AWS::S3::Bucket")["UploadsBucket"]["NotificationConfiguration"]
    [queue] = [template.resolve(each["Queue"], attribute) for each in configured["QueueConfigurations"]]

    def tell(bucket: str, key: str, made: Object) -> None:
        if bucket != "uploads":
            return
        chance = world.plan.random("notification", key, made.version_id)
        late = chance.random() < world.plan.rates.late
        delay = chance.uniform(0, LATE_S) if late else chance.uniform(0.1, 2.0)
        body = s3_event(bucket, quote_plus(key), made.version_id, made.sequencer, at=made.modified)
        world.sqs.send(queue, body, delay, name=f"{key} {made.version_id}")

    world.s3.created.append(tell)


def _rules(world: World, template: Template) -> None:
    """Let the bus tell the queues that the template's rules name; each hears every event of the product."""
    for properties in template.of_type("AWS::Events::Rule").values():
        for target in template.resolve(properties, attribute)["Targets"]:
            world.events.listeners.append(partial(_announce, world, target["Arn"]))


def _announce(world: World, queue: str, event: dict[str, Any]) -> None:
    body = {"source": event["Source"], "detail-type": event["DetailType"], "detail": event["Detail"]}
    world.sqs.send(queue, json.dumps(body))
