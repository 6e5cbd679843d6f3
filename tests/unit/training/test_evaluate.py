"""An evaluation end to end on a tiny network: the code that serves, compared with what is drawn."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import uniform_filter

from brainscan.domain import Outcome
from brainscan.inference.manifest import Calibration, InputContract, Manifest, Metrics, Thresholds
from brainscan.inference.runtime import Prediction
from training import model_card
from training.datasets.samples import LGG, Sample
from training.evaluate import cases_of, figures, refused
from training.evaluation import plots, protocols, report
from training.evaluation.scope import fit_scope
from training.fitting.hyperparameters import Hyperparameters
from training.fitting.loop import Progress, save_history

SIZE = 64


class BrightIsTumor:
    """The least that is served like a network: what is bright in the mean is tumor, and tumor is glioma."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest

    def run(self, batch: np.ndarray) -> Prediction:
        smooth = uniform_filter(batch[..., 0], (0, 5, 5))
        seg = ((smooth - 0.4) * 20).astype(np.float32)
        cls = np.zeros((len(batch), 4), np.float32)
        tumor = (seg > 0).mean(axis=(1, 2)) > 0.01
        cls[np.arange(len(batch)), np.where(tumor, 0, 2)] = 4
        features = batch[:, ::8, ::8, 0].reshape(len(batch), -1)
        return Prediction(cls=cls, seg=seg, features=features)


def manifest() -> Manifest:
    return Manifest(
        model_id="a" * 64,
        input=InputContract(size=SIZE),
        temperature=1.0,
        thresholds=Thresholds(
            min_confidence=0.4, review_confidence=0.5, seg_logit=0, min_component_fraction=0, large_mask_fraction=0.01
        ),
        calibration=Calibration(split="held out of train", scans=10, seen_by_weights=True),
        metrics=Metrics(split="test", sources={}, float32={}),
        data_digest="b" * 64,
        source_revision="c" * 40,
    )


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """Six heads of three patients, half of them with a bright square and its mask."""
    random = np.random.default_rng(0)
    made = []
    for index in range(6):
        pixels = random.integers(60, 100, (80, 90)).astype(np.uint8)
        mask = np.zeros_like(pixels)
        if index % 2:
            pixels[20:40, 30:60] = 250
            mask[20:40, 30:60] = 255
        for name, array in ((f"{index}.png", pixels), (f"{index}_mask.png", mask)):
            Image.fromarray(array).save(tmp_path / name)
        path, label = tmp_path / f"{index}.png", "glioma" if index % 2 else "no_tumor"
        made.append(Sample(path, label, tmp_path / f"{index}_mask.png", LGG, f"p{index // 2}", "test"))
    return made


def test_a_network_that_sees_everything_scores_everything(samples: list[Sample]) -> None:
    cases = list(cases_of(samples, BrightIsTumor(manifest())))
    summary = figures(cases)["sources"]["lgg"]  # type: ignore[index]

    assert summary["accuracy"]["value"] == 1
    assert summary["dice"]["value"] > 0.85
    assert summary["dice"]["n"] == 3
    assert summary["patients"] == 3
    assert summary["hausdorff_95_px"] <= 2.5
    assert all(case.truth_share == pytest.approx(20 * 30 / (80 * 90), rel=0.05) for case in cases if case.truth_share)


def test_a_scan_beyond_the_scope_abstains_and_is_still_counted(samples: list[Sample]) -> None:
    network = BrightIsTumor(manifest())
    random = np.random.default_rng(0)
    others = random.normal(size=(200, 29)).astype(np.float32), random.normal(9, 0.01, (200, 64)).astype(np.float32)
    network.manifest = network.manifest.model_copy(update={"scope": fit_scope(others, others)})

    cases = list(cases_of(samples, network))

    assert {case.outcome for case in cases} == {Outcome.ABSTAINED}
    assert all(case.distance is not None and case.distance > 1 for case in cases)
    assert figures(cases)["all"]["accuracy"]["value"] == 1  # type: ignore[index]
    assert refused(network)["photo"]["out_of_scope"] == refused(network)["photo"]["pictures"]


def test_report_and_card_tell_the_same_figures(samples: list[Sample], tmp_path: Path) -> None:
    network = BrightIsTumor(manifest())
    cases = list(cases_of(samples, network))
    train = [Sample(samples[0].path, "no_tumor", None, LGG, "other", "train")]
    compared = protocols.compare([*train, *samples], cases, [], lambda chosen: list(cases_of(chosen, network)))
    results = {
        "model_id": network.manifest.model_id,
        "artifact": "tflite",
        "part": "test",
        **figures(cases),
        "outsiders": refused(network),
        "protocols": compared,
    }

    report.write(tmp_path / "report", results, cases, network)

    stored = json.loads((tmp_path / "report/metrics.json").read_text())
    card = model_card.card(network.manifest, stored)
    page = (tmp_path / "report/index.html").read_text()
    shown = report.with_interval(results["sources"]["lgg"]["dice"])  # type: ignore[index]
    assert shown in card
    assert shown in page
    assert "Three protocols" in page
    assert compared[protocols.HONEST]["in_train_part"] == pytest.approx(1 / 6)
    assert "| Sensitivity to any tumor, all files | >= 0.97 | 1.000 [1.000, 1.000] | yes |" in card
    assert "certainty is overrated" in card
    for name in ("confusion", "reliability", "selective", "dice", "scope", "successes", "failures_mask"):
        assert (tmp_path / f"report/{name}.png").stat().st_size > 1000


def test_the_card_shows_the_training_run_by_run_and_epoch_by_epoch(tmp_path: Path) -> None:
    figures = {"cls_loss": 0.5, "seconds": 3600.0}
    epochs = [{"epoch": i, "slices": 1600 * (i + 1), "cheng_figshare_dice": 0.6 + i / 10, **figures} for i in range(2)]
    settings = Hyperparameters(epochs=2, slices_per_epoch=1600, batch_size=32)
    save_history(Progress(2, history=epochs), settings, tmp_path / "history.json")
    run = json.loads((tmp_path / "history.json").read_text())
    text = model_card.training([run, run])
    assert "| slices seen | machine hours | cheng figshare dice | cls loss |" in text
    assert text.count("| 3,200 | 1.00 | 0.700 | 0.500 |") == 2
    assert "`learning_rate` 0.0006" in text
    assert "### Run 2: 2 of 2 epochs" in text
    timed = {**run, "settings": {**run["settings"], "time_limit": 90}}
    assert "### Run 1: 90 minutes" in model_card.training([timed])
    assert "Each run began" not in model_card.training([run])
    seen = [list(line.get_xdata()) for line in plots.learning([run, run]).axes[1].lines]
    assert [1600, 3200] in seen
    assert [4800, 6400] in seen


def test_a_card_of_another_models_report_is_refused() -> None:
    with pytest.raises(ValueError, match="another model"):
        model_card.card(manifest(), {"model_id": "0" * 64})
