"""`python -m training.export`: weights -> the artifact that is served: converted, measured, described and packed."""

import argparse
import hashlib
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import keras
import numpy as np

from brainscan.inference.manifest import (
    MANIFEST_FILE,
    MODEL_FILE,
    Calibration,
    InputContract,
    Manifest,
    Metrics,
    Parity,
    SourceMetrics,
)
from brainscan.inference.runtime import Model, Prediction
from training.datasets.samples import CHANNELS, Sample, with_views
from training.datasets.splits import read_data
from training.evaluation.crossfit import FEWEST_GROUPS, cross_fit
from training.evaluation.evaluated import evaluate
from training.evaluation.figures import stated_sources
from training.evaluation.predictions import RunNetwork, predict, predict_cached
from training.evaluation.scope import evenly, fit_scope
from training.evaluation.thresholds import UNTUNED
from training.model.fuse import fuse
from training.model.network import build, load_npz
from training.model.quantize import to_int8

ACCURACY_TOLERANCE: Final = 0.01
"""How far int8 may fall behind float32 in accuracy over all files that both have answered."""
DICE_TOLERANCE: Final = 0.02
"""The same for mean Dice."""
CHANCE: Final = 2
"""Scans by which int8 may fall behind in any case: of few scans, two are already more than the tolerance."""
PARITY_OF_EACH_SET: Final = 60
"""Scans of each set and view that float32 answers too: it takes ten times as long as int8."""
KERAS_FILE: Final = "model.keras"
SAVED_MODEL: Final = "1"
"""TensorFlow Serving's version folder."""
REPORT: Final = "report"
ARTIFACT: Final = "model.tar.gz"
VIEW_SUFFIXES: Final = tuple(f"_{view}" for view in CHANNELS)
"""Of sources that are channels of files, which are counted as files already."""
NOTHING_YET: Final = Calibration(split="none", scans=0, groups=0, cross_fitted=False)


class ParityError(RuntimeError):
    """The converted model does not do what the trained one does."""


def main(arguments: Sequence[str]) -> int:
    """Write the artifact; 1 if int8 falls behind float32, with everything written but the packed file."""
    options = _parser().parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    model = build(options.size, weights=None)
    load_npz(model, options.weights)
    samples = read_data(options.data)
    test = with_views([sample for sample in samples if sample.part == "test"])
    network = convert(model, options.out, _draft(options, samples))
    print_progress("describing the train part for the scope check")
    network = describe(network, options.out, with_views([sample for sample in samples if sample.part == "train"]))
    print_progress("measuring on the test part, int8 and float32")
    network = measure(network, model, options.out, test, options.predictions)
    try:
        check_parity(network.manifest.metrics.parity)
    except ParityError as error:
        print(error, file=sys.stderr)
        return 1
    pack(options.out)
    return 0


def convert(model: keras.Model, out: Path, draft: Manifest) -> Model:
    """Write `model.keras`, the SavedModel, `model.tflite` and a manifest that lacks what is fitted and measured."""
    model.save(out / KERAS_FILE)
    fuse(model).export(out / SAVED_MODEL, verbose=False)
    flatbuffer = to_int8(out / SAVED_MODEL)
    (out / MODEL_FILE).write_bytes(flatbuffer)
    return _written(draft, out, model_id=hashlib.sha256(flatbuffer).hexdigest())


def describe(network: Model, out: Path, train: Sequence[Sample]) -> Model:
    """Fit what scans of the train part are like, evenly drawn from all its sets."""
    return _written(
        network.manifest,
        out,
        scope=fit_scope(predict(evenly(train), network.run, network.manifest.input.size)),
    )


def measure(network: Model, model: keras.Model, out: Path, test: Sequence[Sample], cache: Path | None) -> Model:
    """Fit the constants on the test part; evaluate int8, cross-fitted and as shipped, and float32 on a sample."""
    draft = network.manifest
    int8 = predict_cached(test, network.run, draft.input.size, draft.model_id, cache)
    shipped, cross_fitted = cross_fit(int8, draft)
    if shipped.calibration == NOTHING_YET:
        print_progress(
            f"the test part has fewer than {FEWEST_GROUPS} patients: temperature and thresholds stay at their defaults"
        )
    as_shipped = list(evaluate(int8, shipped))
    drawn = evenly(test, PARITY_OF_EACH_SET)
    float32 = predict_cached(drawn, _keras(model), draft.input.size, f"keras-{draft.model_id}", cache)
    in_both = set(drawn)
    metrics = Metrics(
        split="test",
        sources=stated_sources(cross_fitted),
        as_shipped=stated_sources(as_shipped),
        parity=Parity(
            int8=stated_sources([scan for scan in as_shipped if scan.sample in in_both]),
            float32=stated_sources(list(evaluate(float32, shipped))),
        ),
    )
    return _written(shipped, out, metrics=metrics)


def check_parity(parity: Parity) -> None:
    """Compare int8 with float32 over all files that both have answered.

    Raises:
        ParityError: int8 is worse by more than the tolerances.
    """
    (accuracy, dice, scans), (accuracy_32, dice_32, _) = _overall(parity.int8), _overall(parity.float32)
    tolerance = max(ACCURACY_TOLERANCE, CHANCE / max(scans, 1))
    print_progress(
        f"int8 accuracy {accuracy:.4f}, Dice {dice:.4f}; float32 accuracy {accuracy_32:.4f}, Dice {dice_32:.4f}"
    )
    if accuracy < accuracy_32 - tolerance or dice < dice_32 - DICE_TOLERANCE:
        raise ParityError(
            f"int8 falls behind float32 by more than {tolerance:.3g} in accuracy or {DICE_TOLERANCE} in Dice"
        )


def pack(out: Path) -> Path:
    """`model.tar.gz` with everything that the artifact consists of."""
    (out / REPORT).mkdir(exist_ok=True)
    metrics = Manifest.read(out).metrics
    (out / REPORT / "metrics.json").write_text(metrics.model_dump_json(indent=2) + "\n")
    with tarfile.open(out / ARTIFACT, "w:gz", compresslevel=1) as archive:
        for name in (MODEL_FILE, MANIFEST_FILE, KERAS_FILE, SAVED_MODEL, REPORT):
            archive.add(out / name, name)
    return out / ARTIFACT


def data_digest(root: Path, samples: Sequence[Sample]) -> str:
    """SHA-256 over every sample's path, label, part, scan and mask, in their order."""
    digest = hashlib.sha256()
    for sample in samples:
        digest.update(f"{sample.path.relative_to(root)}\0{sample.label}\0{sample.part}\0".encode())
        for path in (sample.path, sample.mask):
            digest.update(hashlib.sha256(path.read_bytes() if path else b"").digest())
    return digest.hexdigest()


def print_progress(text: str) -> None:
    """Progress, on one line."""
    print(text, flush=True)


def _draft(options: argparse.Namespace, samples: Sequence[Sample]) -> Manifest:
    """A manifest of what is known before the model answers anything."""
    return Manifest(
        model_id="0" * 64,
        input=InputContract(size=options.size),
        temperature=1.0,
        thresholds=UNTUNED,
        calibration=NOTHING_YET,
        metrics=Metrics(split="test", sources={}, as_shipped={}, parity=Parity(int8={}, float32={})),
        data_digest=data_digest(options.data, samples),
        source_revision=options.revision or _revision(),
    )


def _written(manifest: Manifest, out: Path, **known: object) -> Model:
    """The manifest with what is now known, written beside the model, and both loaded as they will be served."""
    updated = manifest.model_copy(update=known)
    (out / MANIFEST_FILE).write_text(updated.model_dump_json(indent=2, exclude_none=True) + "\n")
    return Model.load(out)


def _keras(model: keras.Model) -> RunNetwork:
    def run(batch: np.ndarray) -> Prediction:
        said = {name: np.asarray(value) for name, value in model.predict_on_batch(batch).items()}
        return Prediction(cls=said["cls"], seg=said["seg"][..., 0], features=said["features"])

    return run


def _overall(sources: Mapping[str, SourceMetrics]) -> tuple[float, float, int]:
    """Accuracy and mean Dice over all files, each file once, and how many files that are."""
    files = [source for name, source in sources.items() if not name.endswith(VIEW_SUFFIXES)]
    scans, masks = sum(source.scans for source in files), sum(source.masks for source in files)
    accuracy = sum(source.accuracy * source.scans for source in files) / max(scans, 1)
    return accuracy, sum((source.mean_dice or 0) * source.masks for source in files) / max(masks, 1), scans


def _revision() -> str:
    """The commit of this code, marked if it is changed."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit("this is no git checkout: name the code's version with --revision") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.export", description=__doc__)
    parser.add_argument(
        "--weights", type=Path, required=True, help="an .npz as `training.model.network.save_npz` writes it"
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the data, with splits.csv or without")
    parser.add_argument("--out", type=Path, required=True, help="the folder for the artifact's parts and model.tar.gz")
    parser.add_argument("--size", type=int, default=160, help="side of the input, pixels")
    parser.add_argument("--revision", help="the code's version, where there is no git")
    parser.add_argument("--predictions", type=Path, help="folder that keeps what a model said, for the next time")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
