"""`brainscan`: the same code on a laptop and against a deployed stack."""

import typer

from brainscan.cli import dlq, train
from brainscan.cli.analyze import analyze
from brainscan.cli.backend import backend
from brainscan.cli.deidentify import deidentify
from brainscan.cli.demo import demo
from brainscan.cli.results import results
from brainscan.cli.review import review
from brainscan.cli.serve import serve
from brainscan.cli.show import export_app, show
from brainscan.domain import RESEARCH_USE_STATEMENT

app = typer.Typer(
    help=f"Brain MRI in, tumor class and mask out. {RESEARCH_USE_STATEMENT}",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
)
app.command()(analyze)
app.command()(backend)
app.command()(deidentify)
app.command()(demo)
app.command()(results)
app.command()(show)
app.command()(review)
app.command()(serve)
app.add_typer(export_app, name="export")
app.add_typer(dlq.app, name="dlq")
app.add_typer(train.app, name="train")
