"""A study goes from a real PACS to the laptop stack, and its answers come back to be found and read there."""

import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from highdicom.seg import Segmentation
from PIL import Image
from pydicom import dcmread

from brainscan.services import services
from brainscan_local.phantom import GLIOMA, MENINGIOMA, PITUITARY, head, to_dicom
from brainscan_local.stack import LocalStack
from tests.integration.pacs import PASSWORD, USER, Pacs
from tests.making import present

LESIONS = {"ONE": GLIOMA, "TWO": MENINGIOMA, "THREE": PITUITARY}
MODALITIES = {"seg": "SEG", "sr": "SR", "capture": "OT"}


@pytest.fixture(scope="module")
def stack(pacs: Pacs) -> Iterator[LocalStack]:
    with LocalStack(parameters={"StowUrl": pacs.stow_url, "QuietSeconds": "1"}, retry_delay_s=0.2) as stack:
        secret = json.dumps({"username": USER, "password": PASSWORD})
        arn = stack.secret_arn("PacsCredentials")
        stack.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=secret)
        yield stack


@pytest.fixture(scope="module")
def summaries(pacs: Pacs, stack: LocalStack) -> Any:
    """What brainscan says of each series, after the studies went through it and back."""
    for seed, (patient, lesion) in enumerate(LESIONS.items(), start=1):
        pacs.push(to_dicom(head(seed=seed, lesion=lesion), patient))
    s3 = stack.client("s3")
    for study in pacs.studies():
        s3.put_object(Bucket=stack.uploads_bucket, Key=f"from the PACS/{study}.zip", Body=pacs.media(study))
    stack.drain(timeout_s=240)
    listed = s3.list_objects_v2(Bucket=stack.results_bucket, Prefix="reports/")["Contents"]
    keys = [each["Key"] for each in listed if each["Key"].endswith("series.json")]
    return [json.loads(services().results.get(key)) for key in keys]


def test_every_series_is_reported_once_and_nothing_is_left_over(stack: LocalStack, summaries: Any) -> None:
    assert len({each["series_id"] for each in summaries}) == len(LESIONS)
    assert [len(each["slices"]) for each in summaries] == [12] * len(LESIONS)
    assert [stack.depth(queue) for queue in ("UploadDLQ", "ScanDLQ", "ReportDLQ", "DeliveryDLQ")] == [0] * 4


def test_the_objects_are_found_in_their_study(pacs: Pacs, summaries: Any) -> None:
    for summary in summaries:
        for name, key in summary["files"].items():
            if not key.endswith(".dcm"):
                continue
            sent = dcmread(io.BytesIO(services().results.get(key)))
            found = pacs.web.search_for_instances(sent.StudyInstanceUID, fields=["Modality"])
            instances = {each["00080018"]["Value"][0]: each for each in found}
            assert instances[sent.SOPInstanceUID]["00080060"]["Value"] == [MODALITIES[name]]
            assert len(instances) >= 12 + 1


def test_masks_read_back_from_the_pacs_are_those_of_the_slices_bit_by_bit(pacs: Pacs, summaries: Any) -> None:
    with_tumor = [summary for summary in summaries if "seg" in summary["files"]]
    assert with_tumor, "no phantom's lesion was found: nothing to compare"
    for summary in with_tumor:
        sent = dcmread(io.BytesIO(services().results.get(summary["files"]["seg"])))
        uids = sent.StudyInstanceUID, sent.SeriesInstanceUID, sent.SOPInstanceUID
        seg = Segmentation.from_dataset(pacs.web.retrieve_instance(*uids))
        counted = [each for each in summary["slices"] if each["counted"]]
        assert counted
        for each in counted:
            record = present(services().table.scans.get(each["scan_id"]))
            source = dcmread(io.BytesIO(services().results.get(record.staged_key)), stop_before_pixels=True)
            mask = np.asarray(Image.open(io.BytesIO(services().results.get(present(record.mask_key))))) > 0
            [found] = seg.get_pixels_by_source_instance([source.SOPInstanceUID], combine_segments=True)
            assert np.array_equal(found > 0, mask)
        assert seg.number_of_frames == sum(len(lesion["slices"]) for lesion in summary["lesions"])


def test_report_and_capture_read_back_refer_to_what_the_pacs_has(pacs: Pacs, summaries: Any) -> None:
    for summary in summaries:
        sent = dcmread(io.BytesIO(services().results.get(summary["files"]["sr"])))
        sr = pacs.web.retrieve_instance(sent.StudyInstanceUID, sent.SeriesInstanceUID, sent.SOPInstanceUID)
        assert sr == sent
        held = {each["00080018"]["Value"][0] for each in pacs.web.search_for_instances(sent.StudyInstanceUID)}
        evidence = [
            image.ReferencedSOPInstanceUID
            for study in sr.get("CurrentRequestedProcedureEvidenceSequence", [])
            for series in study.ReferencedSeriesSequence
            for image in series.ReferencedSOPSequence
        ]
        assert evidence
        assert set(evidence) <= held
