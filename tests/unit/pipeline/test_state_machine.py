"""An execution of the state machine has the name of its run and its number, by which it is started once and stopped."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from brainscan.domain.reprocess import Run
from brainscan.pipeline.runs import StateMachine

ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:reprocess"
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:reprocess"


@pytest.fixture
def stub() -> Iterator[Stubber]:
    client = boto3.client("stepfunctions", region_name="us-east-1")
    with Stubber(client) as stub:
        yield stub
        stub.assert_no_pending_responses()


def a_run(execution: int) -> Run:
    """A run whose machine was started so often."""
    return Run(
        run_id="r1",
        model_id="a" * 64,
        selection="--all",
        by="staff",
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        scans=40,
        batches=2,
        most_at_once=7,
        dollars_per_second=0,
        dollars_per_scan=0,
        execution=execution,
    )


def test_an_execution_is_named_by_its_run_and_number_and_knows_its_batches(stub: Stubber) -> None:
    asked = {
        "run": "r1",
        "execution": 2,
        "bucket": "results",
        "manifest": "reprocess/r1/manifest-002.csv",
        "results": "reprocess/r1/results",
        "at_once": 7,
    }
    expected = {"stateMachineArn": ARN, "name": "r1-002", "input": json.dumps(asked)}
    stub.add_response(
        "start_execution", {"executionArn": f"{EXECUTION}:r1-002", "startDate": datetime.now(UTC)}, expected
    )
    StateMachine(stub.client, ARN).start(a_run(execution=2), "results")


def test_what_is_stopped_is_the_execution_that_was_started(stub: Stubber) -> None:
    stub.add_response("stop_execution", {"stopDate": datetime.now(UTC)}, {"executionArn": f"{EXECUTION}:r1-003"})
    StateMachine(stub.client, ARN).stop(a_run(execution=3))


def test_an_execution_that_never_began_is_stopped_already_and_a_refusal_is_no_stop(stub: Stubber) -> None:
    stub.add_client_error("stop_execution", "ExecutionDoesNotExist")
    StateMachine(stub.client, ARN).stop(a_run(execution=1))
    stub.add_client_error("stop_execution", "AccessDeniedException")
    with pytest.raises(ClientError, match="AccessDenied"):
        StateMachine(stub.client, ARN).stop(a_run(execution=1))
