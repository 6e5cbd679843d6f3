"""The training script under SageMaker's own toolkit, in the layout of its containers; of a network that is small."""

import json
import os
import subprocess
import sysconfig
import tarfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brainscan.cli.train_job import pack_source
from brainscan.imaging.prepare import prepare
from brainscan.inference.runtime import Model

ROOT = Path(__file__).parents[2]
TRAIN = Path(os.environ.get("BRAINSCAN_SAGEMAKER_VENV", ROOT / ".venv-sagemaker")) / "bin/train"
"""What the container of a job runs."""

PROGRAM = """
import runpy
from functools import partial
import tiny
from training.model import network

network.build = partial(network.build, encoder=tiny.encoder)
runpy.run_path("training/train.py", run_name="__main__")
"""
"""Runs the script with a network of five convolutions in place of a hundred: to trace those takes minutes."""

pytestmark = pytest.mark.skipif(
    not TRAIN.exists(),
    reason="SageMaker's toolkit is missing: `make integration` builds it where there is a C compiler",
)


def write_data(root: Path) -> None:
    """Twenty-four slices of two patients each, half with a bright tumor and its mask; all for training."""
    random = np.random.default_rng(0)
    rows = ["path,label,mask,part"]
    for index in range(24):
        pixels = random.integers(60, 110, (48, 48)).astype(np.uint8)
        mask = np.zeros((48, 48), np.uint8)
        if index % 2:
            row, column = random.integers(5, 30, 2)
            pixels[row : row + 12, column : column + 12] = 240
            mask[row : row + 12, column : column + 12] = 255
        folder = root / f"lgg_kaggle_3m/P{index // 2}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.dstack([pixels] * 3)).save(folder / f"{index}.png")
        Image.fromarray(mask).save(folder / f"{index}_mask.png")
        name = f"lgg_kaggle_3m/P{index // 2}/{index}"
        rows.append(f"{name}.png,{'glioma' if index % 2 else 'no_tumor'},{name}_mask.png,train")
    (root / "splits.csv").write_text("\n".join(rows) + "\n")


def write_source(path: Path) -> None:
    """The source as it is submitted, with the program beside it."""
    with tarfile.open(fileobj=BytesIO(pack_source(ROOT))) as source, tarfile.open(path, "w:gz") as packed:
        for member in source:
            packed.addfile(member, source.extractfile(member))
        packed.add(ROOT / "tests/unit/training/tiny.py", "tiny.py")
        program = tarfile.TarInfo("program.py")
        program.size = len(PROGRAM)
        packed.addfile(program, BytesIO(PROGRAM.encode()))


def write_config(base: Path) -> None:
    """What the platform puts under `/opt/ml/input/config`."""
    config = base / "input/config"
    config.mkdir(parents=True)
    channel = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}
    hyperparameters = {
        "sagemaker_program": "program.py",
        "sagemaker_submit_directory": str(base / "input/data/code/source.tar.gz"),
        "size": "32",
        "epochs": "1",
        "slices_per_epoch": "4",
        "batch_size": "2",
        "validation_slices": "2",
        "weights": "none",
    }
    (config / "hyperparameters.json").write_text(json.dumps(hyperparameters))
    (config / "inputdataconfig.json").write_text(json.dumps({"code": channel, "training": channel}))
    hosts = {"current_host": "localhost", "hosts": ["localhost"], "network_interface_name": "lo"}
    (config / "resourceconfig.json").write_text(json.dumps(hosts))


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder that stands for `/opt/ml` after the job, and what it printed."""
    base = tmp_path_factory.mktemp("opt") / "ml"
    write_data(base / "input/data/training")
    (base / "input/data/code").mkdir(parents=True)
    write_source(base / "input/data/code/source.tar.gz")
    write_config(base)
    environment = {
        **os.environ,
        "SAGEMAKER_BASE_DIR": str(base),
        "TRAINING_JOB_NAME": "test-job",
        # The container has the project's dependencies installed beside the toolkit.
        "PYTHONPATH": sysconfig.get_path("purelib"),
    }
    ran = subprocess.run([TRAIN], env=environment, capture_output=True, text=True, check=False, timeout=500)
    assert ran.returncode == 0, (ran.stdout + ran.stderr)[-4000:]
    return base, ran.stdout


@pytest.mark.timeout(600)
def test_the_job_leaves_an_artifact_that_serves(job: tuple[Path, str]) -> None:
    network = Model.load(job[0] / "model")
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8)
    said = network.run(prepare(pixels, network.manifest.input.size).input[np.newaxis])
    assert said.cls.shape == (1, 4)
    assert network.manifest.source_revision == "test-job"
    assert network.manifest.calibration.groups == 0, "there is no test part to fit constants on"
    with tarfile.open(fileobj=BytesIO((job[0] / "model/model.tar.gz").read_bytes())) as archive:
        assert {"model.tflite", "manifest.json", "model.keras", "1", "report"} <= set(archive.getnames())


@pytest.mark.timeout(600)
def test_the_job_prints_a_line_for_the_metric_definitions_and_keeps_its_history(job: tuple[Path, str]) -> None:
    base, said = job
    assert "epoch=0;" in said
    assert "score=" in said
    history = json.loads((base / "output/data/history.json").read_text())
    assert history["epochs_done"] == 1
