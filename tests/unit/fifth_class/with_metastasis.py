"""The whole way of a class that the table has and no other file names; `test_terminology` runs it on such a library."""

import io
import json
import os
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fhir.resources.R4B.bundle import Bundle
from highdicom.seg import segread
from highdicom.sr import MeasurementReport, srread
from pydicom import dcmread

import brainscan
from brainscan.domain import CLASSES, TumorClass
from brainscan.inference.manifest import ModelError
from brainscan.inference.runtime import Model
from brainscan.pipeline.analyze import analyze
from brainscan.pipeline.intake import intake
from brainscan.pipeline.report import report
from tests import series as mr
from tests.conftest import ROOT, World
from tests.making import NOON, present, zipped
from tests.tiny_model import write_model
from tests.unit.api.conftest import Ask, api, ask  # noqa: F401

METASTASIS = TumorClass("metastasis")
CODE = "94225005"
ON_THE_DAY = {"from": NOON.date().isoformat(), "to": NOON.date().isoformat()}


@pytest.fixture(scope="module")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model that was made for five classes."""
    folder = tmp_path_factory.mktemp("candidate")
    write_model(folder, METASTASIS)
    return Model.load(folder)


@pytest.fixture
def answered(world: World, candidate: Model) -> Any:
    """A series with a bright spot, analyzed and reported."""
    slices = mr.mr_series(6)
    for number, each in enumerate(slices):
        pixels = np.random.default_rng(number).integers(250, 350, (mr.ROWS, mr.COLUMNS))
        pixels[mr.disc(7)] = 3000
        each.PixelData = pixels.astype(np.uint16).tobytes()
    files = {f"IM{number}": mr.file_bytes(each) for number, each in enumerate(slices)}
    intake(world.upload("export.zip", zipped(files)), world.services)
    results = analyze(world.queued(), world.services, candidate)
    assert [each.error for each in results] == [None] * 6
    [series_id] = {present(each.record).series_id for each in results}
    return report(present(series_id), world.services).report


def test_the_library_is_the_one_with_five_classes() -> None:
    assert Path(brainscan.__file__).parent == Path(os.environ["BRAINSCAN_LIBRARY"])
    assert [str(each) for each in CLASSES] == ["glioma", "meningioma", "metastasis", "no_tumor", "pituitary"]


def test_a_model_for_four_classes_is_refused() -> None:
    with pytest.raises(ModelError, match="in this order"):
        Model.load(ROOT / "functions/analyze/model")


def test_series_and_dicom_objects_name_it(world: World, answered: Any) -> None:
    assert answered.predicted is METASTASIS
    content = {name: world.services.results.get(key) for name, key in answered.files.items()}
    summary = json.loads(content["series"])
    assert (summary["predicted"], set(summary["probabilities"])) == ("metastasis", set(CLASSES))
    [segment] = segread(io.BytesIO(content["seg"])).SegmentSequence
    assert segment.SegmentedPropertyTypeCodeSequence[0].CodeValue == CODE
    assert segment.SegmentLabel.startswith("brain metastasis")
    [group] = MeasurementReport.from_sequence(
        [srread(io.BytesIO(content["sr"]))]
    ).get_volumetric_roi_measurement_groups()
    assert present(group.finding_type).value == CODE
    assert dcmread(io.BytesIO(content["capture"])).Modality == "OT"


def test_the_bundle_names_it(world: World, answered: Any) -> None:
    bundle = Bundle.model_validate_json(world.services.results.get(answered.files["fhir"]))
    diagnostic: Any
    [diagnostic] = [
        e.resource for e in present(bundle.entry) if present(e.resource).get_resource_type() == "DiagnosticReport"
    ]
    assert diagnostic.conclusionCode[0].coding[0].code == CODE


def test_the_api_finds_counts_and_corrects_it(answered: Any, ask: Ask) -> None:  # noqa: F811
    found = ask("GET", "/v1/scans", {"finding": "metastasis", **ON_THE_DAY}).json["items"]
    assert len(found) == 6
    path = f"/v1/scans/{found[0]['scan_id']}/reviews"
    assert ask("POST", path, body={"verdict": "corrected", "corrected": "glioma", "revision": 0}).status == 201
    assert ask("POST", path, body={"verdict": "corrected", "corrected": "metastasis", "revision": 1}).status == 201
    [day] = [each for each in ask("GET", "/v1/statistics", ON_THE_DAY).json["days"] if each["findings"]]
    assert day["findings"]["metastasis"] == 6
    assert "metastasis" in ask("GET", "/openapi.json").json["components"]["schemas"]["TumorClass"]["enum"]


def test_the_page_lists_labels_and_colours_it(ask: Ask) -> None:  # noqa: F811
    script, style = (b64decode(ask("GET", f"/static/classes.{kind}").body).decode() for kind in ("js", "css"))
    assert '"metastasis": "brain metastasis"' in script
    assert ".metastasis { --tone: #f2d94e; }" in style
