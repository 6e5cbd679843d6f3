"""`brainscan rotate-secret`: a new version of the pseudonym secret, for who is first seen from some hours on."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from brainscan.cli.table import NOT_REACHED
from brainscan.domain import RESEARCH_USE_STATEMENT
from brainscan.identity import Keyring
from brainscan.services import CLIENT, SECRET_AGE_S
from brainscan.store.errors import error_code

LEAD: Final = timedelta(seconds=2 * SECRET_AGE_S)
"""By then every process has read the new version: they keep what they read for half of it."""


def rotate_secret(
    secret_arn: Annotated[
        str, typer.Option(envvar="BRAINSCAN_PSEUDONYM_SECRET_ARN", help="The stack's output PseudonymSecretArn.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Add a version; without it, only show which there are.")] = False,
) -> None:
    """Show the versions of the pseudonym secret with their beginnings, or with --yes add one that begins in 2 hours.

    Whoever was seen before keeps the pseudonym of the first time; older versions stay in the secret for that.
    Example: `brainscan rotate-secret --yes`

    Exit codes: 0 shown or added; 1 the last version has not begun yet; 3 AWS cannot be reached or refused.
    """
    console = Console()
    try:
        client = boto3.client("secretsmanager", config=CLIENT)
        keyring = Keyring.parse(client.get_secret_value(SecretId=secret_arn)["SecretString"])
        now = datetime.now(UTC)
        if yes:
            begun = keyring.versions[-1].since
            if begun is not None and begun > now:
                Console(stderr=True).print(f"the last version begins at {begun:%F %H:%M} UTC: rotate after that")
                raise typer.Exit(1)
            text = keyring.rotated(secrets.token_hex(32), now + LEAD)
            client.put_secret_value(SecretId=secret_arn, SecretString=text)
            keyring = Keyring.parse(text)
    except (ClientError, BotoCoreError) as error:
        code = error_code(error) or type(error).__name__
        Console(stderr=True).print(f"[red]the pseudonym secret cannot be read or written[/red] ({code})")
        raise typer.Exit(NOT_REACHED) from None
    for number, version in enumerate(keyring.versions, 1):
        since = "the beginning" if version.since is None else f"{version.since:%F %H:%M} UTC"
        console.print(f"version {number}: names patients and uploads that were first seen since {since}")
    if not yes:
        console.print("Nothing was changed: say --yes to add a version.")
    console.print(f"[dim]{RESEARCH_USE_STATEMENT}[/dim]")
