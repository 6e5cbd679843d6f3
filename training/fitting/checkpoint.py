"""The state of a run, on disk: whole or absent, never half."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt

WEIGHTS: Final = "model.npz"
OPTIMIZER: Final = "optimizer.npz"
STATE: Final = "state.json"

Array = npt.NDArray[Any]


def save(
    folder: Path,
    model: keras.Model,
    state: Mapping[str, object],
    others: Mapping[str, Sequence[Array]] | None = None,
) -> None:
    """Writes weights, optimizer and `state` under `folder`/latest, in place of what was there before.

    `others` are further files, name -> arrays. A reader finds the old checkpoint or the new one: the new one is renamed
    into place when it is complete.
    """
    fresh, latest, old = folder / "fresh", folder / "latest", folder / "old"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    save_arrays(fresh / WEIGHTS, model.variables)
    save_arrays(fresh / OPTIMIZER, model.optimizer.variables)
    for name, arrays in (others or {}).items():
        save_values(fresh / name, arrays)
    (fresh / STATE).write_text(json.dumps(state))
    shutil.rmtree(old, ignore_errors=True)
    if latest.exists():
        latest.replace(old)
    fresh.replace(latest)
    shutil.rmtree(old, ignore_errors=True)


def latest(folder: Path) -> Path | None:
    """The newest complete checkpoint under `folder`, None if there is none."""
    for name in ("latest", "old"):  # `old` alone is left when an interruption fell between two renames
        if (folder / name / STATE).exists():
            return folder / name
    return None


def read_state(checkpoint: Path) -> dict[str, object]:
    """What `save` was given as state."""
    return dict(json.loads((checkpoint / STATE).read_text()))


def restore(checkpoint: Path, model: keras.Model) -> None:
    """Sets the weights of a compiled `model`, and its optimizer's state, to those of the checkpoint.

    Raises:
        ValueError: the checkpoint is of another network or optimizer.
    """
    load_arrays(checkpoint / WEIGHTS, model.variables)
    model.optimizer.build(model.trainable_variables)
    load_arrays(checkpoint / OPTIMIZER, model.optimizer.variables)


def save_arrays(path: Path, variables: Sequence[keras.Variable]) -> None:
    """Writes the variables' values in their order."""
    save_values(path, [keras.ops.convert_to_numpy(variable.value) for variable in variables])


def load_arrays(path: Path, variables: Sequence[keras.Variable]) -> None:
    """Sets the variables to the values that `save_arrays` wrote.

    Raises:
        ValueError: their number or shapes differ.
    """
    values = load_values(path)
    if len(values) != len(variables):
        raise ValueError(f"{path.name} holds {len(values)} arrays, expected {len(variables)}")
    for value, variable in zip(values, variables, strict=True):
        variable.assign(value)


def save_values(path: Path, values: Sequence[Array]) -> None:
    """Writes arrays in their order."""
    np.savez(path, allow_pickle=False, **{f"{i:04d}": value for i, value in enumerate(values)})


def load_values(path: Path) -> list[Array]:
    """The arrays that `save_values` wrote."""
    with np.load(path) as stored:
        return [stored[name] for name in sorted(stored.files)]
