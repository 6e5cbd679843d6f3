"""`brainscan` lists its commands at once, and each is what the list says."""

import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from click import Context
from typer.main import get_command
from typer.testing import CliRunner

from brainscan import __version__
from brainscan.cli.main import COMMANDS, app, load
from brainscan.domain import RESEARCH_USE_STATEMENT

ROOT = Path(__file__).parents[3]
SLOW = {"boto3", "botocore", "pydicom", "numpy", "moto", "skimage", "samtranslator", "PIL", "brainscan_local"}

LISTING = """
import sys
from brainscan.cli.main import app
try:
    app([sys.argv[1]], prog_name="brainscan")
except SystemExit as left:
    assert left.code == 0
print(sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.mark.parametrize("asked", ["--help", "--version"])
def test_help_and_version_import_nothing_that_takes_long(asked: str) -> None:
    done = subprocess.run([sys.executable, "-c", LISTING, asked], capture_output=True, text=True, check=True)
    *_, loaded = done.stdout.splitlines()
    assert "typer" in loaded
    assert not {name for name in SLOW if f"'{name}'" in loaded}


@pytest.mark.parametrize("command", ["results", "show", "upload", "studies"])
def test_a_command_that_asks_or_sends_loads_no_network(command: str) -> None:
    program = f"import sys; from brainscan.cli.main import load; load({command!r}); print(sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "'boto3'" in loaded
    assert not {name for name in ("ai_edge_litert", "highdicom", "skimage", "nibabel") if f"'{name}'" in loaded}


def test_help_lists_every_command() -> None:
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output
    for name, (_, line) in COMMANDS.items():
        assert name in shown
        assert line in shown
    assert RESEARCH_USE_STATEMENT in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_of_a_command_what_it_says_of_itself(name: Any) -> None:
    command = load(name)
    words = (command.help or "").partition("\n\n")[0].split()
    line = COMMANDS[name][1].rstrip(".").split()
    assert words[: len(line) // 2] == line[: len(line) // 2]
    assert "Exit codes:" in (command.help or "") or hasattr(command, "commands")


def test_the_version_is_one_number() -> None:
    shown = CliRunner().invoke(app, ["--version"]).output
    assert shown.startswith(f"brainscan {__version__}. ")
    projects = [tomllib.loads((ROOT / path / "pyproject.toml").read_text()) for path in ("", "layers/brainscan_local")]
    for project in projects:
        assert project["project"]["dynamic"] == ["version"]
        assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "brainscan.__version__"}
    assert version("brainscan") == __version__


def test_an_unknown_command_is_told_as_wrong_usage() -> None:
    done = CliRunner().invoke(app, ["analyse"])
    assert done.exit_code == 2
    assert "No such command" in done.output


def test_a_command_that_is_looked_up_for_the_list_is_not_loaded() -> None:
    group: Any = get_command(app)
    context = Context(group)
    assert [group.get_command(context, name).params for name in group.list_commands(context)] == [[]] * len(COMMANDS)
