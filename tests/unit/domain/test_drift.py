"""Distances of histograms are those of the literature; a day counts as drifted only where its numbers carry that."""

from collections import Counter
from math import log
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainscan.domain import CLASSES, Measurements, Outcome, Reason
from brainscan.domain.devices import CODES, UNKNOWN, Vendor, device_code, model_of, vendor_of
from brainscan.domain.drift import (
    LEAST_DAY,
    LEAST_REFERENCE,
    Level,
    drift_of,
    farthest,
    jensen_shannon,
    kolmogorov_smirnov,
    population_stability,
)
from brainscan.domain.features import BINS, ORDERED, DayHistograms, Feature, counter_names, quality_of
from brainscan.domain.traits import Sequence, Traits
from tests.making import a_record, analyzed, present

BINS_4 = tuple("abcd")
HISTOGRAMS = st.tuples(*[st.integers(0, 10_000)] * 4).filter(any).map(lambda n: dict(zip(BINS_4, n, strict=True)))


def day(number: int, **confidences: Any) -> DayHistograms:
    """A day with so many analyzed scans in each bin of confidence."""
    counts = {f"confidence_{place.removeprefix('bin')}": n for place, n in confidences.items()}
    return DayHistograms(day=f"2026-03-{number:02d}", counts=counts | {"analyzed": sum(counts.values())})


def confidence(found: Any) -> Any:
    return next(each for each in found if each.feature is Feature.CONFIDENCE)


def test_the_stability_index_of_a_textbook_case() -> None:
    """Shares 0.5 and 0.5 become 0.75 and 0.25."""
    found = population_stability({"a": 50, "b": 50}, {"a": 75, "b": 25}, ("a", "b"))
    assert found == pytest.approx(0.25 * log(1.5) - 0.25 * log(0.5))


def test_divergence_is_one_bit_and_distance_one_where_nothing_is_shared() -> None:
    assert jensen_shannon({"a": 5}, {"b": 9}, ("a", "b")) == pytest.approx(1)
    assert kolmogorov_smirnov({"a": 5}, {"b": 9}, ("a", "b")) == pytest.approx(1)


def test_distances_are_those_of_scipy() -> None:
    distance = pytest.importorskip("scipy.spatial.distance")
    before, now = {"a": 10, "b": 60, "c": 30}, {"a": 25, "b": 25, "c": 50}
    told = distance.jensenshannon([10, 60, 30], [25, 25, 50], base=2) ** 2
    assert jensen_shannon(before, now, ("a", "b", "c")) == pytest.approx(told)
    assert kolmogorov_smirnov(before, now, ("a", "b", "c")) == pytest.approx(0.2)


@given(HISTOGRAMS, HISTOGRAMS)
def test_no_distance_is_negative_and_divergences_are_at_most_one(before: Any, now: Any) -> None:
    assert population_stability(before, now, BINS_4) >= 0
    assert 0 <= jensen_shannon(before, now, BINS_4) <= 1
    assert 0 <= kolmogorov_smirnov(before, now, BINS_4) <= 1 + 1e-9


@given(HISTOGRAMS, st.integers(1, 9))
def test_the_same_shares_are_no_distance_apart_however_many_scans(histogram: Any, times: int) -> None:
    more = {name: n * times for name, n in histogram.items()}
    for measure in (population_stability, jensen_shannon, kolmogorov_smirnov):
        assert measure(histogram, more, BINS_4) == pytest.approx(0, abs=1e-9)


def test_a_day_that_moved_is_drifted_and_one_that_did_not_is_stable() -> None:
    reference = [day(n, bin5=100, bin6=200) for n in range(1, 11)]
    found = confidence(drift_of(reference, [day(11, bin5=100, bin6=200), day(12, bin0=200, bin6=100)]))
    assert [each.level for each in found.days] == [Level.STABLE, Level.DRIFTED]
    assert found.days[0].psi == 0
    assert found.days[1].psi > 1
    assert found.reference_scans == 3000
    assert sum(found.current) == pytest.approx(1, abs=0.001)


@pytest.mark.parametrize(("scans", "reference"), [(LEAST_DAY - 1, LEAST_REFERENCE), (LEAST_DAY, LEAST_REFERENCE - 1)])
def test_too_few_scans_give_no_number(scans: Any, reference: Any) -> None:
    [found] = confidence(drift_of([day(1, bin6=reference)], [day(2, bin0=scans)])).days
    assert (found.level, found.psi, found.jensen_shannon) == (Level.TOO_FEW, None, None)
    assert found.scans == scans


def test_what_days_of_the_reference_do_themselves_is_usual() -> None:
    """Days of few series swing: each of these is far from their sum, and another like them is no news."""
    reference = [day(n, **{f"bin{n % 5}": 300}) for n in range(1, 11)]
    found = confidence(drift_of(reference, [day(11, bin3=300)]))
    assert found.usual_psi > 0.25
    assert found.days[0].level is Level.STABLE
    assert confidence(drift_of(reference, [day(12, bin7=300)])).days[0].level is Level.DRIFTED


def test_the_feature_that_is_farthest_off_is_found_apart_for_what_comes_in_and_what_is_answered() -> None:
    reference = [day(n, bin6=300) for n in range(1, 11)]
    found = drift_of(reference, [day(11, bin0=300)])
    answers = present(farthest(found, output=True))
    assert answers.feature is Feature.CONFIDENCE
    assert answers.of_limit == pytest.approx(answers.psi / 0.25)
    assert farthest(found, output=False) is None


def test_how_far_is_too_far_goes_by_what_is_usual() -> None:
    reference = [day(n, **{f"bin{n % 5}": 300}) for n in range(1, 11)]
    found = drift_of(reference, [day(11, bin3=300)])
    assert present(farthest(found, output=True)).of_limit == pytest.approx(1)


@given(
    st.sampled_from(CODES),
    st.sampled_from([None, *Sequence]),
    st.sampled_from([None, *range(10)]),
    st.sampled_from([None, *range(10)]),
)
def test_traits_are_five_characters_and_come_back_whole(device: Any, sequence: Any, intensity: Any, scope: Any) -> None:
    traits = Traits(device=device, sequence=sequence, intensity=intensity, scope=scope)
    assert len(traits.packed()) == 5
    assert Traits.model_validate(traits.packed()) == traits


def test_traits_that_are_cut_are_refused() -> None:
    with pytest.raises(ValueError, match="five characters"):
        Traits.model_validate("Sn1")


@pytest.mark.parametrize(
    ("manufacturer", "model", "vendor", "name"),
    [
        ("SIEMENS", "TrioTim", Vendor.SIEMENS, "Trio"),
        ("Siemens Healthineers", "MAGNETOM Prisma Fit", Vendor.SIEMENS, "Prisma"),
        ("GE MEDICAL SYSTEMS", "DISCOVERY MR750w", Vendor.GE, "MR750"),
        ("Philips Medical Systems", "Ingenia Elition X", Vendor.PHILIPS, "Elition"),
        ("TOSHIBA", "Titan 3T", Vendor.CANON, "Titan"),
        ("UNKNOWN", "TrioTim", Vendor.SIEMENS, "Trio"),
        ("BIOLAB", "nifti2dicom", Vendor.OTHER, None),
        ("Philips", "JOHN DOE", Vendor.PHILIPS, None),
        ("", "", None, None),
    ],
)
def test_a_device_is_one_of_a_closed_list(
    manufacturer: str, model: str, vendor: Vendor | None, name: str | None
) -> None:
    code = device_code(manufacturer, model)
    assert code in CODES
    assert (vendor_of(code), model_of(code)) == (vendor, name)


def test_every_device_of_the_list_has_a_code_of_its_own() -> None:
    assert len(set(CODES)) == len(CODES)
    named = [(vendor_of(code), model_of(code)) for code in CODES if model_of(code)]
    assert len(set(named)) == len(named)
    assert all(
        device_code(vendor.replace("_", " "), name) == code
        for code in CODES
        if (name := model_of(code)) and (vendor := vendor_of(code))
    )


def test_a_scan_is_in_one_bin_of_each_feature_that_is_known_of_it() -> None:
    record = analyzed(a_record(traits=Traits(device="Sn", sequence=Sequence.T1)), CLASSES[0], 0.93, needs_review=True)
    tumor = Measurements(area_px=655, bounding_box=(0, 0, 1, 1), centroid=(0, 0), longest_diameter_px=1, components=1)
    known = {"rows": 256, "columns": 256, "tumor": tumor, "review_reasons": (Reason.BORDERLINE_CONFIDENCE,)}
    found = Counter(
        counter_names(record.model_copy(update=known | {"traits": present(record.traits).measured(-0.42, 1.02)}))
    )
    assert found == Counter(
        [
            "size_2",
            "sequence_t1",
            "intensity_3",
            "scope_5",
            "confidence_5",
            f"class_{CLASSES[0]}",
            "area_3",
            "device_Sn",
            "device_Sn_flagged",
        ]
    )


def test_skipped_and_waiting_scans_are_in_none() -> None:
    assert not list(counter_names(a_record(traits=Traits(device="Sn"))))
    assert not list(counter_names(a_record(outcome=Outcome.SKIPPED, reasons=(Reason.LOCALIZER,))))


def test_what_never_got_a_header_is_of_an_unknown_device() -> None:
    rejected = a_record(outcome=Outcome.REJECTED, reasons=(Reason.UNREADABLE,))
    assert Counter(counter_names(rejected)) == Counter([f"device_{UNKNOWN * 2}", f"device_{UNKNOWN * 2}_rejected"])


def test_quality_by_device_adds_days_up() -> None:
    days = [
        DayHistograms(day=f"2026-03-0{n}", counts={"device_Sn": 10, "device_Sn_rejected": n, "device_--": 1})
        for n in (1, 2)
    ]
    first, second = quality_of(days)
    assert (first.vendor, first.model, first.scans, first.rejected, first.abstained) == ("siemens", "Skyra", 20, 3, 0)
    assert (second.vendor, second.model, second.scans) == (None, None, 2)


def test_features_with_an_order_count_by_place_and_others_by_name() -> None:
    """So a class that is added among the others moves no count."""
    for feature in set(Feature) - ORDERED - {Feature.OUTCOME, Feature.VENDOR}:
        name = BINS[feature][1]
        assert DayHistograms(day="2026-03-01", counts={f"{feature}_{name}": 3}).of(feature) == Counter({name: 3})
