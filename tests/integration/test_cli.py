"""The command does what its help says, on real files and against a running stack."""

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pyarrow import parquet
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan.cli.show import picture_of
from brainscan_local.phantom import GLIOMA, head, to_dicom, to_png
from brainscan_local.phantom.head import Phantom
from brainscan_local.stack import LocalStack
from tests.making import zipped

run = CliRunner().invoke


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return head(seed=7, lesion=GLIOMA, slices=4)


@pytest.fixture
def study(tmp_path: Path, phantom: Phantom) -> Any:
    """A folder with good and bad among its files."""
    folder = tmp_path / "study"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.png").write_bytes(to_png(phantom.volume[1]))
    Image.open(io.BytesIO(to_png(phantom.volume[2]))).convert("L").save(folder / "a.jpg")
    (folder / "sub" / "slice").write_bytes(to_dicom(phantom)[2])
    (folder / "sub" / "export.zip").write_bytes(
        zipped({"../up.png": to_png(phantom.volume[0]), "in/b.png": to_png(phantom.volume[3]), "x.txt": b"hi"})
    )
    (folder / "broken.png").write_bytes(to_png(phantom.volume[0])[:200])
    return folder


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


class TestAnalyze:
    def test_every_input_has_its_line_and_every_scan_its_files(self, study: Any, tmp_path: Path) -> None:
        out = tmp_path / "answers"
        done = run(app, ["analyze", str(study), "--out", str(out)])
        assert done.exit_code == 0, done.output
        listing = lines((out / "results.jsonl").read_text())
        by_path = {line["path"].removeprefix(f"{study}/"): line for line in listing}
        assert {
            path: line["outcome"] in {"analyzed", "abstained"} or line["reasons"] for path, line in by_path.items()
        } == {
            "a.png": True,
            "a.jpg": True,
            "sub/slice": True,
            "sub/export.zip!in/b.png": True,
            "sub/export.zip!../up.png": ["path_traversal"],
            "sub/export.zip!x.txt": ["not_an_image"],
            "broken.png": ["unreadable"],
        }
        written = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
        assert {"a.mask.png", "a.png.mask.png", "sub/slice.result.json", "sub/export/in/b.overlay.png"} <= written
        for line in listing:
            if "mask" in line:
                with Image.open(line["mask"]) as mask:
                    assert (mask.mode, mask.size) == ("L", (256, 256))

    def test_json_is_lines_on_standard_output_and_nothing_else(self, study: Any, tmp_path: Path) -> None:
        done = run(app, ["analyze", str(study / "a.png"), "--out", str(tmp_path / "out"), "--json"])
        [line] = [json.loads(each) for each in done.stdout.splitlines()]
        assert sum(line["probabilities"].values()) == pytest.approx(1)

    def test_a_path_that_is_unusable_fails_at_the_end_and_the_others_are_analyzed(
        self, study: Any, tmp_path: Path
    ) -> None:
        done = run(app, ["analyze", "no such path", str(study / "a.png"), "--out", str(tmp_path / "out")])
        assert done.exit_code == 2
        assert "no such path" in done.output
        assert len(lines((tmp_path / "out" / "results.jsonl").read_text())) == 1

    def test_a_path_that_does_not_exist_is_told_without_an_empty_table(self, tmp_path: Path) -> None:
        done = run(app, ["analyze", "no such path", "--out", str(tmp_path / "out")])
        assert done.exit_code == 2
        assert "cannot read no such path" in done.output
        assert "outcome" not in done.output
        (tmp_path / "empty").mkdir()
        assert (
            "There is no file" in run(app, ["analyze", str(tmp_path / "empty"), "--out", str(tmp_path / "out")]).output
        )

    def test_results_say_what_they_are_for(self, study: Any, tmp_path: Path) -> None:
        run(app, ["analyze", str(study / "a.png"), "--out", str(tmp_path / "out")])
        result = json.loads((tmp_path / "out" / "a.result.json").read_text())
        assert result["research_use"] == "Research use only. Not a medical device."
        assert result["schema_version"] == "1"


def test_the_demo_shows_every_scan_and_leaves_its_answers(study: Any, tmp_path: Path) -> None:
    out = tmp_path / "demo"
    done = run(app, ["demo", str(study), "--out", str(out), "--no-keep"])
    assert done.exit_code == 0, done.output
    listing = lines((out / "results.jsonl").read_text())
    assert {line["path"] for line in listing} >= {"a.png", "a.jpg", "sub/slice", "broken.png"}
    assert re.search(r"\b(1 file|\d+ files): \d+ scans?, (1 file|\d+ files) skipped\.", done.output)
    assert "scans a second" in done.output
    assert done.output.index("study ") < done.output.index("Findings, the most certain")
    assert "Research use only" in done.output
    analyzed = [line for line in listing if line["outcome"] == "analyzed"]
    outlined = [line for line in analyzed if "mask_key" in line]  # an empty mask is no file
    assert all((out / "results" / line["scan_id"] / "mask.png").is_file() for line in outlined)


def test_the_demo_of_a_path_that_does_not_exist_says_so() -> None:
    done = run(app, ["demo", "no such path"])
    assert done.exit_code == 2
    assert "no such path" in done.output


class TestResults:
    @pytest.fixture(scope="class")
    @staticmethod
    def stack(phantom: Phantom, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
        archive = tmp_path_factory.mktemp("upload") / "export.zip"
        files = {f"{number}.png": to_png(pixels) for number, pixels in enumerate(phantom.volume)}
        archive.write_bytes(zipped(files | {"broken.png": b"\x89PNG\r\n\x1a\n"}))
        with LocalStack() as stack:
            stack.upload(archive)
            stack.drain(timeout_s=60)
            yield stack

    def ask(self, stack: LocalStack, *arguments: Any) -> Any:
        return run(app, ["results", *arguments], env={"BRAINSCAN_TABLE_NAME": stack.table_name})

    def test_all_of_today_as_json_and_csv_agree(self, stack: LocalStack) -> None:
        records = lines(self.ask(stack, "--format", "json").stdout)
        rows = list(csv.DictReader(io.StringIO(self.ask(stack, "--format", "csv").stdout)))
        assert len(records) == 5
        assert {row["scan_id"] for row in rows} == {record["scan_id"] for record in records}

    def test_each_filter_finds_what_the_whole_says_it_should(self, stack: LocalStack) -> None:
        records = lines(self.ask(stack, "--format", "json").stdout)
        export = records[0]["export_id"]
        expectations = {
            ("--export", export): records,
            ("--outcome", "rejected"): [r for r in records if r["outcome"] == "rejected"],
            ("--needs-review",): [r for r in records if r["needs_review"]],
        }
        for finding in ("glioma", "meningioma", "no_tumor", "pituitary"):
            of_class = [r for r in records if r.get("predicted") == finding and r["outcome"] == "analyzed"]
            expectations["--finding", finding] = of_class
        for arguments, expected in expectations.items():
            done = self.ask(stack, *arguments, "--format", "json")
            assert {r["scan_id"] for r in lines(done.stdout)} == {r["scan_id"] for r in expected}, arguments
            assert done.exit_code == (0 if expected else 1), arguments

    def test_show_tells_all_of_one_scan_and_names_the_remedy_for_none(self, stack: LocalStack) -> None:
        [first, *_] = lines(self.ask(stack, "--format", "json").stdout)
        environment = {"BRAINSCAN_TABLE_NAME": stack.table_name}
        assert json.loads(run(app, ["show", first["scan_id"], "--json"], env=environment).stdout) == first
        missing = run(app, ["show", "f" * 32], env=environment)
        assert missing.exit_code == 1
        assert "brainscan results" in missing.output

    def test_parquet_holds_what_csv_holds(self, stack: LocalStack, tmp_path: Path) -> None:
        rows = list(csv.DictReader(io.StringIO(self.ask(stack, "--format", "csv").stdout)))
        assert self.ask(stack, "--format", "parquet", "--out", str(tmp_path / "r.parquet")).exit_code == 0
        table = parquet.read_table(tmp_path / "r.parquet")
        assert table.column("scan_id").to_pylist() == [row["scan_id"] for row in rows]
        assert table.schema.field("confidence").type == "double"
        assert table.schema.metadata[b"research_use"] == b"Research use only. Not a medical device."
        assert self.ask(stack, "--format", "parquet").exit_code == 2

    def test_several_days_are_one_question(self, stack: LocalStack) -> None:
        today = datetime.now(UTC).date()
        week = ("--from", str(today - timedelta(days=6)), "--to", str(today))
        assert len(lines(self.ask(stack, *week, "--format", "json").stdout)) == 5
        assert len(lines(self.ask(stack, "--from", str(today - timedelta(days=40)), "--format", "json").stdout)) == 5
        assert self.ask(stack, "--from", "1800-01-01").exit_code == 2

    def test_an_export_shows_its_status(self, stack: LocalStack) -> None:
        [first, *_] = lines(self.ask(stack, "--format", "json").stdout)
        environment = {"BRAINSCAN_TABLE_NAME": stack.table_name}
        done = run(app, ["export", "status", first["export_id"]], env=environment)
        assert (done.exit_code, "1 rejected" in done.output) == (0, True)
        assert run(app, ["export", "status", "f" * 32], env=environment).exit_code == 1

    def test_a_review_is_recorded_once_and_found(self, stack: LocalStack) -> None:
        environment = {"BRAINSCAN_TABLE_NAME": stack.table_name}
        scan = next(r for r in lines(self.ask(stack, "--format", "json").stdout) if "predicted" in r)
        arguments = ["review", scan["scan_id"], "--correct", "pituitary", "--revision", "0"]
        assert run(app, arguments, env=environment).exit_code == 0
        assert run(app, arguments, env=environment).exit_code == 4
        assert run(app, ["review", scan["scan_id"]], env=environment).exit_code == 2
        assert run(app, ["review", "f" * 32, "--reject"], env=environment).exit_code == 1
        [corrected] = lines(self.ask(stack, "--review", "corrected", "--format", "json").stdout)
        assert corrected["review"]["corrected"] == "pituitary"

    def test_another_day_finds_nothing_and_a_day_that_is_none_is_refused(self, stack: LocalStack) -> None:
        assert self.ask(stack, "--day", "2020-01-01").exit_code == 1
        assert self.ask(stack, "--day", "yesterday").exit_code == 2

    def test_a_table_that_is_not_there_is_told_with_its_remedy(self, stack: LocalStack) -> None:
        done = run(app, ["results", "--table", "no-such-table"])
        assert done.exit_code == 3
        assert "BRAINSCAN_TABLE_NAME" in done.output


def test_a_picture_in_a_terminal_keeps_its_colours_and_shape() -> None:
    png = io.BytesIO()
    Image.new("RGB", (40, 20), (255, 64, 0)).save(png, "PNG")
    text = picture_of(png.getvalue(), columns=20)
    assert text.plain == ("▀" * 20 + "\n") * 5
    assert {str(span.style) for span in text.spans} == {"rgb(255,64,0) on rgb(255,64,0)"}


COMMANDS = ["analyze", "demo", "results", "show", "review", "serve", "export status"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_and_exit_codes(command: Any) -> None:
    text = run(app, [*command.split(), "--help"]).stdout
    assert f"brainscan {command}" in text
    assert "Exit codes" in text
