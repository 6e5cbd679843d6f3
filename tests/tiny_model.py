"""A real LiteRT model that is small and knows one thing: what is bright in the head is a tumor of one class."""

import hashlib
import tempfile
from functools import cache
from pathlib import Path

from brainscan.domain import CLASSES, TumorClass
from brainscan.inference.manifest import MANIFEST_FILE, MODEL_FILE
from tests.unit.inference.making import manifest

SIZE = 128
BRIGHT = 0.6
"""Of an input in [-1, 1]: what lies above is tumor."""


def write_model(folder: Path, tumor: TumorClass, certainty: float = 4.0) -> str:
    """Write `model.tflite` and its manifest.

    Args:
        folder: is made where it is not there.
        tumor: what bright spots are called; a scan without one is `no_tumor`.
        certainty: logit of the class that is called, the others' being 0.

    Returns:
        The model id.
    """
    flatbuffer = _flatbuffer(tumor, certainty)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL_FILE).write_bytes(flatbuffer)
    model_id = hashlib.sha256(flatbuffer).hexdigest()
    (folder / MANIFEST_FILE).write_text(manifest(model_id=model_id).model_dump_json())
    return model_id


@cache
def _flatbuffer(tumor: TumorClass, certainty: float) -> bytes:
    """The file, converted once for all tests of a process: that takes seconds."""
    import tensorflow as tf  # here, since that takes seconds, too

    present = tf.one_hot(CLASSES.index(tumor), len(CLASSES)) * certainty
    absent = tf.one_hot(CLASSES.index(TumorClass.NO_TUMOR), len(CLASSES)) * certainty

    @tf.function(input_signature=[tf.TensorSpec((None, SIZE, SIZE, 1), tf.float32, name="scan")])
    def look(scan: tf.Tensor) -> dict[str, tf.Tensor]:
        seg = (scan - BRIGHT) * 20
        share = tf.reduce_mean(tf.cast(seg > 0, tf.float32), axis=(1, 2))
        found = tf.cast(share > 0.002, tf.float32)
        return {"cls": found * present + (1 - found) * absent, "seg": seg, "features": share}

    module = tf.Module()
    module.look = look
    with tempfile.TemporaryDirectory() as saved:
        tf.saved_model.save(module, saved, signatures={"serving_default": look})
        converted: bytes = tf.lite.TFLiteConverter.from_saved_model(saved).convert()
    return converted
