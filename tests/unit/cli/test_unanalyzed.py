"""Files that hold no scan to analyze are named with their reasons, whatever they are."""

import io
import json
from pathlib import Path
from typing import Any

from rich.console import Console

from brainscan.cli.unanalyzed import entry_paths, file_outcomes, unanalyzed_table, write_listing
from brainscan.cli.words import superseded_in_words
from brainscan.pipeline.intake import intake
from brainscan.store.file_results import listing_of
from tests import series as mr
from tests.conftest import World
from tests.making import PSEUDONYMS, png, zipped


def shown(lines: Any) -> str:
    out = io.StringIO()
    Console(file=out, width=100).print(unanalyzed_table(lines))
    return out.getvalue()


def export(world: World, files: dict[str, bytes]) -> Any:
    made = intake(world.upload("export.zip", zipped(files)), world.services)
    names = {PSEUDONYMS.digest("entry", path): path for path in files}
    return file_outcomes(listing_of(made.export_id, world.services.table, world.services.results), names, "export.zip")


def test_each_reason_is_told_with_the_files_that_it_left_out(world: World, tmp_path: Path) -> None:
    adc = mr.mr_series(5, ImageType=["DERIVED", "PRIMARY", "DIFFUSION", "ADC"])
    limb = mr.mr_series(1, BodyPartExamined="LOWER LIMB", SeriesInstanceUID="1.2.3")
    ours = mr.mr_series(1, Manufacturer="brainscan", ImageType=["DERIVED", "SECONDARY"])
    files = {f"adc/{n}.dcm": mr.file_bytes(each) for n, each in enumerate(adc)}
    files |= {"limb[1].dcm": mr.file_bytes(limb[0]), "ours.dcm": mr.file_bytes(ours[0])}
    files |= {"notes.txt": b"hi", "cut.png": png(16)[:40], "good.png": png(16)}
    lines = export(world, files)
    told = shown(lines)
    for expected in (
        ("skipped", "derived map", "5", "adc/0.dcm, adc/1.dcm, adc/2.dcm, …"),
        ("skipped", "other body part", "1", "limb[1].dcm"),
        ("skipped", "own report", "1", "ours.dcm"),
        ("skipped", "not an image", "1", "notes.txt"),
        ("rejected", "unreadable", "1", "cut.png"),
    ):
        assert any(all(each in line for each in expected) for line in told.splitlines()), expected
    assert "good.png" not in told
    write_listing(lines, tmp_path / "files.jsonl")
    kept = [json.loads(line) for line in (tmp_path / "files.jsonl").read_text().splitlines()]
    assert {line["path"] for line in kept} == set(files)


def test_an_export_of_which_nothing_was_left_out_has_no_such_table(world: World) -> None:
    assert unanalyzed_table(export(world, {"good.png": png(16)})) is None


def test_a_file_that_was_queued_is_listed_by_what_became_of_its_scans(world: World) -> None:
    image = mr.file_bytes(mr.mr_slice(1, (0, 0, 0)))
    made = intake(world.upload("export.zip", zipped({"a.dcm": image, "b.dcm": image})), world.services)
    records = world.services.table.queries.of_export(made.export_id).items
    lines = file_outcomes(
        listing_of(made.export_id, world.services.table, world.services.results), {}, "export.zip", records
    )
    assert sorted((line["outcome"], line["reasons"]) for line in lines) == [("queued", []), ("skipped", ["superseded"])]
    assert "superseded" in shown(lines)


def test_an_upload_that_is_no_archive_goes_by_its_own_name(world: World) -> None:
    made = intake(world.upload("cut.png", png(16)[:40]), world.services)
    lines = file_outcomes(listing_of(made.export_id, world.services.table, world.services.results), {}, "cut.png")
    assert [(line["path"], line["reasons"]) for line in lines] == [("cut.png", ["unreadable"])]


def test_no_name_of_a_file_breaks_a_line_or_moves_the_cursor() -> None:
    name = "first\nsecond\x1b[31m\u202egpj.dcm"
    told = superseded_in_words(name, "[/red]\r.dcm")
    assert told.isprintable() or "\N{REPLACEMENT CHARACTER}" in told
    assert not set("\n\r\x1b\u202e") & set(told)
    assert "\\[/red]" in told
    table = [{"outcome": "rejected", "reasons": ["unreadable"], "path": name}]
    assert not set("\r\x1b\u202e") & set(shown(table))


def test_entries_of_a_zip_within_a_zip_are_named_as_intake_names_them(world: World, tmp_path: Path) -> None:
    inner = zipped({"c.dcm": b"", "more.zip": zipped({"d.dcm": b""})})
    whole = zipped({"a.png": png(8), "b.zip": inner, "no.zip": b"junk"})
    (tmp_path / "export.zip").write_bytes(whole)
    paths = set(entry_paths(tmp_path / "export.zip"))
    assert paths == {"a.png", "b.zip", "b.zip!c.dcm", "b.zip!more.zip", "no.zip"}
    named = {PSEUDONYMS.digest("entry", path) for path in paths}
    made = intake(world.upload("export.zip", whole), world.services)
    lines = listing_of(made.export_id, world.services.table, world.services.results).splitlines()
    assert {json.loads(line)["entry_digest"] for line in lines} <= named
