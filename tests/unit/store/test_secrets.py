"""A secret is remembered for a while, and what Secrets Manager refuses for a moment is asked for again."""

import time
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from brainscan.store import Secrets

ARN = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:pacs"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)


def answering(*answers: object) -> Mock:
    """A client of Secrets Manager that answers so, in turn: texts, or codes of errors."""
    client = Mock()
    client.get_secret_value.side_effect = answers
    return client


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "GetSecretValue")


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServiceError"])
def test_what_passes_by_itself_is_asked_for_again(code: str) -> None:
    client = answering(refused(code), refused(code), {"SecretString": "password"})
    assert Secrets(lambda: client).text(ARN, 60) == "password"
    assert client.get_secret_value.call_count == 3


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException"])
def test_what_does_not_pass_is_raised_at_once_with_its_code(code: str) -> None:
    client = answering(refused(code))
    with pytest.raises(ClientError, match=code):
        Secrets(lambda: client).text(ARN, 60)
    assert client.get_secret_value.call_count == 1


def test_a_secret_is_remembered_for_its_age_and_read_anew_after_it() -> None:
    secrets = Secrets(lambda: answering({"SecretString": "old"}, {"SecretString": "new"}))
    assert [secrets.text(ARN, 60), secrets.text(ARN, 60)] == ["old", "old"]
    brief = Secrets(lambda: answering({"SecretString": "old"}, {"SecretString": "new"}))
    assert [brief.text(ARN, -1), brief.text(ARN, -1)] == ["old", "new"]


def test_no_client_is_made_before_a_secret_is_asked_for() -> None:
    made = Mock(return_value=answering({"SecretString": "password"}))
    secrets = Secrets(made)
    made.assert_not_called()
    secrets.text(ARN, 60)
    made.assert_called_once_with()
