"""Training with a network of five convolutions: the commands are the real ones, the minutes are not."""

from pathlib import Path

from brainscan.inference.manifest import Manifest
from tests.unit.training import tiny
from training import export
from training.model import network


def exported(data: Path, out: Path) -> str:
    """Make an artifact of a network that learned nothing; its model's id."""
    out.mkdir(parents=True)
    network.save_npz(tiny.network(), out / "weights.npz")
    told = {"--weights": out / "weights.npz", "--data": data, "--out": out, "--size": tiny.SIZE, "--revision": "a-test"}
    assert export.main([str(word) for each in told.items() for word in each]) == 0
    return Manifest.read(out).model_id
