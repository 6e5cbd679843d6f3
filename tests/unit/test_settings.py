"""Settings and limits come from the environment; functions make the clients that they need."""

import pytest
from pydantic import ValidationError

from brainscan.services import services_of
from brainscan.settings import Limits, Settings

NAMES = {"BRAINSCAN_RESULTS_BUCKET": "results", "BRAINSCAN_TABLE_NAME": "scans"}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """What every function is told."""
    for name, value in NAMES.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_each_variable_goes_to_the_field_of_its_name_as_the_type_that_it_has(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("BRAINSCAN_RETENTION_DAYS", "90")
    environment.setenv("BRAINSCAN_PSEUDONYM_SECRET", "s3cret")
    environment.setenv("BRAINSCAN_LIMIT_PIXELS", "100")
    found = Settings.read()
    assert (found.results_bucket, found.retention_days, found.link_seconds) == ("results", 90, 300)
    assert "s3cret" not in repr(found)
    assert Limits.read() == Limits(pixels=100)


def test_a_variable_that_is_missing_or_wrong_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("BRAINSCAN_TABLE_NAME")
    environment.setenv("BRAINSCAN_READERS", "three")
    with pytest.raises(ValidationError) as raised:
        Settings.read()
    assert {problem["loc"] for problem in raised.value.errors()} == {("table_name",), ("readers",)}


def test_no_client_is_made_of_a_service_that_few_functions_ask() -> None:
    made: list[str] = []

    def recorded(name: str) -> object:
        made.append(name)
        return object()

    services_of(Settings.read(), Limits(), recorded)
    assert set(made) == {"s3", "sqs", "dynamodb"}
