"""The images under test: the local stand-in for Lambda's base, and the function's own as `sam build` makes it."""

import os
import subprocess
from pathlib import Path

from tests.container.engine import ROOT, Engine

SAM = ROOT / ".venv-sam/bin/sam"
RAPID = "lib/python*/site-packages/samcli/local/rapid/aws-lambda-rie-x86_64"

BASE = "public.ecr.aws/lambda/python:3.12"
BASE_PYTHON = "3.13"
"""What the stand-in has; libraries of zip functions are built for it."""

ANALYZE = "analyze:analyze"
"""What `sam build` calls the function's image: DockerTag and the function's name in the template."""

BUDGET_MB = 300
"""What the image may add to its base, unpacked."""


def cache() -> Path:
    """Where a Debian root outlives a checkout."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "brainscan"


def make_base(engine: Engine) -> None:
    """Build the stand-in under the names by which AWS's base is asked for: of the function's Dockerfile, and of SAM."""
    [rie] = (ROOT / ".venv-sam").glob(RAPID)
    script = ROOT / "infra/images/lambda-base/make.sh"
    _run([str(script), BASE, str(rie), str(cache())], engine.environment)
    engine.docker("tag", BASE, f"{BASE}-x86_64")


def sam_build(engine: Engine, into: Path) -> None:
    """`sam build`, with the libraries of zip functions made for the stand-in's Python."""
    # SAM gives builds the bridge, which leads nowhere: the same build with this machine's network fills its cache.
    engine.docker("build", "--quiet", "--network=host", "--file=functions/analyze/Dockerfile", "--tag", ANALYZE, ".")
    _run([str(SAM), "build", "--build-dir", str(into)], sam_environment(engine) | {"LAMBDA_PYTHON": BASE_PYTHON})


def sam_environment(engine: Engine) -> dict[str, str]:
    """For SAM's commands: no telemetry, no account."""
    return engine.environment | {
        "SAM_CLI_TELEMETRY": "0",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
