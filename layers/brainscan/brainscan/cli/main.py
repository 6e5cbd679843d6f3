"""`brainscan`: the same code on a laptop and against a deployed stack."""

import errno
import io
import os
import sys
from importlib import import_module
from typing import Annotated, Any, Final, cast

import typer
from typer.core import TyperCommand, TyperGroup

import brainscan
from brainscan.domain import RESEARCH_USE_STATEMENT

INTERRUPTED: Final = 130
"""128 and the number of SIGINT, as shells have it."""
_DISK_TROUBLE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)

COMMANDS: Final = {
    "analyze": ("analyze:analyze", "Classify and segment scans on this machine."),
    "backend": ("backend:backend", "Serve the template's buckets, queues and table for functions in containers."),
    "deidentify": ("deidentify:deidentify", "Copy DICOM images without what identifies a patient."),
    "demo": ("demo:demo", "Start the laptop stack, upload PATH, and show what became of every scan."),
    "dlq": ("dlq:app", "Look at dead-letter queues, and send messages back."),
    "drift": ("drift:drift", "Compare what came in and what was answered with a reference window."),
    "rotate-secret": ("secret:rotate_secret", "Show the versions of the pseudonym secret, or add one."),
    "erase": ("erase:erase", "Show what there is of a patient, or erase it and write a receipt."),
    "export": ("show:export_app", "Uploaded objects."),
    "gateway": ("gateway:gateway", "Receive MR images by C-STORE, send them to the uploads bucket, until Ctrl-C."),
    "model": ("model:app", "Versions of the model: which is served, which is its shadow, and who decided that."),
    "reprocess": ("reprocess:app", "Read stored scans again with another model."),
    "restore": ("restore:restore", "Copy what a restored table has into the table of a stack."),
    "results": ("results:results", "Find scans by finding, day, outcome, review, model, series or patient."),
    "review": ("review:review", "Confirm, correct or reject what the network found, or take that back."),
    "series": ("studies:series", "List series with their verdicts and volumes, or show one."),
    "serve": ("serve:serve", "Serve the worklist page on this machine, until Ctrl-C."),
    "show": ("show:show", "Show all that is known of one scan, with its image."),
    "studies": ("studies:studies", "List studies with their verdicts and volumes, or show one."),
    "train": ("train:app", "Audit the data, submit a training job."),
    "upload": ("upload:upload", "Upload scans of this machine, and follow them until each has its outcome."),
}
"""Name -> (module:attribute in this folder, a line for the overview). A module is imported when its command is run."""


class Commands(TyperGroup):
    """Lists commands by the table alone, so that `--help` imports none of what they need."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # noqa: ARG002 - click's
        """Names in the order of the overview."""
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> TyperCommand | None:  # type: ignore[override]  # noqa: ARG002
        """What stands for a command in the overview."""
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name][1]) if cmd_name in COMMANDS else None

    def main(self, *args: Any, **named: Any) -> Any:
        """Run the command line; what a terminal's encoding cannot show is escaped."""
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        return super().main(*args, **named)

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Run a command; a full disk or an interruption ends it in one line, and what was written stays."""
        try:
            done = super().invoke(ctx)
            sys.stdout.flush()  # here, where what goes wrong is told
            return done
        except KeyboardInterrupt:
            typer.echo("interrupted: what was written before stays usable", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except OSError as error:
            if error.errno not in _DISK_TROUBLE:
                raise
            typer.echo(f"stopped: {os.strerror(error.errno)}; what was written before stays usable", err=True)
            _drop_unwritable_output()
            raise typer.Exit(3) from None

    def resolve_command(  # type: ignore[override]
        self, ctx: typer.Context, args: list[str]
    ) -> tuple[str | None, TyperCommand | TyperGroup | None, list[str]]:
        """The command itself, to be run."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, load(command.name or "") if command else None, rest


def _drop_unwritable_output() -> None:
    """Keep the interpreter from trying at its end, with a traceback, to write what did not fit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def load(name: str) -> TyperCommand | TyperGroup:
    """Import a command."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    found = getattr(import_module(f"brainscan.cli.{module}"), attribute)
    if isinstance(found, typer.Typer):
        return typer.main.get_group(found)
    alone = typer.Typer(add_completion=False, rich_markup_mode="markdown")
    alone.command(name)(found)
    return cast(TyperCommand, typer.main.get_command(alone))


app = typer.Typer(cls=Commands, no_args_is_help=True, rich_markup_mode="markdown", pretty_exceptions_show_locals=False)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"brainscan {brainscan.__version__}. {RESEARCH_USE_STATEMENT}")
        raise typer.Exit


@app.callback(help=f"Brain MRI in, tumor class and mask out. {RESEARCH_USE_STATEMENT}")
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of the command as a whole."""
