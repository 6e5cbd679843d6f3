"""`brainscan dlq`: what failed every time in a deployed stack, and how it gets another chance."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from typing import Annotated

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table

from brainscan.events import MessageError, parse_given_up_report, parse_part, parse_report, parse_scan, parse_uploads
from brainscan.store.dead_letters import DeadLetter, DeadLetters, RedriveError
from brainscan.store.table import Reports
from brainscan.store.table.client import TableClient

NOTHING_FOUND = 1
NOT_REACHED = 3

app = typer.Typer(help="Look at dead-letter queues, and send messages back.", no_args_is_help=True)


class QueueName(StrEnum):
    """Which step gave a message up."""

    UPLOADS = "uploads"
    SCANS = "scans"
    REPORTS = "reports"
    DELIVERIES = "deliveries"


OUTPUTS = {
    QueueName.UPLOADS: ("UploadDLQUrl", "UploadQueueUrl"),
    QueueName.SCANS: ("ScanDLQUrl", "ScanQueueUrl"),
    QueueName.DELIVERIES: ("DeliveryDLQUrl", "DeliveryQueueUrl"),
}
REPORTS_OUTPUT = "ReportDLQUrl"

Stack = Annotated[str, typer.Option(envvar="BRAINSCAN_STACK", help="Name of the deployed stack.")]
From = Annotated[QueueName, typer.Option("--queue", help="Which dead-letter queue.")]


@app.command("list")
def list_letters(stack: Stack = "brainscan") -> None:
    """List the messages of all dead-letter queues, the first thousand of each.

    Example: `brainscan dlq list --stack brainscan`

    Exit codes: 0 there are messages; 1 there are none; 2 wrong usage; 3 the stack cannot be reached.
    """
    table = Table("queue", "message", "sent", "receives", "speaks of")
    with _open_queues(stack) as letters_of:
        for queue, letters in ((queue, letters_of(queue)) for queue in QueueName):
            for letter in letters.letters() if letters else []:
                subject = "; ".join(_subjects(queue, letter))
                table.add_row(queue, letter.message_id, f"{letter.sent_at:%F %T}", str(letter.receives), subject)
    if not table.row_count:
        raise typer.Exit(NOTHING_FOUND)
    Console().print(table)


@app.command()
def show(message_id: str, queue: From = QueueName.SCANS, stack: Stack = "brainscan") -> None:
    """Show what one message speaks of, without any name that an upload's key may hold.

    Example: `brainscan dlq show 5fea7756-0ea4-451a-a703-a558b933e274 --queue scans`

    Exit codes: 0 found; 1 no such message; 2 wrong usage; 3 the stack cannot be reached.
    """
    with _open_queues(stack) as letters_of:
        letters = letters_of(queue)
        found = [letter for letter in letters.letters() if letter.message_id == message_id] if letters else []
    if not found:
        raise typer.Exit(NOTHING_FOUND)
    letter = found[0]
    typer.echo(f"sent {letter.sent_at:%F %T} UTC, received {letter.receives} times")
    for subject in _subjects(queue, letter):
        typer.echo(subject)


@app.command()
def redrive(
    message_ids: Annotated[list[str] | None, typer.Argument(help="Messages to send back.")] = None,
    queue: From = QueueName.SCANS,
    everything: Annotated[bool, typer.Option("--all", help="Send every message back.")] = False,
    stack: Stack = "brainscan",
) -> None:
    """Have work tried again: a scan is analyzed, an upload taken in, a series reported, a report delivered.

    Example: `brainscan dlq redrive --queue scans --all`

    Exit codes: 0 sent; 1 nothing to send; 2 wrong usage; 3 the stack cannot be reached, or SQS stopped half-way.
    """
    if bool(message_ids) == everything:
        raise typer.BadParameter("name messages, or say --all")
    with _open_queues(stack) as letters_of:
        letters = letters_of(queue)
        moved = 0
        if letters:
            moved = len(letters.redrive(message_ids)) if message_ids else letters.redrive_all()
    typer.echo(f"sent back: {moved}")
    if not moved:
        raise typer.Exit(NOTHING_FOUND)


@contextmanager
def _open_queues(stack: str) -> Iterator[Callable[[QueueName], DeadLetters | None]]:
    """Queues by name, None for one that the stack does not have.

    Trouble on the way to them is told in a line, with its remedy.
    """
    try:
        described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
        sqs = boto3.client("sqs")

        def letters_of(queue: QueueName) -> DeadLetters | None:
            if queue is QueueName.REPORTS:
                reports = Reports(TableClient(boto3.client("dynamodb"), outputs["TableName"]))
                return DeadLetters(sqs, outputs[REPORTS_OUTPUT], again=partial(_report_again, reports=reports))
            dead, source = OUTPUTS[queue]
            return DeadLetters(sqs, outputs[dead], outputs[source]) if dead in outputs else None

        yield letters_of
    except RedriveError as error:
        Console(stderr=True).print(f"[red]{error}[/red]: what is left can be redriven again")
        raise typer.Exit(NOT_REACHED) from None
    except (BotoCoreError, ClientError) as error:
        Console(stderr=True).print(
            f"[red]cannot reach stack {stack}[/red] ({type(error).__name__}): check its name, and the AWS credentials "
            "and region"
        )
        raise typer.Exit(NOT_REACHED) from None


def _report_again(body: str, reports: Reports) -> bool:
    """Have a series reported anew; False where the message names none, or one that is no more."""
    try:
        return reports.reset_attempts(parse_given_up_report(body).series_id)
    except MessageError:
        return False


def _subjects(queue: QueueName, letter: DeadLetter) -> list[str]:
    """What a message speaks of, by ids as they stand in logs and in the table; never by an upload's key."""
    try:
        if queue is QueueName.SCANS:
            scan = parse_scan(letter.body)
            return [f"scan {scan.scan_id} of export {scan.export_id}"]
        if queue is QueueName.REPORTS:
            given_up = parse_given_up_report(letter.body)
            return [f"revision {given_up.revision} of series {given_up.series_id}"]
        if queue is QueueName.DELIVERIES:
            report = parse_report(letter.body)
            return [f"report {report.revision} of series {report.series_id}"]
        if part := parse_part(letter.body):
            return [f"part {part.number} of export {part.export_id}"]
        return [
            f"bucket {upload.bucket}, version {upload.version_id}, received {upload.received_at:%F %T} UTC"
            for upload in parse_uploads(letter.body)
        ]
    except MessageError as error:
        return [str(error)]
