"""The model that comes with the package, or the one that `BRAINSCAN_MODEL_DIR` names."""

import os
from pathlib import Path
from typing import Final

from brainscan.inference.manifest import MANIFEST_FILE, MODEL_FILE, ModelError

VARIABLE: Final = "BRAINSCAN_MODEL_DIR"

PACKAGED: Final = Path(__file__).parent.parent / "model"
"""Of a wheel, a folder in it; of a checkout, a link to the model that the analyze function serves."""


def model_dir() -> Path:
    """The folder of the model to use.

    Raises:
        ModelError: the folder does not hold a model; the text names the remedy.
    """
    folder_named = os.environ.get(VARIABLE)
    folder = Path(folder_named) if folder_named else PACKAGED
    missing = [name for name in (MANIFEST_FILE, MODEL_FILE) if not (folder / name).is_file()]
    if not missing:
        return folder
    if folder_named:
        raise ModelError(
            f"{VARIABLE} is {folder_named}, which holds no {missing[0]}; name the folder of an exported model"
        )
    raise ModelError(
        f"this installation has no {missing[0]}: install the wheel, which brings the model along, or let {VARIABLE} "
        "name a folder that holds manifest.json and model.tflite"
    )
