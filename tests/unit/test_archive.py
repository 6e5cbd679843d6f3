"""Archives are read one file at a time, under limits, and every file in them gets a outcome."""

import io
import os
import struct
import zipfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainscan.archive import File, PartRange, part_ranges, upload_files, upload_kind
from brainscan.domain import Kind, Reason
from brainscan.settings import Limits
from tests.making import png, zipped

LIMITS = Limits()


class Pipe(io.RawIOBase):
    """A stream that can only be written forward."""

    def __init__(self) -> None:
        self.written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.written += data
        return len(data)


def read(archive: bytes, limits: Limits = LIMITS, part_range: PartRange | None = None) -> list[File]:
    content = io.BytesIO(archive)
    return list(upload_files(content, upload_kind(content), "upload", len(archive), limits, part_range))


def outcomes(archive: bytes, limits: Limits = LIMITS) -> dict[str, Kind | Reason]:
    return {file.path: file.problem or file.kind for file in read(archive, limits)}


def test_files_come_in_the_order_of_their_places_with_their_bytes() -> None:
    images = {f"study/{n}.png": png(seed=n) for n in range(3)}
    found = read(zipped(images))
    assert [(file.path, file.data, file.kind) for file in found] == [
        (path, data, Kind.PNG) for path, data in images.items()
    ]
    assert [file.index for file in found] == [0, 1, 2]


def test_a_zip_with_data_descriptors_and_one_of_the_64_bit_form_are_read() -> None:
    """What streams to a pipe, or expects more than 4 GiB, writes its sizes behind the data or in extra fields."""
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:
        for n in range(3):
            with archive.open(f"{n}.png", "w", force_zip64=n == 1) as entry:
                entry.write(png(seed=n))
    assert archive.infolist()[0].flag_bits & 0x8
    assert [file.data for file in read(bytes(pipe.written))] == [png(seed=n) for n in range(3)]


def test_a_directory_of_the_64_bit_form_is_read_and_its_count_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    archive = zipped({f"{n}.png": png(seed=n) for n in range(5)})
    assert b"PK\x06\x06" in archive
    assert len(read(archive)) == 5
    assert outcomes(archive, Limits(entries=4)) == {"upload": Reason.TOO_MANY_ENTRIES}


def test_a_directory_of_the_64_bit_form_that_lies_behind_the_end_refuses_the_archive() -> None:
    archive = zipped({"a.png": png()})
    end = archive.rfind(b"PK\x05\x06")
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(archive) + 10, 1)
    assert outcomes(archive[:end] + locator + archive[end:]) == {"upload": Reason.CORRUPT_ARCHIVE}


def test_ranges_of_a_zip_cover_every_file_once_and_keep_its_places() -> None:
    archive = zipped({f"{n}.png": png(seed=n) for n in range(10)})
    limits = Limits(part_files=4)
    ranges = part_ranges(io.BytesIO(archive), Kind.ZIP, limits)
    assert ranges == [PartRange(0, 4), PartRange(4, 8), PartRange(8, 10)]
    found = [file for each in ranges for file in read(archive, limits, each)]
    assert [(file.index, file.data) for file in found] == [(n, png(seed=n)) for n in range(10)]


def test_ranges_of_a_zip_hold_no_more_than_their_bytes() -> None:
    archive = zipped({f"{n}.png": os.urandom(1000) for n in range(5)}, zipfile.ZIP_STORED)
    ranges = part_ranges(io.BytesIO(archive), Kind.ZIP, Limits(part_bytes=2500))
    assert ranges == [PartRange(0, 2), PartRange(2, 4), PartRange(4, 5)]


def test_ranges_of_a_zip_share_one_budget() -> None:
    archive = zipped({f"{n}.png": png() + os.urandom(50_000) for n in range(4)})
    limits = Limits(expanded_bytes=120_000, part_files=1)
    found = [
        file.problem
        for each in part_ranges(io.BytesIO(archive), Kind.ZIP, limits)
        for file in read(archive, limits, each)
    ]
    assert found == [None, None, Reason.EXPANDED_TOO_LARGE, Reason.EXPANDED_TOO_LARGE]


def test_content_decides_and_a_name_only_tells_what_somebody_meant() -> None:
    found = outcomes(zipped({"scan": png(), "notes.txt": b"hello", "notes.png": b"hello", "empty.png": b""}))
    assert found == {
        "scan": Kind.PNG,
        "notes.txt": Reason.NOT_AN_IMAGE,
        "notes.png": Reason.UNRECOGNIZED_CONTENT,
        "empty.png": Reason.EMPTY_FILE,
    }


def test_what_operating_systems_leave_behind_is_skipped_unread() -> None:
    archive = zipped({"__MACOSX/._a.png": b"", "b/.DS_Store": b"x", "Thumbs.db": b"x", "c/desktop.ini": b"x"})
    assert all(file.skipped and file.problem is Reason.NOT_AN_IMAGE for file in read(archive))


@pytest.mark.parametrize("path", ["../evil.png", "a/../../evil.png", "/etc/evil.png", "C:\\evil.png", "..\\evil.png"])
def test_a_path_that_leaves_the_archive_is_rejected_and_its_neighbours_are_not(path: str) -> None:
    assert outcomes(zipped({path: png(), "good.png": png()})) == {path: Reason.PATH_TRAVERSAL, "good.png": Kind.PNG}


def test_a_bomb_is_rejected_before_it_is_expanded_and_its_neighbours_are_not() -> None:
    archive = zipped({"bomb.png": bytes(50 * 1024**2), "good.png": png()})
    assert outcomes(archive) == {"bomb.png": Reason.COMPRESSION_RATIO_TOO_HIGH, "good.png": Kind.PNG}


def test_a_small_blank_slice_may_compress_as_well_as_it_likes() -> None:
    assert outcomes(zipped({"blank.png": png() + bytes(500_000)})) == {"blank.png": Kind.PNG}


def test_an_archive_expands_no_further_than_its_budget_over_all_its_files() -> None:
    archive = zipped({f"{n}.png": png() + os.urandom(50_000) for n in range(4)})
    found = list(outcomes(archive, Limits(expanded_bytes=120_000)).values())
    assert found == [Kind.PNG, Kind.PNG, Reason.EXPANDED_TOO_LARGE, Reason.EXPANDED_TOO_LARGE]


def test_the_budget_counts_what_nested_archives_expand_to() -> None:
    inner = zipped({f"{n}.png": png() + os.urandom(50_000) for n in range(4)}, zipfile.ZIP_STORED)
    found = outcomes(zipped({"inner.zip": inner}), Limits(expanded_bytes=len(inner) + 120_000))
    assert list(found.values()).count(Reason.EXPANDED_TOO_LARGE) == 2


def test_an_entry_larger_than_a_scan_may_be_is_rejected() -> None:
    archive = zipped({"large.png": png() + os.urandom(5000), "good.png": png(8)})
    assert outcomes(archive, Limits(scan_bytes=2000)) == {"large.png": Reason.OBJECT_TOO_LARGE, "good.png": Kind.PNG}


def test_too_many_entries_refuse_the_archive_before_its_directory_is_read() -> None:
    found = outcomes(zipped({f"{n}.png": b"x" for n in range(11)}), Limits(entries=10))
    assert found == {"upload": Reason.TOO_MANY_ENTRIES}


def test_an_end_record_that_lies_about_the_number_of_entries_does_not_get_past_the_limit() -> None:
    archive = bytearray(zipped({f"{n}.png": b"x" for n in range(11)}))
    end = archive.rfind(b"PK\x05\x06")
    archive[end + 8 : end + 12] = b"\x01\x00\x01\x00"
    assert outcomes(bytes(archive), Limits(entries=10)) == {"upload": Reason.TOO_MANY_ENTRIES}


def test_an_end_record_that_tells_of_a_directory_too_long_for_its_entries_is_refused_unread() -> None:
    archive = bytearray(zipped({"a.png": b"x"}))
    end = archive.rfind(b"PK\x05\x06")
    archive[end + 12 : end + 16] = struct.pack("<I", 10 * 1024 + 1)
    assert outcomes(bytes(archive), Limits(entries=10)) == {"upload": Reason.TOO_MANY_ENTRIES}


def test_archives_are_opened_one_level_deep() -> None:
    inner = zipped({"scan.png": png()})
    found = outcomes(zipped({"inner.zip": inner, "deep.zip": zipped({"inner.zip": inner})}))
    assert found == {"inner.zip!scan.png": Kind.PNG, "deep.zip!inner.zip": Reason.NESTED_TOO_DEEP}


def test_a_damaged_nested_archive_is_one_rejected_file() -> None:
    found = outcomes(zipped({"inner.zip": zipped({"scan.png": png()})[:-30], "good.png": png()}))
    assert found == {"inner.zip": Reason.CORRUPT_ARCHIVE, "good.png": Kind.PNG}


def test_an_encrypted_entry_is_rejected_by_its_flag() -> None:
    archive = bytearray(zipped({"scan.png": png()}))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        archive[archive.find(signature) + flags] |= 0x1
    assert outcomes(bytes(archive)) == {"scan.png": Reason.ENCRYPTED}


def test_an_entry_without_a_name_is_read_like_any_other() -> None:
    archive = bytearray(zipped({"a": png()}))
    for signature, lengths in ((b"PK\x03\x04", 26), (b"PK\x01\x02", 28)):
        at = archive.find(signature) + lengths
        archive[at : at + 4] = struct.pack("<HH", 0, 1)  # the name's only letter becomes an extra field
    assert outcomes(bytes(archive)) == {"": Kind.PNG}


def test_damaged_contents_are_rejected_and_neighbours_are_read() -> None:
    archive = bytearray(zipped({"bad.png": png(seed=1), "good.png": png(seed=2)}, zipfile.ZIP_STORED))
    archive[archive.find(b"IDAT") + 50] ^= 0xFF
    assert outcomes(bytes(archive)) == {"bad.png": Reason.UNREADABLE, "good.png": Kind.PNG}


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_usual_compression_is_read(compression: Any) -> None:
    assert read(zipped({"scan.png": png()}, compression))[0].data == png()


@pytest.mark.parametrize(
    "archive", [b"PK\x03\x04", b"PK\x05\x06", zipped({"scan.png": png()})[:100]], ids=["head", "end", "half"]
)
def test_an_archive_that_is_cut_short_is_refused_with_its_reason(archive: Any) -> None:
    assert outcomes(archive) == {"upload": Reason.CORRUPT_ARCHIVE}


GOOD = zipped({"scan.png": png(16), "inner.zip": zipped({"a": b"text"})})


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_whatever_bytes_are_damaged_nothing_but_a_reason_comes_out(damage: list[tuple[int, int]]) -> None:
    archive = bytearray(GOOD)
    for place, value in damage:
        archive[place] = value
    for file in read(bytes(archive)):
        assert file.problem or file.data
