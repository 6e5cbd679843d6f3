"""The synthetic heads: what they show, that they never change, and that their files are what a hospital sends."""

import io
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from scipy.ndimage import binary_dilation

from brainscan.dicom.header import read_header
from brainscan.domain import CLASSES, Kind, Reason, ScanError, TumorClass
from brainscan.imaging.decode import count_frames, decode
from brainscan.imaging.prepare import prepare
from brainscan.imaging.sniff import sniff
from brainscan.inference.runtime import Model
from brainscan.settings import Limits
from brainscan_local.phantom import (
    GLIOMA,
    MENINGIOMA,
    PITUITARY,
    LesionSpec,
    Phantom,
    head,
    to_dicom,
    to_png,
    write_export,
)

ROOT = Path(__file__).parents[3]
SIZE, SLICES = 128, 12


@pytest.fixture(scope="module", params=[GLIOMA, MENINGIOMA, PITUITARY], ids=lambda spec: spec.kind.value)
def patient(request: pytest.FixtureRequest) -> Phantom:
    return head(7, request.param, SIZE, SLICES)


@pytest.fixture(scope="module")
def healthy() -> Phantom:
    return head(7, None, SIZE, SLICES)


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    path = write_export(tmp_path_factory.mktemp("export") / "export.zip", size=64, slices=3)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def around(mask: npt.NDArray[np.bool_], inner: int, outer: int) -> npt.NDArray[np.bool_]:
    """What lies within `outer` pixels of a mask (slices, rows, columns) in its slices, but not within `inner`."""
    in_plane = np.ones((1, 3, 3), bool)
    return np.asarray(binary_dilation(mask, in_plane, outer) & ~binary_dilation(mask, in_plane, inner))


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_head() -> None:
    first, again, other = (head(seed, GLIOMA, 48, 3) for seed in (1, 1, 2))
    assert to_dicom(first) == to_dicom(again)
    assert to_png(first.volume[1]) == to_png(again.volume[1])
    assert not np.array_equal(first.volume, other.volume)
    assert not np.array_equal(first.lesion, other.lesion)


def test_a_head_is_bright_fat_around_dark_bone_around_gray_brain_in_dark_air(healthy: Phantom) -> None:
    middle = healthy.volume[SLICES // 2].astype(float)
    line = middle[SIZE // 2 - 2 : SIZE // 2 + 3].mean(axis=0)
    skin = int(np.flatnonzero(line > 200)[0])
    pixels_per_mm = 1 / healthy.spacing_mm[2]
    scalp = line[skin : skin + round(6 * pixels_per_mm)].max()
    bone = line[skin + round(4 * pixels_per_mm) : skin + round(14 * pixels_per_mm)].min()
    brain = np.median(line[skin + round(18 * pixels_per_mm) : SIZE // 2 - round(18 * pixels_per_mm)])
    air = middle[:8].mean()
    assert scalp > 1.5 * brain > 3 * bone > 3 * air


def test_every_slice_differs_and_holds_a_head(healthy: Phantom) -> None:
    assert healthy.volume.dtype == np.uint16
    for lower, upper in zip(healthy.volume, healthy.volume[1:], strict=False):
        assert np.mean(np.abs(lower.astype(int) - upper) > 60) > 0.05
    for pixels in healthy.volume:
        crop = prepare(pixels, 64).crop
        assert 0.2 < crop.area / pixels.size < 0.8


def test_a_healthy_head_holds_no_lesion(healthy: Phantom) -> None:
    assert healthy.spec is None
    assert not healthy.lesion.any()


def test_a_lesion_of_no_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="no_tumor"):
        head(1, LesionSpec(TumorClass.NO_TUMOR, (0, 0, 0), 9), 32, 2)


def test_a_lesion_is_of_its_size_at_its_place_in_several_slices_but_not_in_all(patient: Phantom) -> None:
    assert patient.spec is not None
    slices, rows, columns = np.nonzero(patient.lesion)
    slice_mm, row_mm, column_mm = patient.spacing_mm
    place = (
        (columns.mean() - (SIZE - 1) / 2) * column_mm,
        (rows.mean() - (SIZE - 1) / 2) * row_mm,
        slices.mean() * slice_mm + patient.bottom_mm,
    )
    assert np.allclose(place, patient.spec.center_mm, atol=0.45 * patient.spec.radius_mm)
    volume_mm3 = patient.lesion.sum() * slice_mm * row_mm * column_mm
    ball_mm3 = 4 / 3 * np.pi * patient.spec.radius_mm**3
    assert 0.5 < volume_mm3 / ball_mm3 < 1.5
    assert 2 <= len(set(slices)) <= SLICES // 2


def test_a_lesion_takes_up_contrast_agent(patient: Phantom) -> None:
    volume = patient.volume.astype(float)
    shown = patient.lesion.any(axis=(1, 2))
    beyond = around(patient.lesion, 3, 6) & np.asarray(shown)[:, None, None]
    assert np.percentile(volume[patient.lesion], 75) > 1.25 * np.median(volume[beyond])


def test_without_contrast_agent_vessels_and_dura_are_darker_than_white_matter(healthy: Phantom) -> None:
    plain = head(7, None, SIZE, SLICES, contrast=False)
    enhanced = healthy.volume > plain.volume.astype(int) + 300
    assert enhanced.sum() > 500
    assert np.median(plain.volume[enhanced]) < 400 < np.median(healthy.volume[enhanced])
    said = pydicom.dcmread(io.BytesIO(to_dicom(plain)[0]))
    assert "ContrastBolusAgent" not in said
    assert "CONTRAST" not in said.SeriesDescription


def test_no_healthy_picture_of_the_export_is_called_a_tumor(tmp_path: Path) -> None:
    pictures = sorted((write_export(tmp_path / "export") / "PNG").glob("healthy-*.png"))
    model = Model.load(ROOT / "functions/analyze/model")
    size = model.manifest.input.size
    inputs = [prepare(decode(path.read_bytes(), Kind.PNG, Limits()).pixels, size).input for path in pictures]
    classes = model.run(np.stack(inputs)).cls.argmax(axis=1)
    assert [CLASSES[index] for index in classes] == [TumorClass.NO_TUMOR] * 4


def test_a_glioma_is_a_bright_rim_around_a_dark_core() -> None:
    glioma = head(7, GLIOMA, SIZE, SLICES)
    fullest = int(glioma.lesion.sum(axis=(1, 2)).argmax())
    mask = glioma.lesion[fullest : fullest + 1]
    core = ~binary_dilation(~mask, np.ones((1, 3, 3), bool), 5)
    rim = mask & ~core
    pixels = glioma.volume[fullest : fullest + 1]
    assert np.median(pixels[rim]) > 1.5 * np.median(pixels[core])


def test_a_meningioma_is_even_and_sits_on_the_skull_and_a_glioma_does_not(healthy: Phantom) -> None:
    meningioma, glioma = (head(7, spec, SIZE, SLICES) for spec in (MENINGIOMA, GLIOMA))
    inside = meningioma.volume[meningioma.lesion].astype(float)
    assert inside.std() < 0.15 * inside.mean()
    fat = healthy.volume > 1000
    reach = round(12 / healthy.spacing_mm[2])
    assert (fat & around(meningioma.lesion, 1, reach)).any(), "the scalp is just across the bone"
    assert not (fat & around(glioma.lesion, 1, reach)).any()


def test_a_pituitary_lesion_sits_low_in_the_midline() -> None:
    lesion = head(7, PITUITARY, SIZE, SLICES).lesion
    slices, _, columns = np.nonzero(lesion)
    assert abs(columns.mean() - (SIZE - 1) / 2) < 2
    assert slices.max() < SLICES / 3


def test_a_mass_pushes_the_brain_but_not_the_skull(healthy: Phantom) -> None:
    glioma = head(7, GLIOMA, SIZE, SLICES)
    changed = np.abs(glioma.volume.astype(int) - healthy.volume) > 100
    assert (changed & around(glioma.lesion, 2, 12)).any()
    slice_of_it = int(glioma.lesion.sum(axis=(1, 2)).argmax())
    outer = [np.flatnonzero(head_.volume[slice_of_it].max(axis=0) > 200)[[0, -1]] for head_ in (glioma, healthy)]
    assert np.array_equal(outer[0], outer[1])


def test_the_dicom_series_is_one_study_of_evenly_spaced_axial_slices(patient: Phantom) -> None:
    series = [pydicom.dcmread(io.BytesIO(data)) for data in to_dicom(patient, "ONE")]
    assert len({item.SOPInstanceUID for item in series}) == SLICES
    for level in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "PatientID"):
        assert len({item[level].value for item in series}) == 1
    heights = [float(item.ImagePositionPatient[2]) for item in series]
    assert np.allclose(np.diff(heights), patient.spacing_mm[0], atol=1e-3)
    assert all(item.ImageOrientationPatient == [1, 0, 0, 0, 1, 0] for item in series)
    assert all(item.SOPClassUID == pydicom.uid.MRImageStorage for item in series)
    assert str(series[0].PatientName) == "PHANTOM^ONE"


def test_two_patients_share_no_uid() -> None:
    phantom = head(1, None, 32, 2)
    one, two = (pydicom.dcmread(io.BytesIO(to_dicom(phantom, name)[0])) for name in ("ONE", "TWO"))
    for level in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "SOPInstanceUID"):
        assert one[level].value != two[level].value


def test_dicom_files_decode_to_the_volume_with_its_spacing(patient: Phantom) -> None:
    for pixels, data in zip(patient.volume, to_dicom(patient), strict=True):
        answer = decode(data, sniff(data), Limits())
        # The header's window shows intensities from 0 to its width, and cuts off what is brighter.
        white = float(pydicom.dcmread(io.BytesIO(data)).WindowWidth)
        brightest = answer.pixels.max() / min(float(pixels.max()), white)
        shown = np.minimum(pixels, white) * brightest
        np.testing.assert_allclose(answer.pixels, shown, atol=2 * brightest)
        assert answer.spacing_mm == pytest.approx(patient.spacing_mm[1:], abs=1e-5)


def test_a_png_slice_spans_black_to_white(healthy: Phantom) -> None:
    answer = decode(to_png(healthy.volume[4]), Kind.PNG, Limits()).pixels
    assert (answer.dtype, answer.shape) == (np.uint8, (SIZE, SIZE))
    assert answer.min() < 10
    assert answer.max() == 255


def test_the_export_is_a_medium_of_three_patients_with_pngs_junk_and_one_damaged_image(
    export: dict[str, bytes],
) -> None:
    kinds = {name: sniff(content) for name, content in export.items()}
    dicom = [name for name, kind in kinds.items() if kind is Kind.DICOM and name != "DICOMDIR"]
    listed = pydicom.dcmread(io.BytesIO(export["DICOMDIR"])).DirectoryRecordSequence
    assert sorted("/".join(each.ReferencedFileID) for each in listed if "ReferencedFileID" in each) == dicom
    types = Counter(each.DirectoryRecordType for each in listed)
    assert types == {"PATIENT": 3, "STUDY": 3, "SERIES": 6, "IMAGE": 3 * (3 + 1)}
    headers = [read_header(export[name], Limits()) for name in dicom]
    assert Counter(header.skip for header in headers) == {None: 9, Reason.LOCALIZER: 3}
    assert {name for name, kind in kinds.items() if kind is Kind.OTHER} == {
        "AUTORUN.INF",
        "README.txt",
        "VIEWER.EXE",
        "__MACOSX/._DICOMDIR",
    }
    images = {name: content for name, content in export.items() if name in dicom or kinds[name] is Kind.PNG}
    damaged = []
    for name, content in images.items():
        assert count_frames(content, kinds[name], Limits()) == 1
        try:
            prepare(decode(content, kinds[name], Limits()).pixels, 64)
        except ScanError as refused:
            damaged.append((name, refused.reason))
    assert damaged == [("PNG/cut-off.png", Reason.UNREADABLE)]
    assert len(images) == 12 + 4 + 1


def test_a_folder_holds_what_the_archive_holds(export: dict[str, bytes], tmp_path: Path) -> None:
    folder = write_export(tmp_path / "export", size=64, slices=3)
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert files == export


def test_the_archive_is_the_same_to_the_byte_whenever_it_is_written(tmp_path: Path) -> None:
    first, again = (write_export(tmp_path / name, size=32, slices=2).read_bytes() for name in ("a.zip", "b.zip"))
    assert first == again
