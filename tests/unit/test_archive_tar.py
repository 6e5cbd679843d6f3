"""Tars are read in one pass forward, under limits, and go on where they stopped."""

import gzip
import io
import os
import tarfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainscan.archive import File, PartRange, part_ranges, upload_files, upload_kind
from brainscan.domain import Kind, Reason
from brainscan.settings import MIB, Limits
from tests.making import png, present, tarred, zipped

LIMITS = Limits()
IMAGES = {f"study/{n}": png(seed=n) for n in range(5)}
FORMS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


class Forward(io.BytesIO):
    """Counts what is read, and refuses to go back."""

    total = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.total += len(data)
        return data

    def seek(self, offset: Any, whence: int = 0) -> Any:
        assert whence == 0
        assert offset == 0 or offset >= self.tell() - 1
        return super().seek(offset, whence)


def read(archive: bytes, limits: Limits = LIMITS, part_range: PartRange | None = None) -> list[File]:
    content = io.BytesIO(archive) if archive.startswith(b"PK") else Forward(archive)
    return list(upload_files(content, upload_kind(content), "upload", len(archive), limits, part_range))


def outcomes(archive: bytes, limits: Limits = LIMITS) -> dict[str, Kind | Reason]:
    return {file.path: file.problem or file.kind for file in read(archive, limits)}


@pytest.mark.parametrize("compression", ["", "gz"])
@pytest.mark.parametrize("form", FORMS, ids=["ustar", "gnu", "pax"])
def test_every_usual_form_is_read(form: Any, compression: str) -> None:
    long = {"folder/" * 12 + "scan": png(seed=9)}
    found = read(tarred(IMAGES | long, compression, form))
    assert {file.path: file.data for file in found} == IMAGES | long
    assert [file.index for file in found] == list(range(6))


@pytest.mark.parametrize("compression", ["", "gz"])
def test_reading_goes_on_behind_any_file(compression: str) -> None:
    archive = tarred(IMAGES | {"folder/" * 30 + "long": png(seed=9)}, compression)
    whole = read(archive)
    for done in whole[:-1]:
        rest = read(archive, part_range=PartRange(first=present(done.index) + 1, offset=present(done.after)))
        assert rest == whole[present(done.index) + 1 :]


def test_entries_of_a_part_are_counted_from_its_first() -> None:
    archive = tarred(IMAGES)
    behind = PartRange(first=3, offset=present(read(archive)[2].after))
    found = read(archive, Limits(entries=2), behind)
    assert [(file.index, file.problem) for file in found] == [(3, None), (4, None)]


def test_a_tar_is_not_split_beforehand() -> None:
    assert part_ranges(io.BytesIO(tarred(IMAGES)), Kind.TAR, Limits(part_files=1)) == [PartRange()]


def test_content_decides_and_links_and_devices_are_skipped() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind in (
            ("link", tarfile.SYMTYPE),
            ("hard", tarfile.LNKTYPE),
            ("pipe", tarfile.FIFOTYPE),
            ("d", tarfile.DIRTYPE),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
    assert outcomes(out.getvalue()) == dict.fromkeys(("link", "hard", "pipe"), Reason.NOT_AN_IMAGE)


def test_a_path_that_leaves_the_archive_is_rejected() -> None:
    assert outcomes(tarred({"../evil": png(), "good": png()})) == {"../evil": Reason.PATH_TRAVERSAL, "good": Kind.PNG}


def test_limits_hold_and_neighbours_are_read() -> None:
    archive = tarred({"large": png() + os.urandom(5000), "good": png(8)})
    assert outcomes(archive, Limits(scan_bytes=2000, archive_bytes=10**6)) == {
        "large": Reason.OBJECT_TOO_LARGE,
        "good": Kind.PNG,
    }
    assert Reason.TOO_MANY_ENTRIES in outcomes(tarred(IMAGES), Limits(entries=4)).values()
    assert list(outcomes(tarred(IMAGES), Limits(entries=5)).values()) == [Kind.PNG] * 5
    budget = Limits(expanded_bytes=2 * len(png()) + 100)
    assert list(outcomes(tarred(IMAGES), budget).values()).count(Kind.PNG) == 2


def test_a_bomb_is_given_up_before_it_is_inflated() -> None:
    archive = tarred({"good": png(), "bomb": bytes(200 * MIB)}, "gz")
    assert outcomes(archive, Limits(scan_bytes=500 * MIB)) == {"good": Kind.PNG, "": Reason.COMPRESSION_RATIO_TOO_HIGH}


def test_a_header_that_asks_for_more_than_any_honest_one_is_not_followed() -> None:
    """The long name of a GNU tar is read whole: this one says it is 100 MiB long."""
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 100 * MIB
    archive = tarred({"good": png()}, form=tarfile.GNU_FORMAT).rstrip(b"\0")
    archive += bytes(-len(archive) % 512) + header.tobuf(tarfile.GNU_FORMAT) + bytes(101 * MIB)
    content = Forward(archive)
    found = list(upload_files(content, Kind.TAR, "upload", len(archive), LIMITS))
    assert [file.problem for file in found] == [None, Reason.CORRUPT_ARCHIVE]
    assert content.total < MIB


@pytest.mark.parametrize("compression", ["", "gz"])
def test_a_tar_that_is_cut_off_says_so_behind_the_files_that_it_has(compression: str) -> None:
    images = {str(n): png(seed=n) + os.urandom(20_000) for n in range(5)}
    archive = tarred(images, compression)
    found = read(archive[: len(archive) // 2])
    assert [file.problem for file in found[:2]] == [None, None]
    assert found[-1].problem in {Reason.CORRUPT_ARCHIVE, Reason.UNREADABLE}


def test_garbage_behind_a_file_is_damage_and_not_the_end() -> None:
    archive = bytearray(tarred(IMAGES))
    third = next(file for file in read(bytes(archive)) if file.index == 2).after or 0
    archive[third : third + 512] = os.urandom(512)
    assert [file.problem for file in read(bytes(archive))] == [None, None, None, Reason.CORRUPT_ARCHIVE]


def test_archives_of_any_kind_are_opened_one_level_deep() -> None:
    inner = {"zip": zipped({"scan": png()}), "tar": tarred({"scan": png()}), "tgz": tarred({"scan": png()}, "gz")}
    for outer in (zipped(inner), tarred(inner), tarred(inner, "gz")):
        assert outcomes(outer) == {f"{name}!scan": Kind.PNG for name in inner}
        found = read(outer)
        assert [(file.index, file.inner) for file in found] == [(0, 0), (1, 0), (2, 0)]
        assert outcomes(zipped({"outer": outer})) == {f"outer!{name}": Reason.NESTED_TOO_DEEP for name in inner}


def test_what_gzipped_files_inflate_to_is_counted_over_all_of_them() -> None:
    plain = [png(seed=0), png(seed=1)]
    packed = {f"{place}.gz": gzip.compress(each) for place, each in enumerate(plain)}
    size = sum(map(len, [*plain, *packed.values()]))
    assert list(outcomes(zipped(packed), Limits(expanded_bytes=size)).values()) == [Kind.PNG, Kind.PNG]
    short = outcomes(zipped(packed), Limits(expanded_bytes=size - 1))
    assert list(short.values()) == [Kind.PNG, Reason.EXPANDED_TOO_LARGE]


def test_a_small_gzipped_file_may_compress_as_well_as_it_likes() -> None:
    blank = png() + bytes(1_000_000)
    packed = gzip.compress(blank)
    assert len(blank) > Limits().ratio * len(packed)
    assert outcomes(zipped({"blank.gz": packed})) == {"blank.gz": Kind.PNG}


def test_a_gzipped_file_is_what_is_inside_it() -> None:
    packed = gzip.compress(png())
    assert outcomes(packed) == {"upload": Kind.PNG}
    assert outcomes(zipped({"scan.gz": packed, "twice.gz": gzip.compress(packed)})) == {
        "scan.gz": Kind.PNG,
        "twice.gz": Reason.NESTED_TOO_DEEP,
    }
    assert outcomes(packed[:-20]) == {"upload": Reason.UNREADABLE}
    assert outcomes(gzip.compress(bytes(50 * MIB))) == {"upload": Reason.COMPRESSION_RATIO_TOO_HIGH}
    assert outcomes(packed, Limits(scan_bytes=len(png()) - 1)) == {"upload": Reason.OBJECT_TOO_LARGE}
    assert outcomes(packed, Limits(expanded_bytes=len(png()) - 1)) == {"upload": Reason.EXPANDED_TOO_LARGE}


GOOD = {form: tarred({"a": png(16), "folder/" * 20 + "b": b"text"}, form=form) for form in FORMS}


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(FORMS), st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=8))
def test_whatever_bytes_are_damaged_nothing_but_a_reason_comes_out(form: Any, damage: list[tuple[int, int]]) -> None:
    archive = bytearray(GOOD[form])
    for place, value in damage:
        archive[place % len(archive)] = value
    content = io.BytesIO(bytes(archive))
    for file in upload_files(content, Kind.TAR, "upload", len(archive), LIMITS):
        assert file.problem or file.data
