"""What verdicts come to: of one reader the latest; of two only what both say, or what an adjudicator decides."""

import pytest

from brainscan.domain import (
    ONE_READER,
    AdjudicatorNeededError,
    NothingToWithdrawError,
    Opinion,
    Review,
    Reviewed,
    ReviewRules,
    ReviewState,
    TumorClass,
    Verdict,
)
from tests.making import NOON, opinion

G, M, N = TumorClass.GLIOMA, TumorClass.MENINGIOMA, TumorClass.NO_TUMOR
TWO = ReviewRules(readers=2)
ADJUDICATOR = ReviewRules(readers=2, adjudicator=True)
CONFIRMED, CORRECTED, REJECTED, WITHDRAWN = Verdict.CONFIRMED, Verdict.CORRECTED, Verdict.REJECTED, Verdict.WITHDRAWN


def judged(
    *said: tuple[str, Verdict] | tuple[str, Verdict, TumorClass],
    rules: ReviewRules = TWO,
    last: ReviewRules | None = None,
) -> Reviewed:
    """A glioma in the network's eyes after these verdicts; the last one may go by other rules."""
    case = Reviewed(predicted=G)
    for number, (reader, verdict, *corrected) in enumerate(said, start=1):
        by = last if last and number == len(said) else rules
        said_now = Opinion(
            verdict=verdict, corrected=corrected[0] if corrected else None, reader=reader, comment="seen"
        )
        review = Review(
            **said_now.model_dump(), reviewed_at=NOON, revision=number, adjudicates=case.adjudicates(said_now, by)
        )
        case = case.model_copy(update=case.with_review(review, by))
    return case


def stands(case: Reviewed) -> tuple[ReviewState | None, TumorClass | None]:
    """The state, and the class that the verdict names that counts."""
    decisive = case.decisive_review
    return case.verdict_state, decisive.named_class(G) if decisive else None


def test_where_one_reads_the_latest_verdict_counts_and_taking_it_back_leaves_the_one_before() -> None:
    both = (("A", CONFIRMED), ("B", CORRECTED, M))
    assert stands(judged(*both, rules=ONE_READER)) == (ReviewState.CORRECTED, M)
    assert stands(judged(*both, ("B", WITHDRAWN), rules=ONE_READER)) == (ReviewState.CONFIRMED, G)
    assert stands(judged(*both, ("A", WITHDRAWN), rules=ONE_READER)) == (ReviewState.CORRECTED, M)
    assert stands(judged(*both, ("B", WITHDRAWN), ("A", WITHDRAWN), rules=ONE_READER)) == (None, None)


def test_a_dispute_outlives_a_third_verdict_that_is_taken_back() -> None:
    case = judged(("A", CONFIRMED), ("B", CORRECTED, M), ("C", CONFIRMED), ("C", WITHDRAWN), rules=ONE_READER)
    assert [each.reader for each in case.readings] == ["A", "B"]


def test_one_of_two_verdicts_counts_for_nothing_yet_and_is_hidden_from_the_second_reader() -> None:
    case = judged(("A", CORRECTED, M))
    assert stands(case) == (ReviewState.SECOND, None)
    assert (case.hides_from("A"), case.hides_from("B")) == (False, True)
    assert not judged(("A", CORRECTED, M), ("B", CONFIRMED)).hides_from("C")


def test_two_who_agree_settle_it_whatever_the_word_for_it() -> None:
    assert stands(judged(("A", CONFIRMED), ("B", CONFIRMED))) == (ReviewState.CONFIRMED, G)
    assert stands(judged(("A", CONFIRMED), ("B", CORRECTED, G))) == (ReviewState.CORRECTED, G)
    assert stands(judged(("A", REJECTED), ("B", REJECTED))) == (ReviewState.REJECTED, None)


@pytest.mark.parametrize("second", [("B", CORRECTED, M), ("B", REJECTED)])
def test_two_who_differ_wait_for_an_adjudicator(second: tuple[str, Verdict, TumorClass]) -> None:
    case = judged(("A", CONFIRMED), second)
    assert stands(case) == (ReviewState.DISPUTED, None)
    with pytest.raises(AdjudicatorNeededError):
        case.adjudicates(opinion(CONFIRMED, reader="C"), TWO)
    decided = judged(("A", CONFIRMED), second, ("C", CORRECTED, N), last=ADJUDICATOR)
    assert stands(decided) == (ReviewState.CORRECTED, N)
    assert decided.review is not None
    assert decided.review.adjudicates


def test_neither_of_the_two_is_their_adjudicator_but_each_may_agree() -> None:
    differ = (("A", CONFIRMED), ("B", CORRECTED, M))
    agreed = judged(*differ, ("A", CORRECTED, M), last=ADJUDICATOR)
    assert agreed.review is not None
    assert not agreed.review.adjudicates
    assert stands(agreed) == (ReviewState.CORRECTED, M)
    assert stands(judged(*differ, ("A", CORRECTED, N), last=ADJUDICATOR)) == (ReviewState.DISPUTED, None)


def test_a_decision_that_is_taken_back_brings_the_dispute_back() -> None:
    case = judged(("A", CONFIRMED), ("B", CORRECTED, M), ("C", CONFIRMED), ("C", WITHDRAWN), rules=ADJUDICATOR)
    assert stands(case) == (ReviewState.DISPUTED, None)


def test_nobody_takes_back_what_another_said() -> None:
    with pytest.raises(NothingToWithdrawError):
        judged(("A", CONFIRMED), ("B", WITHDRAWN))
    with pytest.raises(NothingToWithdrawError):
        judged(("A", CONFIRMED), ("A", WITHDRAWN), ("A", WITHDRAWN))


def test_comments_stay_with_their_own_verdict() -> None:
    case = judged(("A", CONFIRMED), ("B", CONFIRMED))
    assert [each.comment for each in case.readings] == [None, "seen"]
