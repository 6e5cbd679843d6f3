"""The image behind Lambda's runtime interface emulator: SQS event in, partial batch response out, moto behind it."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from brainscan.domain import RESEARCH_USE_STATEMENT, Outcome
from tests.container.backend import ContainerBackend
from tests.container.emulated import Environment, environment
from tests.container.engine import Engine
from tests.container.images import ANALYZE
from tests.making import png


@pytest.fixture(scope="module")
def running(docker: Engine, built: Path, backend: ContainerBackend) -> Iterator[Environment]:
    """The function, started with the template's memory."""
    with environment(docker, backend.variables("Analyze"), backend.memory_mb("Analyze")) as started:
        yield started


def test_a_batch_is_answered_with_its_failures_and_the_rest_is_stored(
    running: Environment, backend: ContainerBackend
) -> None:
    backend.take_in([png(200, seed=1), png(200, seed=2)])
    event = backend.event()
    broken = json.loads(json.dumps(event["Records"][0])) | {"messageId": "broken", "body": "Jane Doe"}
    begun = time.perf_counter()

    answer = running.invoke({"Records": [*event["Records"], broken]})

    first_s = begun - running.begun + time.perf_counter() - begun
    assert answer == {"batchItemFailures": [{"itemIdentifier": "broken"}]}
    ids = [json.loads(record["body"])["scan_id"] for record in event["Records"]]
    settled = backend.table.scans.get_many(ids)
    assert {record.outcome for record in settled.values()} <= {Outcome.ANALYZED, Outcome.ABSTAINED}
    assert len(settled) == 2
    s3 = backend.client("s3")
    for record in settled.values():
        result = s3.get_object(Bucket=backend.name("ResultsBucket"), Key=record.result_key)
        assert json.loads(result["Body"].read())["research_use"] == RESEARCH_USE_STATEMENT
    assert "Jane" not in running.container.logs()
    print(f"\ncold start to the first answer: {first_s:.1f} s; peak memory {running.container.peak_mib:.0f} MiB")


def test_a_repeated_event_succeeds_and_changes_nothing(running: Environment, backend: ContainerBackend) -> None:
    backend.take_in([png(200, seed=3)])
    event = backend.event()
    [scan_id] = [json.loads(record["body"])["scan_id"] for record in event["Records"]]
    assert running.invoke(event) == {"batchItemFailures": []}
    once = backend.table.scans.get(scan_id)
    assert running.invoke(event) == {"batchItemFailures": []}
    assert backend.table.scans.get(scan_id) == once


def test_the_engine_enforces_the_templates_memory(running: Environment, backend: ContainerBackend) -> None:
    assert int(running.container.inspect("{{.HostConfig.Memory}}")) == backend.memory_mb("Analyze") * 1024**2
    assert running.container.peak_mib < backend.memory_mb("Analyze")


def test_its_root_is_read_only_and_tmp_is_not(running: Environment, docker: Engine) -> None:
    write = "touch /var/task/x 2>/dev/null && echo root; touch /tmp/x && echo tmp"
    assert docker.docker("exec", running.container.name, "sh", "-c", write) == "tmp"


def test_it_starts_and_answers_without_any_network(docker: Engine, built: Path, backend: ContainerBackend) -> None:
    ask = (
        "import time, urllib.request\n"
        "for _ in range(3000):\n"
        "    try:\n"
        "        print(urllib.request.urlopen('http://127.0.0.1:8080/2015-03-31/functions/function/invocations',"
        " b'{\"Records\": []}').read().decode())\n"
        "        break\n"
        "    except ConnectionRefusedError: pass\n"
        "    except urllib.error.URLError: time.sleep(0.1)\n"
    )
    variables = [part for item in backend.variables("Analyze").items() for part in ("--env", "=".join(item))]
    with docker.container("--network=none", "--read-only", "--tmpfs=/tmp", *variables, ANALYZE) as alone:
        answer = docker.docker("exec", alone.name, "python3", "-c", ask)
    assert json.loads(answer) == {"batchItemFailures": []}
