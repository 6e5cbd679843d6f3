"""What template.yaml shares with the code and with the deployment page, and what its parameters change."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from samtranslator.yaml_helper import yaml_parse

from brainscan.services import services
from brainscan.settings import Limits, limits, settings
from brainscan_local.functions import environment_of
from brainscan_local.resources import Resources
from brainscan_local.template import Template, TemplateError
from tests.unit.infra import reading
from tests.unit.infra.rendered import EVERYTHING, MONITORING, PATH, resources, symbol, template


def test_limits_default_to_the_same_values_in_the_template_and_in_the_code() -> None:
    variables = resources()["Intake"]["Properties"]["Environment"]["Variables"]
    told = {name: int(value) for name, value in variables.items() if name.startswith("BRAINSCAN_LIMIT_")}
    assert told
    assert told == {name: getattr(Limits(), name.removeprefix("BRAINSCAN_LIMIT_").lower()) for name in told}


def test_functions_agree_on_every_variable_that_they_share() -> None:
    assert environment_of(template().functions(), template(), symbol)["BRAINSCAN_TABLE_NAME"] == "Scans.Ref"


def test_every_function_has_its_code_where_the_template_says() -> None:
    for function in template().functions():
        module, _, handler = function.handler.rpartition(".")
        assert f"def {handler}(" in (function.folder / f"{module}.py").read_text()


@pytest.mark.parametrize("logical_id", ["Intake", "Analyze", "GiveUp"])
def test_a_functions_own_environment_is_all_that_its_services_need(
    logical_id: str, aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    [spec] = [each for each in template().functions() if each.logical_id == logical_id]
    attribute = Resources(template(), cache(boto3.client)).attribute
    for name, value in environment_of([spec], template(), attribute).items():
        monkeypatch.setenv(name, value)
    remembered = (settings, limits, services)
    for each in remembered:
        each.cache_clear()
    try:
        assert services().results.bucket == attribute("ResultsBucket", "Ref")
    finally:
        for each in remembered:
            each.cache_clear()


def test_an_operators_parameter_reaches_its_queues() -> None:
    other = Template(PATH, {"MaxReceiveCount": "7"})
    found = other.resolve(other.resources, symbol)
    assert int(found["ScanQueue"]["Properties"]["RedrivePolicy"]["maxReceiveCount"]) == 7


def test_without_a_pacs_there_is_nothing_that_delivers() -> None:
    undelivered = Template(PATH, {"JwtIssuer": EVERYTHING["JwtIssuer"]})
    plain = set(undelivered.resources)
    told = undelivered.resolve(undelivered.of_type("AWS::CloudFormation::Stack"), symbol)["Monitoring"]["Parameters"]
    assert {name for name, value in told.items() if value == "none"} == {
        "Deliver",
        "DeliveryQueue",
        "DeliveryGiveUpQueue",
        "DeliveryDLQ",
    }
    assert not [name for name in Template(MONITORING, told).resources if "Deliver" in name]
    assert {name for name in set(template().resources) - plain if "Deliver" in name} >= {"Deliver", "DeliveryDLQ"}
    assert not [name for name in plain if "Deliver" in name or "Pacs" in name]


def test_without_a_boundary_roles_have_none() -> None:
    plain = Template(PATH)
    roles = reading.of_type(plain.resolve(plain.resources, symbol), "AWS::IAM::Role")
    assert roles
    assert not [name for name, role in roles.items() if "PermissionsBoundary" in role]


def test_without_an_issuer_there_is_no_api_that_could_be_open() -> None:
    plain = Template(PATH)
    found = plain.resolve(plain.resources, symbol)
    assert not [name for name, each in found.items() if "ApiGateway" in each["Type"] or name.startswith("ResultsApi")]
    told = reading.of_type(found, "AWS::CloudFormation::Stack")["Monitoring"]["Parameters"]
    assert told["ResultsApi"] == told["ResultsHttpApi"] == "none"
    assert not [name for name in Template(MONITORING, told).resources if name.startswith("ResultsApi")]


NAMES = {"ApiGatewayV2": "APIGateway", "Events": "EventBridge"}
"""Services that are not called what CloudFormation calls them."""


def test_the_deployment_page_lists_every_parameter_with_its_default() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ([^|]*) \|", (PATH.parent / "docs/deploy.md").read_text(), re.MULTILINE)
    told: dict[str, Any] = {}
    for names, defaults in rows:
        if found := re.findall(r"`(\w+)`", names):
            told |= dict(zip(found, [each.strip() for each in defaults.split(";")], strict=True))
    known = yaml_parse(PATH.read_text())["Parameters"]
    assert told == {name: str(each["Default"]) or "none" for name, each in known.items()}


def test_the_deployment_page_lists_every_service_that_the_stack_is_made_of() -> None:
    rows = re.findall(r"^\| ([A-Z][^|]+) \|", (PATH.parent / "docs/deploy.md").read_text(), re.MULTILINE)
    told = {each.replace(" ", "") for names in rows for each in names.split(", ")}
    types = [each["Type"] for each in template().resources.values()]
    types += re.findall(r"Type: (AWS::\S+)", MONITORING.read_text())
    used = {NAMES.get(name, name) for name in (each.split("::")[1] for each in types)}
    assert used - told == set()
    assert told - used == {"ECR"}


def test_an_unknown_parameter_is_named() -> None:
    with pytest.raises(TemplateError, match="no parameter Misspelt"):
        Template(PATH, {"Misspelt": "1"})


def test_a_template_that_sam_refuses_is_refused_with_its_reason(tmp_path: Path) -> None:
    source = yaml_parse(PATH.read_text())
    del source["Resources"]["Intake"]["Properties"]["Handler"]
    (tmp_path / "template.yaml").write_text(json.dumps(source))
    with pytest.raises(TemplateError, match="Handler"):
        Template(tmp_path / "template.yaml")


def test_no_region_and_no_account_is_written_into_the_templates() -> None:
    """So that one stack an account and region is all that data residency takes."""
    for path in (PATH, MONITORING):
        found = re.findall(r"\b(?:us|eu|ap|sa|ca|me|af|il|cn)-[a-z]+-\d\b|:\d{12}:", path.read_text())
        assert found == []
