"""`brainscan erase`: everything of a patient, shown or erased, by its pseudonym or by its PatientID."""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from brainscan.cli.render import plain_table
from brainscan.cli.serve import caller_name
from brainscan.cli.table import NOT_REACHED, NOTHING_FOUND, Table
from brainscan.dicom.values import normalized
from brainscan.domain import RESEARCH_USE_STATEMENT
from brainscan.domain.erasure import ErasureReceipt, Trace
from brainscan.identity import DIGEST_CHARACTERS
from brainscan.pipeline.erase import PatientTraces, find_traces
from brainscan.pipeline.erase import erase as erase_traces
from brainscan.pipeline.files import patient_key
from brainscan.services import CLIENT, Services, services_of
from brainscan.settings import Settings, limits
from brainscan.store.errors import error_code
from brainscan.store.object_versions import VersionsKeptError

UNDER_WAY: Final = 4

_WORDS: Final = {
    Trace.SCANS: "scans",
    Trace.REVIEWS: "reviews of scans, series and studies",
    Trace.REPROCESSED_SCANS: "marks of models that read the scans again",
    Trace.SERIES_ITEMS: "items of series",
    Trace.STUDY_ITEMS: "items of studies",
    Trace.EXPORT_LINKS: "links from exports",
    Trace.RESULT_FILES: "files of results, all versions",
    Trace.REPORT_FILES: "files of reports, all versions",
    Trace.STAGED_SOURCES: "staged sources, all versions",
    Trace.SHADOW_FINDINGS: "findings of shadow models",
    Trace.LISTING_LINES: "lines in listings of exports",
    Trace.UPLOADS: "uploads",
}


def erase(
    table: Table,
    bucket: Annotated[str, typer.Option(envvar="BRAINSCAN_RESULTS_BUCKET", help="The results bucket.")],
    secret_arn: Annotated[
        str, typer.Option(envvar="BRAINSCAN_PSEUDONYM_SECRET_ARN", help="The stack's output PseudonymSecretArn.")
    ],
    patient: Annotated[str | None, typer.Argument(help="The patient's key, as page, API and lists show it.")] = None,
    ask: Annotated[
        bool, typer.Option("--patient-id", help="Ask for the PatientID instead, or read it as a line of the input.")
    ] = False,
    issuer: Annotated[str, typer.Option(help="With --patient-id: IssuerOfPatientID, if the images state one.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Erase; without it, only show what there is.")] = False,
    with_archives: Annotated[
        bool, typer.Option("--with-archives", help="Delete uploads that hold other patients' images as well.")
    ] = False,
    receipt: Annotated[
        Path | None, typer.Option(help="Where the receipt goes, a new file; default erasure-KEY-TIME.json.")
    ] = None,
) -> None:
    """Show what there is of a patient, or with --yes erase it and write a receipt. If it breaks off, run it again.

    Example: `brainscan erase 0f3c9e… --yes --receipt erasure.json`

    Exit codes: 0 shown or erased; 1 nothing is known of the patient; 2 wrong usage; 3 AWS cannot be reached or refused;
    4 erased, and an upload of the patient is still being taken in: run it again after that.
    """
    at = datetime.now(UTC)
    with _report_aws_errors():
        services = _services(table, bucket, secret_arn)
        candidates = _keys(patient, ask, issuer, services)
        path = _receipt_path(receipt, candidates[0], at)
        found = (find_traces(each, services) for each in candidates)
        traces = next((each for each in found if not each.is_empty), None)
        if traces is None:
            Console(stderr=True).print(f"nothing is known of patient {candidates[0]}: {_OTHER_KEYS}")
            raise typer.Exit(NOTHING_FOUND)
        if not yes:
            _show(traces, with_archives)
            return
        done = erase_traces(traces, services, caller_name(), with_archives=with_archives)
    path.write_text(done.model_dump_json(indent=2) + "\n", encoding="utf-8")
    _print_receipt(done, path)
    if done.under_way:
        raise typer.Exit(UNDER_WAY)


_OTHER_KEYS: Final = (
    "images that state another issuer or were de-identified have another key, those without PatientID have none"
)


def _keys(patient: str | None, ask: bool, issuer: str, services: Services) -> list[str]:
    """The key that the patient has, or all that a PatientID may have; what was typed is not repeated.

    A patient has the key of the version of the deployment secret that was in use at the first image: one of them.
    """
    keyring = services.keyring  # first of all: uploads are found by it as well
    if (patient is None) is not ask:
        raise typer.BadParameter("name the patient's key, or say --patient-id")
    if patient is not None:
        if not re.fullmatch(rf"[0-9a-f]{{{DIGEST_CHARACTERS}}}", patient):
            text = f"a patient's key has {DIGEST_CHARACTERS} hexadecimal digits; for a PatientID say --patient-id"
            raise typer.BadParameter(text)
        return [patient]
    patient_id = typer.prompt("PatientID", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
    if not normalized(patient_id):
        raise typer.BadParameter("no PatientID was given", param_hint="--patient-id")
    return [patient_key(normalized(patient_id), normalized(issuer), each) for each in reversed(keyring.all)]


def _receipt_path(receipt: Path | None, key: str, at: datetime) -> Path:
    path = receipt or Path(f"erasure-{key[:8]}-{at:%Y%m%dT%H%M%SZ}.json")
    if path.exists() or not path.absolute().parent.is_dir():
        raise typer.BadParameter("it exists, or its folder does not", param_hint="--receipt")
    return path


def _services(table: str, bucket: str, secret_arn: str) -> Services:
    configured = Settings(table_name=table, results_bucket=bucket, pseudonym_secret_arn=secret_arn)
    return services_of(configured, limits(), lambda name: boto3.client(name, config=CLIENT))  # type: ignore[call-overload]


@contextmanager
def _report_aws_errors() -> Iterator[None]:
    """Trouble with AWS is told by its operation and code: messages may quote an upload's key."""
    console = Console(stderr=True)
    try:
        yield
    except ClientError as error:
        if error.operation_name == "GetSecretValue":
            console.print(
                "[red]the pseudonym secret cannot be read[/red]: check --secret-arn, and the right to read it"
            )
            raise typer.Exit(NOT_REACHED) from None
        refused = f"[red]AWS refused {error.operation_name}[/red] ({error_code(error)})"
        console.print(f"{refused}: docs/erasure-and-restore.md has the rights that it takes; run it again with them")
    except BotoCoreError as error:
        console.print(f"[red]AWS cannot be reached[/red] ({type(error).__name__}): check credentials and region")
    except VersionsKeptError as error:
        console.print(f"[red]not all is erased[/red]: {error}, then run it again")
    else:
        return
    raise typer.Exit(NOT_REACHED)


def _counts(counts: Mapping[Trace, int]) -> None:
    shown = plain_table(None)
    shown.add_column("what")
    shown.add_column("number", justify="right")
    for kind in Trace:
        shown.add_row(_WORDS[kind], str(counts[kind]))
    Console().print(shown)


def _show(traces: PatientTraces, with_archives: bool) -> None:
    console = Console(soft_wrap=True)
    console.print(f"Patient {traces.patient_id}. An erasure would take:")
    _counts(traces.counts(with_archives))
    shared = [each for each in traces.uploads if not each.alone]
    if shared and not with_archives:
        console.print(f"{len(shared)} uploads also hold images of others, or of nobody known: they stay.")
    if traces.erased_before:
        console.print(f"{traces.erased_before} scans were erased before.")
    if traces.files.under_way:
        console.print(f"{len(traces.files.under_way)} uploads of the patient are still being taken in.")
    console.print("Nothing was changed: say --yes to erase.")
    console.print(f"[dim]{RESEARCH_USE_STATEMENT}[/dim]")


def _print_receipt(done: ErasureReceipt, path: Path) -> None:
    console = Console(soft_wrap=True)
    console.print(f"Patient {done.patient_id} is erased:")
    _counts(done.erased)
    for each in done.remaining:
        console.print(f"stays{f' until {each.until:%F %H:%M} UTC' if each.until else ''}: {each.what}", markup=False)
    if done.under_way:
        console.print(
            f"{len(done.under_way)} uploads of the patient are still being taken in: run it again after that."
        )
    elif done.repeat_after:
        console.print(f"Scans were worked on of late: run it again after {done.repeat_after:%F %H:%M} UTC.")
    console.print(f"Receipt: {path}")
    console.print(f"[dim]{RESEARCH_USE_STATEMENT}[/dim]")
