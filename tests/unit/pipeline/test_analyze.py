"""Analyze commits each scan once, with its images beside it; trouble stays with the scan that has it."""

import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from brainscan.domain import Finding, Kind, Outcome, Reason, TumorClass
from brainscan.imaging.prepare import prepare
from brainscan.inference.interpretation import interpret
from brainscan.inference.runtime import Model
from brainscan.pipeline.analyze import UnknownScanError, analyze
from brainscan.pipeline.give_up import give_up
from brainscan.pipeline.overlays import overlay_png
from brainscan.pipeline.predict import ScanBytes, predict
from brainscan.settings import Limits
from brainscan.store import ObjectGoneError
from tests.conftest import World
from tests.making import a_record, png, present


def counts(world: World, export: Any) -> Any:
    found = present(world.services.table.exports.get(export.export_id)).counts
    return {outcome: count for outcome, count in found.items() if count}


def test_every_scan_gets_its_outcome_its_result_and_images_at_its_own_size(
    world: World, three: Any, network: Model
) -> None:
    export, scans = three
    answers = analyze(scans, world.services, network)
    first, second, blank = (answer.record for answer in answers)
    assert {present(first).outcome, present(second).outcome} <= {Outcome.ANALYZED, Outcome.ABSTAINED}
    assert (present(blank).outcome, present(blank).reasons) == (Outcome.ABSTAINED, (Reason.BLANK_IMAGE,))
    assert sum(counts(world, export).values()) == 3
    assert Outcome.QUEUED not in counts(world, export)
    for record, side in ((first, 96), (second, 64)):
        image = Image.open(io.BytesIO(world.services.results.get(present(present(record).image_key))))
        assert image.size == (side, side)
        result = json.loads(world.services.results.get(present(present(record).result_key)))
        assert result["model_id"] == network.manifest.model_id
        assert set(result["timings_ms"]) == {"decode", "prepare", "infer", "interpret", "store"}
        assert sum(result["probabilities"].values()) == pytest.approx(1)
        assert world.services.table.scans.get(present(record).scan_id) == record


@pytest.mark.parametrize("logit", [-9.0, 9.0])
def test_a_mask_is_kept_where_something_is_outlined_and_an_empty_one_is_not(
    world: World, three: Any, network: Model, monkeypatch: pytest.MonkeyPatch, logit: float
) -> None:
    _, scans = three
    run = Model.run
    monkeypatch.setattr(Model, "run", lambda model, batch: replace(run(model, batch), seg=_disc_of(logit, batch)))
    record = present(analyze(scans[:1], world.services, network)[0].record)
    files = {key.rsplit("/")[-1] for key in world.keys(f"results/{record.scan_id}/")}
    drawn = present(overlay_png(record, world.services.results))
    assert Image.open(io.BytesIO(drawn)).size == (96, 96)
    assert (record.tumor is not None) == (logit > 0)
    if record.tumor is None:
        assert files == {"image.png", "result.json"}
        assert record.mask_key is None
        return
    assert files == {"image.png", "mask.png", "result.json"}
    mask = np.asarray(Image.open(io.BytesIO(world.services.results.get(present(record.mask_key)))))
    assert (mask.dtype, mask.shape) == (np.uint8, (96, 96))
    assert set(np.unique(mask)) == {0, 255}
    assert np.count_nonzero(mask) == record.tumor.area_px


def _disc_of(logit: float, batch: Any) -> Any:
    """(B, N, N): a disc of this logit in the middle of each map, and nothing around it."""
    size = batch.shape[1]
    near = np.hypot(*(np.mgrid[:size, :size] - size / 2)) < size / 5
    return np.repeat(np.where(near, logit, -9.0).astype(np.float32)[np.newaxis], len(batch), axis=0)


def test_a_repeat_answers_what_is_known_and_changes_nothing(world: World, three: Any, network: Model) -> None:
    export, scans = three
    first = analyze(scans, world.services, network)
    again = analyze([*scans, *scans], world.services, network)
    assert [answer.record for answer in again] == [answer.record for answer in first] * 2
    assert all(answer.repeat for answer in again)
    assert sum(counts(world, export).values()) == 3


def test_the_same_scan_twice_in_a_batch_is_analyzed_once(world: World, three: Any, network: Model) -> None:
    export, scans = three
    answers = analyze([scans[0], scans[0]], world.services, network)
    assert answers[0] == answers[1]
    assert sum(counts(world, export).values()) == 3


def test_a_scan_whose_bytes_are_gone_is_an_error_and_its_neighbours_are_not(
    world: World, three: Any, network: Model
) -> None:
    export, scans = three
    world.s3.delete_object(Bucket="results", Key=scans[0].staged_key)
    answers = analyze(scans, world.services, network)
    assert isinstance(answers[0].error, ObjectGoneError)
    assert [answer.error for answer in answers[1:]] == [None, None]
    assert counts(world, export)[Outcome.QUEUED] == 1


def test_giving_up_is_an_outcome_and_a_redriven_scan_is_tried_again(world: World, three: Any, network: Model) -> None:
    export, scans = three
    given_up = give_up(scans[0], world.services)
    assert give_up(scans[0], world.services) is None
    failed = present(world.services.table.scans.get(scans[0].scan_id))
    assert given_up == failed
    assert (failed.outcome, failed.reasons) == (Outcome.FAILED, (Reason.RETRIES_EXHAUSTED,))
    [answer] = analyze([scans[0]], world.services, network)
    assert present(answer.record).outcome in {Outcome.ANALYZED, Outcome.ABSTAINED}
    assert Outcome.FAILED not in counts(world, export)


def test_giving_up_never_overwrites_an_outcome(world: World, three: Any, network: Model) -> None:
    _, scans = three
    [answer] = analyze(scans[:1], world.services, network)
    give_up(scans[0], world.services)
    assert world.services.table.scans.get(scans[0].scan_id) == answer.record


def test_a_message_of_a_scan_that_nobody_registered_is_an_error(world: World, network: Model) -> None:
    [answer] = analyze([a_record()], world.services, network)
    assert isinstance(answer.error, UnknownScanError)
    assert (answer.scan_id, answer.record, answer.repeat) == (a_record().scan_id, None, False)
    assert a_record().scan_id in str(answer.error)


def test_a_scan_of_a_replaced_version_is_skipped_even_where_the_index_lags(
    world: World, three: Any, network: Model
) -> None:
    export, scans = three
    world.services.table.exports.mark_superseded(export.export_id)
    answers = analyze(scans, world.services, network)
    assert {(present(answer.record).outcome, present(answer.record).reasons) for answer in answers} == {
        (Outcome.SKIPPED, (Reason.SUPERSEDED,))
    }
    assert counts(world, export) == {Outcome.SKIPPED: 3}


def test_a_failed_scan_that_was_replaced_is_not_tried_again_when_it_is_redriven(
    world: World, three: Any, network: Model
) -> None:
    export, scans = three
    give_up(scans[0], world.services)
    world.services.table.scans.supersede(export.export_id)
    [result] = analyze(scans[:1], world.services, network)
    assert (result.repeat, result.error) == (True, None)
    assert (present(result.record).outcome, present(result.record).superseded) == (Outcome.FAILED, True)


class TestPredict:
    def test_limits_and_damage_are_outcomes_of_their_own_scan(self, network: Model) -> None:
        tasks = [ScanBytes(png(96), Kind.PNG), ScanBytes(png(96)[:200], Kind.PNG), ScanBytes(png(32), Kind.PNG)]
        good, damaged, small = predict(tasks, network, Limits(pixels=10_000))
        assert present(good.finding).predicted in list(TumorClass)
        assert (present(damaged.finding).outcome, present(damaged.finding).reasons) == (
            Outcome.REJECTED,
            (Reason.UNREADABLE,),
        )
        assert present(small.finding).outcome in {Outcome.ANALYZED, Outcome.ABSTAINED}
        [large] = predict([ScanBytes(png(128), Kind.PNG)], network, Limits(pixels=10_000))
        assert (present(large.finding).outcome, present(large.finding).reasons) == (
            Outcome.REJECTED,
            (Reason.TOO_MANY_PIXELS,),
        )

    def test_together_or_alone_gives_the_same_answer(self, network: Model) -> None:
        tasks = [ScanBytes(png(side, seed=side), Kind.PNG) for side in (64, 80, 100)]
        together = predict(tasks, network, Limits())
        alone = [predict([task], network, Limits())[0] for task in tasks]
        assert [replace(each, timings_ms={}) for each in together] == [replace(each, timings_ms={}) for each in alone]

    def test_no_tasks_are_no_answers(self, network: Model) -> None:
        assert predict([], network, Limits()) == []

    def test_a_finding_rests_on_the_masks_share_of_the_head_and_on_the_distance_from_the_scope(
        self, network: Model, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen = []

        def watched(probabilities: Any, tumor: Any, mask_fraction: Any, manifest: Any, distance: Any) -> Finding:
            seen.append((tumor, mask_fraction, distance))
            return interpret(probabilities, tumor, mask_fraction, manifest, distance)

        monkeypatch.setattr("brainscan.pipeline.predict.interpret", watched)
        distances = np.array([0.125])
        monkeypatch.setattr(type(network.manifest.scope), "distances", lambda *_: distances)
        outlined = np.zeros((96, 96), bool)
        outlined[40:50, 40:50] = True
        monkeypatch.setattr("brainscan.pipeline.predict.to_mask", lambda *_: outlined)
        pixels = np.asarray(Image.open(io.BytesIO(png(96, seed=1))).convert("L")).copy()
        pixels[:, :20] = 0  # the head fills part of the picture
        stored = io.BytesIO()
        Image.fromarray(pixels).save(stored, "PNG")
        [predicted] = predict([ScanBytes(stored.getvalue(), Kind.PNG)], network, Limits())
        area = prepare(pixels, network.manifest.input.size).crop.area
        assert area < outlined.size
        assert seen == [(present(predicted.finding).tumor, 100 / area, 0.125)]
