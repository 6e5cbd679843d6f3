"""Where a run reads and writes: SageMaker's variables, each with a plain flag for everywhere else."""

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CHECKPOINTS: Final = "checkpoints"
"""Folder beside the model's, which SageMaker copies to and from the job's checkpoint location: /opt/ml/checkpoints."""


@dataclass(frozen=True, slots=True)
class Environment:
    """One run's surroundings.

    `hyperparameters` are raw: the names and texts of flags that are no path, and of `SM_HPS`.
    """

    data: Path
    init: Path | None
    model_dir: Path
    output_dir: Path
    checkpoints: Path
    cache: Path | None
    weights_only: bool
    hosts: tuple[str, ...]
    current_host: str
    gpus: int
    revision: str | None
    hyperparameters: Mapping[str, object]

    @property
    def is_leader(self) -> bool:
        """Whether this host writes the artifact: the first of them."""
        return self.current_host == self.hosts[0]


def read_environment(arguments: Sequence[str], variables: Mapping[str, str] | None = None) -> Environment:
    """Flags before variables before defaults.

    Args:
        arguments: without the program's name; `--NAME VALUE` that is no path is a hyperparameter.
        variables: the environment; `os.environ` if None.
    """
    env = os.environ if variables is None else variables
    known, rest = _parser(env).parse_known_args(arguments)
    return Environment(
        data=known.data,
        init=known.init,
        model_dir=known.model_dir,
        output_dir=known.output_dir,
        checkpoints=known.checkpoints or known.model_dir.parent / CHECKPOINTS,
        cache=known.cache,
        weights_only=known.weights_only,
        hosts=tuple(json.loads(env.get("SM_HOSTS", '["localhost"]'))),
        current_host=env.get("SM_CURRENT_HOST", "localhost"),
        gpus=int(env.get("SM_NUM_GPUS", "0")),
        revision=known.revision,
        hyperparameters={**json.loads(env.get("SM_HPS", "{}")), **_pairs(rest)},
    )


def _parser(env: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.train",
        description="From data to a model worth serving. Every hyperparameter is a flag too: --epochs 20.",
        allow_abbrev=False,
    )
    init = env.get("SM_CHANNEL_INIT")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(env.get("SM_CHANNEL_TRAINING", "../shared/data")),
        help="folder with splits.csv and the public sets [SM_CHANNEL_TRAINING]",
    )
    parser.add_argument(
        "--init",
        type=Path,
        default=Path(init) if init else None,
        help="weights to start from: .npz or the folder of one, or a served model.tflite [SM_CHANNEL_INIT]",
    )
    parser.add_argument(
        "--model-dir",
        type=Path,
        default=Path(env.get("SM_MODEL_DIR", "out/model")),
        help="where the artifact goes [SM_MODEL_DIR]",
    )
    parser.add_argument(
        "--output-dir",
        type=Path,
        default=Path(env.get("SM_OUTPUT_DATA_DIR", "out/output")),
        help="where history and report go [SM_OUTPUT_DATA_DIR]",
    )
    parser.add_argument(
        "--checkpoints",
        type=Path,
        default=None,
        help="folder that outlives an interruption; unless said, beside --model-dir",
    )
    parser.add_argument(
        "--revision",
        default=env.get("TRAINING_JOB_NAME"),
        help="the code's version, where there is no git [TRAINING_JOB_NAME]",
    )
    parser.add_argument(
        "--weights-only", action="store_true", help="end with the weights; training.export makes the artifact of them"
    )
    parser.add_argument("--cache", type=Path, default=None, help="folder that keeps prepared slices between runs")
    return parser


def _pairs(rest: Sequence[str]) -> dict[str, object]:
    """`--name value` and `--name=value` -> {name: value}."""
    pairs: dict[str, object] = {}
    words = iter(rest)
    for word in words:
        name, equals, value = word.removeprefix("--").partition("=")
        pairs[name.replace("-", "_")] = value if equals else next(words, "")
    return pairs
