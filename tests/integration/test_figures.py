"""`brainscan analyze` over the test part gives the figures that the manifest states."""

import csv
import json
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan.inference.runtime import Model

DATA = Path(os.environ.get("BRAINSCAN_SHARED", "../shared")) / "data"

TOLERANCE = 0.003
"""Two scans in a thousand: int8 kernels of another processor may round a logit the other way."""

SOURCES = {"cheng_figshare": "cheng", "kaggle_sartaj": "kaggle", "br35h": "br35h", "lgg_kaggle_3m": "lgg"}


@pytest.mark.skipif(not DATA.is_dir(), reason="the public images are not beside the checkout")
@pytest.mark.timeout(1200)
def test_the_command_gives_the_figures_of_the_manifest_on_the_test_part(tmp_path: Path, network: Model) -> None:
    with (DATA / "splits.csv").open() as file:
        rows = {str(DATA / row["path"]): row for row in csv.DictReader(file) if row["part"] == "test"}
    done = CliRunner().invoke(app, ["analyze", *rows, "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    answers = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert {answer["path"] for answer in answers} == set(rows)

    correct, dices = defaultdict(list), defaultdict(list)
    for answer in answers:
        row = rows[answer["path"]]
        source = SOURCES[row["path"].split("/")[0]]
        correct[source].append(is_right(answer.get("predicted"), row["label"]))
        if row["mask"] and (dice := dice_of(answer, row["mask"])) is not None:
            dices[source].append(dice)
    for source, stated in network.manifest.metrics.as_shipped.items():
        if source in correct:
            assert np.mean(correct[source]) == pytest.approx(stated.accuracy, abs=TOLERANCE), source
            assert len(dices[source]) == stated.masks, source
            if stated.mean_dice is not None:
                assert np.mean(dices[source]) == pytest.approx(stated.mean_dice, abs=TOLERANCE), source
    assert set(correct) <= set(network.manifest.metrics.as_shipped)


def is_right(predicted: Any, label: str) -> Any:
    return predicted not in {None, "no_tumor"} if label == "tumor" else predicted == label


def dice_of(answer: Any, mask_path: Any) -> Any:
    """Overlap with the drawn mask at the source's own pixels; None where nothing is drawn."""
    drawn = np.asarray(Image.open(DATA / mask_path).convert("L")) > 127
    if not drawn.any():
        return None
    if "mask" not in answer:
        return 0.0
    found = np.asarray(Image.open(answer["mask"])) > 0
    return 2 * (found & drawn).sum() / (found.sum() + drawn.sum())
