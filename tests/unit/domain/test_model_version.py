"""Versions of the model go from state to state as the registry says, and nowhere else."""

import pytest

from brainscan.domain.model_version import ModelState, ModelStateError, Rollout

A, B, C = (letter * 64 for letter in "abc")
START = Rollout()


def test_what_was_added_and_never_moved_is_a_candidate() -> None:
    assert START.state_of(A) is ModelState.CANDIDATE


def test_a_served_version_retires_the_one_before() -> None:
    rollout = START.with_state(A, ModelState.SERVED).with_state(B, ModelState.SERVED)
    assert (rollout.state_of(A), rollout.state_of(B)) == (ModelState.RETIRED, ModelState.SERVED)
    assert (rollout.revision, rollout.previous) == (2, A)


def test_going_back_is_one_step_and_can_be_taken_back() -> None:
    rollout = START.with_state(A, ModelState.SERVED).with_state(B, ModelState.SERVED).rolled_back()
    assert (rollout.served, rollout.state_of(B)) == (A, ModelState.RETIRED)
    assert rollout.rolled_back().served == B


def test_before_the_first_switch_the_images_model_was_served() -> None:
    back = START.with_state(A, ModelState.SERVED).rolled_back()
    assert (back.served, back.state_of(A), back.revision) == (None, ModelState.RETIRED, 2)
    for rollout in (START, back):
        with pytest.raises(ModelStateError, match="none to go back to"):
            rollout.rolled_back()


def test_there_is_one_shadow_and_its_share_goes_with_it() -> None:
    rollout = START.with_state(A, ModelState.SHADOW, 0.2).with_state(B, ModelState.SHADOW, 0.5)
    assert (rollout.state_of(A), rollout.shadow, rollout.share) == (ModelState.CANDIDATE, B, 0.5)
    served = rollout.with_state(B, ModelState.SERVED)
    assert (served.served, served.shadow, served.share) == (B, None, 0)


@pytest.mark.parametrize("wanted", [ModelState.CANDIDATE, ModelState.SHADOW, ModelState.RETIRED, ModelState.SERVED])
def test_the_served_version_leaves_only_for_another(wanted: ModelState) -> None:
    with pytest.raises(ModelStateError, match="serve another in its place"):
        START.with_state(A, ModelState.SERVED).with_state(A, wanted)


def test_a_retired_version_looks_on_only_after_it_was_made_a_candidate_again() -> None:
    retired = START.with_state(A, ModelState.RETIRED)
    with pytest.raises(ModelStateError, match="can become candidate or served"):
        retired.with_state(A, ModelState.SHADOW)
    assert retired.with_state(A, ModelState.CANDIDATE).state_of(A) is ModelState.CANDIDATE
