"""The registry of models over HTTP: versions with figures, states and gates, and who changed what."""

from brainscan.domain.gate import GateResult
from brainscan.domain.model_version import ModelChange, ModelState, ModelVersion, Rollout, SourceFigures
from brainscan.store import Table
from tests.making import NOON
from tests.unit.api.conftest import Ask

A = "a" * 64


def test_the_registry_says_which_version_stands_where_and_who_brought_it_there(ask: Ask, lagging_table: Table) -> None:
    figures = {"brats": SourceFigures(scans=90, accuracy=0.9, abstained=2, needs_review=8)}
    version = ModelVersion(
        model_id=A, added_at=NOON, size_bytes=10, input_size=160, split="test", figures=figures,
        data_digest="b" * 64, source_revision="c" * 40,
    )  # fmt: skip
    entered = ModelChange(revision=1, model_id=A, state=ModelState.CANDIDATE, by="dr.k", at=NOON, reason="of June")
    lagging_table.models.commit(Rollout(revision=1), entered, version)
    looks_on = ModelChange(revision=2, model_id=A, state=ModelState.SHADOW, by="dr.l", at=NOON, share=0.1)
    lagging_table.models.commit(Rollout(revision=2, shadow=A, share=0.1), looks_on)
    answer = ask("GET", "/v1/models").json
    assert (answer["served"], answer["models"]) == (None, [])
    [listed] = answer["versions"]
    assert (listed["state"], listed["share"], listed["gate"]) == ("shadow", 0.1, None)
    assert listed["figures"]["brats"]["accuracy"] == 0.9
    assert [(each["by"], each["state"]) for each in answer["changes"]] == [("dr.l", "shadow"), ("dr.k", "candidate")]


def test_what_the_gate_had_against_a_version_stands_beside_it(ask: Ask, lagging_table: Table) -> None:
    version = ModelVersion(
        model_id=A, added_at=NOON, size_bytes=10, input_size=160, split="test", figures={},
        data_digest="b" * 64, source_revision="c" * 40,
    )  # fmt: skip
    entered = ModelChange(revision=1, model_id=A, state=ModelState.CANDIDATE, by="dr.k", at=NOON)
    lagging_table.models.commit(Rollout(revision=1), entered, version)
    said = GateResult(
        model_id=A, served=(), at=NOON, by="dr.k", scans=9, reviewed=0, size_bytes=10, failures=("9 scans compared",)
    )
    lagging_table.models.put_gate(said)
    [listed] = ask("GET", "/v1/models").json["versions"]
    assert listed["gate"]["failures"] == ["9 scans compared"]
