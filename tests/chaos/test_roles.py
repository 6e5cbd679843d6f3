"""Every role allows what its function is seen to call, in runs with all kinds of uploads and faults, and no more."""

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import pytest

from brainscan.store.queues import message
from tests.chaos.deadly import deadly
from tests.chaos.faults import USUAL
from tests.chaos.left import Left
from tests.chaos.roles import Grant, allowed, covers, recorded
from tests.chaos.test_delivery import STOW, delivering
from tests.chaos.uploads import Upload, uploads
from tests.chaos.world import LONGEST_S, ROOT, Scenario, World, attribute, rotation, template_of, world_of
from tests.making import png, zipped
from tests.series import file_bytes, mr_series

FUNCTIONS = ("Intake", "Analyze", "GiveUp", "Count", "Report", "Deliver")
ELSEWHERE = {
    "Reprocess": "tests/chaos/test_reprocessing.py",
    "ResultsApi": "tests/unit/api/test_role.py",
    "MeasureDrift": "tests/unit/pipeline/test_drift.py",
}
"""Functions that nothing in such a run calls, and where their roles are looked at."""

UNSEEN: dict[str, str] = {
    "xray:*": "Lambda's own, for its traces",
    "logs:*": "Lambda's own",
    "sqs:ReceiveMessage": "Lambda's, for the event source mapping",
    "sqs:DeleteMessage": "Lambda's, for the event source mapping",
    "sqs:GetQueueAttributes": "Lambda's, for the event source mapping",
    "dynamodb:DescribeStream": "Lambda's, for the event source mapping",
    "dynamodb:GetRecords": "Lambda's, for the event source mapping",
    "dynamodb:GetShardIterator": "Lambda's, for the event source mapping",
    "dynamodb:ListStreams": "Lambda's, for the event source mapping",
    "sqs:SendMessage CountDLQ": "Lambda's, for records that it gives up",
    "sqs:SendMessage ReportDLQ": "Lambda's, for records that it gives up",
    "s3:ListBucket": "without it, S3 says 403 of what does not exist",
    "secretsmanager:GetSecretValue": "runs have their secrets in the environment",
    "s3:GetObject uploads/*": "an object that was there before its bucket had versions",
    "s3:GetObject results/models/*": "a registered model; runs have theirs in memory",
    "s3:PutObject results/shadow/*": "a shadow model; runs have none",
}
"""Actions, or those on one resource, that a role needs though no run calls them, and why."""


REPLACED_BY_A_DEADLY_ONE = tuple(
    Upload(
        0, at, "exports/deadly.zip", zipped({f"{place}.png": png(48, place) for place in range(files)}), files, files
    )
    for at, files in ((0.5, 3), (5.0, 14))
)
"""An archive, and a new version of it of which a part is `deadly`."""

DEADLY = Upload(0, 5.0, "loose/deadly.png", png(48), 1, 1)

OF_NOBODY_KNOWN = Upload(0, 5.0, "loose/nobody.dcm", file_bytes(mr_series(2, PatientID="")[0]), 1, 1)
"""After the rotation of the secret: its study has no PatientID to be named by."""


def give_up_at_once(world: World) -> None:
    """Let two invocations give up the same scan at the same time: one of them loses."""
    waiting = next(each for each in Left(world).scans.values() if each["outcome"] == "queued")
    record = world.services.table.scans.get(waiting["scan_id"])
    assert record
    for delay_s in (0.01, 0.03):
        world.sqs.send("ScanGiveUpQueue", message(record), delay_s)


@pytest.fixture(scope="module")
def calls() -> dict[str, set[Grant]]:
    """What each function asked for while images, archives, replaced versions, junk and reports went through."""
    found: dict[str, set[Grant]] = {}
    some = uploads(2, 30, 6.0, poisons=1) + uploads(3, 2, 6.0, kinds=("junk",))
    given = tuple(
        replace(each, number=number)
        for number, each in enumerate([*some, *REPLACED_BY_A_DEADLY_ONE, DEADLY, OF_NOBODY_KNOWN])
    )
    told = (*STOW, ("TableItemRetentionDays", "10"))
    scenario = Scenario(2, given, replace(USUAL, kills=0.05, duplicates=0.3), second_model_from=3.0, parameters=told)
    scenario = replace(scenario, environment=(rotation(3.0),))
    with (
        delivering(),
        deadly("Deliver", "DeliveryQueue", lambda body: body["detail"]["series_id"] < "4"),
        deadly("Intake", "UploadQueue", lambda body: body.get("number") == 1 and body.get("stop") == 12),
        deadly("Intake", "UploadQueue", lambda body: "deadly.png" in str(body)),
        recorded(found),
        world_of(scenario) as world,
    ):
        world.simulation.after(200.0, lambda: give_up_at_once(world))
        world.run()
        world.simulation.now += 3650 * 86_400  # all expires
        world.dynamodb.expire()
        world.simulation.run(until=world.simulation.elapsed + LONGEST_S)
    return found


def roles() -> dict[str, set[Grant]]:
    return allowed(template_of(STOW), attribute)


def refused(calls: set[Grant], grants: set[Grant]) -> set[Grant]:
    """Calls that a role does not allow."""
    return {call for call in calls if not any(covers(grant, call) for grant in grants)}


def superfluous(calls: set[Grant], grants: set[Grant]) -> set[Grant]:
    """Grants that no call needs, and that have no reason besides."""
    unused = {grant for grant in grants if not any(covers(grant, call) for call in calls)}
    return {(action, to) for action, to in unused if not _has_reason(action, to)}


def _has_reason(action: str, to: str) -> bool:
    return any(fnmatchcase(f"{action} {to}", each) or fnmatchcase(action, each) for each in UNSEEN)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_allows_what_its_function_calls_and_nothing_besides(calls: dict[str, set[Grant]], function: Any) -> None:
    assert refused(calls[function], roles()[function]) == set()
    assert superfluous(calls[function], roles()[function]) == set()


def test_every_function_is_looked_at_somewhere(calls: dict[str, set[Grant]]) -> None:
    assert set(calls) == set(FUNCTIONS)
    served = (*STOW, ("JwtIssuer", "https://issuer.example"))
    assert {*FUNCTIONS, *ELSEWHERE} == {each.logical_id for each in template_of(served).functions()}
    assert all("role" in (ROOT / path).read_text() for path in ELSEWHERE.values())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_without_one_of_the_called_actions_is_noticed(calls: dict[str, set[Grant]], function: Any) -> None:
    for grant in roles()[function]:
        if any(covers(grant, call) for call in calls[function]):
            assert refused(calls[function], roles()[function] - {grant})


def test_a_role_with_another_action_is_noticed(calls: dict[str, set[Grant]]) -> None:
    more: set[Grant] = {("dynamodb:Scan", "scans"), ("s3:DeleteObject", "uploads/*"), ("sqs:SendMessage", "ScanDLQ")}
    assert superfluous(calls["Analyze"], roles()["Analyze"] | more) == more


def test_every_reason_is_needed_by_a_role() -> None:
    grants = {f"{action} {to}" for each in roles().values() for action, to in each}
    actions = {grant.partition(" ")[0] for grant in grants}
    assert [each for each in UNSEEN if not any(fnmatchcase(one, each) for one in grants | actions)] == []
