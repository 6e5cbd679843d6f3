"""The commands of docs/local-testing.md as they stand there: SAM runs the functions, `brainscan backend` is AWS."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from brainscan.domain import Outcome
from brainscan.store import Table
from tests.container.engine import ADDRESS, ROOT, Engine
from tests.container.images import SAM, sam_environment
from tests.making import png, present

PAGE = ROOT / "docs/local-testing.md"
INTERRUPTIBLE = ["env", "--default-signal=INT"]
"""A background job of a script ignores Ctrl-C, and so would all that it starts."""


def commands(heading: str) -> str:
    """The shell block under a heading of the page."""
    section = PAGE.read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    [block] = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return block


class Terminal:
    """A user's shell: it runs what the page says, in a folder of the user's, with SAM and brainscan at hand."""

    def __init__(self, engine: Engine, folder: Path, built: Path) -> None:
        self.folder = folder
        path = [str(SAM.parent), str(Path(sys.executable).parent), os.environ["PATH"]]
        self.environment = sam_environment(engine) | {
            "PATH": os.pathsep.join(path),
            "PYTHONPATH": str(ROOT / "layers/brainscan"),
            "BRIDGE": ADDRESS,
            "BUILD": str(built),
        }

    def run(self, script: str) -> str:
        """Run commands; what they print."""
        # The functions take the address and folder that the tests have, in place of Docker's and SAM's own.
        script = script.replace("172.17.0.1", ADDRESS).replace(".aws-sam/build", "$BUILD")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=400,
        )
        assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout


@pytest.fixture(scope="module")
def terminal(docker: Engine, built: Path, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A shell with one scan at hand."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "scan.png").write_bytes(png(200, seed=7))
    (folder / "template.yaml").symlink_to(ROOT / "template.yaml")
    (folder / "functions").symlink_to(ROOT / "functions")
    return Terminal(docker, folder, built)


@pytest.fixture(scope="module")
def endpoint(terminal: Terminal) -> Iterator[str]:
    """`brainscan backend`, as the page starts it."""
    script = commands("An AWS of your own").replace("172.17.0.1", ADDRESS).replace(".aws-sam/build", "$BUILD")
    script = script.replace("brainscan backend", "exec brainscan backend")
    running = subprocess.Popen(
        [*INTERRUPTIBLE, "bash", "-euc", script],
        cwd=terminal.folder,
        env=terminal.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stdout is not None
        yield running.stdout.readline().split()[1]
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(30)


def test_sam_invokes_intake_and_analyze_with_generated_events(terminal: Terminal, endpoint: str) -> None:
    terminal.environment["AWS_ENDPOINT_URL"] = endpoint
    answer = json.loads(terminal.run(commands("One upload")).splitlines()[-1])
    assert answer == {"batchItemFailures": []}
    answer = json.loads(terminal.run(commands("Its scan")).splitlines()[-1])
    assert answer == {"batchItemFailures": []}

    keys: dict[str, Any] = {
        "aws_access_key_id": "testing",
        "aws_secret_access_key": "testing",
        "region_name": "us-east-1",
    }
    table = json.loads((Path(terminal.environment["BUILD"]) / "env.json").read_text())["Analyze"][
        "BRAINSCAN_TABLE_NAME"
    ]
    scans = Table.over(boto3.client("dynamodb", endpoint_url=endpoint, **keys), table).scans
    scan_id = json.loads(json.loads((terminal.folder / "scan.json").read_text())["Records"][0]["body"])["scan_id"]
    assert present(scans.get(scan_id)).outcome in {Outcome.ANALYZED, Outcome.ABSTAINED}


def test_sam_serves_lambdas_api(terminal: Terminal, endpoint: str) -> None:
    script = commands("Lambda's own API").splitlines()
    server = subprocess.Popen(
        [*INTERRUPTIBLE, "bash", "-euc", "exec " + script[0].replace(".aws-sam/build", "$BUILD").removesuffix(" &")],
        cwd=terminal.folder,
        env=terminal.environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr is not None
        for line in server.stderr:
            if "Running on http://127.0.0.1:3001" in line:
                break
        request = urllib.request.Request(
            "http://127.0.0.1:3001/2015-03-31/functions/Analyze/invocations",
            (terminal.folder / "scan.json").read_bytes(),
        )
        with urllib.request.urlopen(request, timeout=300) as answer:  # noqa: S310
            assert json.loads(answer.read()) == {"batchItemFailures": []}
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)
