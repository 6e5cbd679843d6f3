"""The manifest: what it refuses, and what it says when it does."""

import json
from pathlib import Path
from typing import Any

import pytest

from brainscan.domain import CLASSES
from brainscan.inference.manifest import MANIFEST_FILE, Manifest, ModelError
from tests.unit.inference.making import manifest


def stored(folder: Any, **changed: Any) -> Any:
    """A model folder whose manifest has some fields changed."""
    fields = json.loads(manifest().model_dump_json()) | changed
    (folder / MANIFEST_FILE).write_text(json.dumps(fields))
    return folder


def test_a_manifest_reads_back_as_it_was_written(tmp_path: Path) -> None:
    assert Manifest.read(stored(tmp_path)) == manifest()


def test_the_class_order_is_the_domains(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="in this order"):
        Manifest.read(stored(tmp_path, classes=[str(name) for name in reversed(CLASSES)]))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model_id", "a" * 63),
        ("temperature", 0),
        ("input", {"size": 100}),
        ("input", {"size": 128, "channels": 3}),
        ("schema_version", "2"),
        ("surprise", 1),
    ],
)
def test_what_this_version_cannot_serve_is_refused(
    tmp_path: Path, field: str, value: dict[str, Any] | int | str
) -> None:
    with pytest.raises(ModelError, match=field):
        Manifest.read(stored(tmp_path, **{field: value}))


def test_review_must_not_begin_below_abstention(tmp_path: Path) -> None:
    thresholds = manifest().thresholds.model_dump() | {"min_confidence": 0.7}
    with pytest.raises(ModelError, match="review_confidence"):
        Manifest.read(stored(tmp_path, thresholds=thresholds))


def test_a_missing_manifest_is_named_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no manifest\.json .* export"):
        Manifest.read(tmp_path)


def test_text_that_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / MANIFEST_FILE).write_text("{")
    with pytest.raises(ModelError, match="does not fit"):
        Manifest.read(tmp_path)
