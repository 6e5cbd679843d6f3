"""`brainscan rotate-secret`: shows by default, adds a version that begins later, loses none and shows no key."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan.identity import Keyring
from brainscan.services import SECRET_AGE_S

FIRST = "made by Secrets Manager"

Run = Callable[..., str]


@pytest.fixture
def client(aws: None) -> Any:
    return boto3.client("secretsmanager")


@pytest.fixture
def arn(client: Any) -> str:
    made: str = client.create_secret(Name="pseudonyms", SecretString=FIRST)["ARN"]
    return made


@pytest.fixture
def rotate(arn: str) -> Run:
    def run(*arguments: str, expected: int = 0) -> str:
        told = {"BRAINSCAN_PSEUDONYM_SECRET_ARN": arn, "COLUMNS": "200"}
        done = CliRunner().invoke(app, ["rotate-secret", *arguments], env=told)
        assert done.exit_code == expected, done.output
        return done.output

    return run


def test_without_yes_it_shows_the_versions_and_changes_nothing(rotate: Run, arn: str, client: Any) -> None:
    told = rotate()
    assert "version 1: names patients and uploads that were first seen since the beginning" in told
    assert "Nothing was changed" in told
    assert client.get_secret_value(SecretId=arn)["SecretString"] == FIRST


def test_a_new_version_begins_once_every_process_knows_it(rotate: Run, arn: str, client: Any) -> None:
    told = rotate("--yes")
    keyring = Keyring.parse(client.get_secret_value(SecretId=arn)["SecretString"])
    assert keyring.oldest.secret == FIRST.encode()
    [since] = [each.since for each in keyring.versions if each.since]
    assert since > datetime.now(UTC) + timedelta(seconds=SECRET_AGE_S + 900)  # an invocation of intake is as long
    assert f"version 2: names patients and uploads that were first seen since {since:%F %H:%M} UTC" in told
    assert not [each for each in keyring.all if each.secret.decode() in told]


def test_the_value_before_a_rotation_is_a_version_of_secrets_manager(rotate: Run, arn: str, client: Any) -> None:
    rotate("--yes")
    assert client.get_secret_value(SecretId=arn, VersionStage="AWSPREVIOUS")["SecretString"] == FIRST


def test_a_version_that_has_not_begun_is_waited_for(rotate: Run, arn: str, client: Any) -> None:
    rotate("--yes")
    before = client.get_secret_value(SecretId=arn)["SecretString"]
    rotate("--yes", expected=1)
    assert client.get_secret_value(SecretId=arn)["SecretString"] == before


def test_a_secret_that_cannot_be_reached_is_told(rotate: Run) -> None:
    assert "ResourceNotFoundException" in rotate("--secret-arn", "nothing", expected=3)
