"""What a step is made of: losses, augmentation, batches, rates, and what a run may be told."""

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.unit.training import tiny
from training.datasets.prepared import UNKNOWN, Prepared, allowed_classes
from training.datasets.samples import CHENG, LGG, Sample, with_views
from training.fitting.augment import augment
from training.fitting.batches import EpochBatches, draw_weights, mask_target, network_input
from training.fitting.hyperparameters import HyperparameterError, Hyperparameters, parse_hyperparameters
from training.fitting.losses import AllowedClasses, KnownMask
from training.fitting.optimizer import SlowEncoderAdamW, WarmHoldDecay
from training.sagemaker.environment import read_environment


def test_a_known_class_costs_its_cross_entropy() -> None:
    logits = np.array([[2.0, 0.0, -1.0, 0.5]], np.float32)
    plain = keras.losses.CategoricalCrossentropy(from_logits=True)
    truth = allowed_classes("glioma")[np.newaxis]
    assert float(AllowedClasses()(truth, logits)) == pytest.approx(float(plain(truth, logits)), rel=1e-5)


def test_a_tumor_of_unknown_type_costs_what_is_left_for_no_tumor() -> None:
    logits = np.log(np.array([[0.5, 0.2, 0.2, 0.1]], np.float32))
    truth = allowed_classes("tumor")[np.newaxis]
    assert float(AllowedClasses()(truth, logits)) == pytest.approx(-np.log(0.8), rel=1e-4)


def test_a_slice_of_unknown_mask_weighs_nothing() -> None:
    unknown = mask_target(np.full((1, 8, 8), UNKNOWN, np.uint8))
    for logit in (-5.0, 5.0):
        assert float(KnownMask()(unknown, np.full((1, 8, 8, 1), logit, np.float32))) == 0


def test_an_empty_mask_punishes_what_is_found_in_it() -> None:
    empty = mask_target(np.zeros((1, 8, 8), np.uint8))
    quiet, loud = (float(KnownMask()(empty, np.full((1, 8, 8, 1), z, np.float32))) for z in (-8.0, 8.0))
    assert quiet < 0.01 < 5 < loud


def test_the_right_mask_costs_nothing_and_the_wrong_one_both_parts() -> None:
    mask = np.zeros((1, 8, 8), np.uint8)
    mask[:, 2:6, 2:6] = 1
    sure = np.where(mask[..., np.newaxis] > 0, 12.0, -12.0).astype(np.float32)
    assert float(KnownMask()(mask_target(mask), sure)) < 0.001
    assert float(KnownMask()(mask_target(mask), -sure)) > 10


def test_the_mask_moves_with_its_image() -> None:
    image = np.zeros((64, 64), np.uint8)
    image[20:40, 10:25] = 200
    mask = (image > 0).astype(np.uint8)
    for seed in range(30):
        moved, moved_mask = augment(image, mask, np.random.default_rng(seed))
        bright = moved > 60
        overlap = 2 * (bright & (moved_mask > 0)).sum() / (bright.sum() + moved_mask.sum())
        assert overlap > 0.8
        assert set(np.unique(moved_mask)) <= {0, 1}


def test_an_unknown_mask_stays_unknown_and_no_strength_changes_nothing() -> None:
    image = np.random.default_rng(0).integers(0, 255, (32, 32)).astype(np.uint8)
    unknown = np.full((32, 32), UNKNOWN, np.uint8)
    same, kept = augment(image, unknown, np.random.default_rng(0), strength=0)
    assert same is image
    assert kept is unknown


def test_heads_are_never_turned_upside_down() -> None:
    image = np.zeros((64, 64), np.uint8)
    image[:16] = 200
    for seed in range(40):
        moved, _ = augment(image, np.zeros_like(image), np.random.default_rng(seed))
        assert moved[:32].sum() > moved[32:].sum()


def test_an_epoch_is_the_same_every_time_and_differs_from_the_next() -> None:
    data, settings = tiny.slices(), Hyperparameters(batch_size=4, slices_per_epoch=12)
    first, again, following = (EpochBatches(data, settings, epoch) for epoch in (3, 3, 4))
    assert len(first) == 3
    assert all(first[i][0].shape == (4, tiny.SIZE, tiny.SIZE, 1) for i in range(3))
    np.testing.assert_array_equal(first[2][0], again[2][0])
    np.testing.assert_array_equal(first[1][1]["seg"], again[1][1]["seg"])
    assert not np.array_equal(first[0][0], following[0][0])


def test_balance_draws_from_every_slice_alike_to_every_stratum_alike() -> None:
    data = tiny.slices(12).subset([0, 2, 4, 6, 8, 10, 1])
    np.testing.assert_allclose(draw_weights(data, 1.0), 1 / 7)
    even = draw_weights(data, 0.0)
    strata = [(sample.source, sample.label) for sample in data.samples]
    shares = {stratum: sum(w for w, s in zip(even, strata, strict=True) if s == stratum) for stratum in set(strata)}
    assert list(shares.values()) == pytest.approx([1 / len(shares)] * len(shares))


def test_views_of_a_file_share_its_draws_and_cheng_may_be_drawn_more_often() -> None:
    files = [Sample(Path(name), "glioma", None, source, name) for name, source in (("a", LGG), ("b", CHENG))]
    samples = with_views(files)
    pixels = np.zeros((len(samples), 8, 8), np.uint8)
    data = Prepared(samples, pixels, pixels, np.ones((len(samples), 4), np.float32))
    np.testing.assert_allclose(draw_weights(data, 1.0), [0.25, 0.15, 0.1, 0.5])
    np.testing.assert_allclose(draw_weights(data, 0.5, cheng_weight=3.0), [0.125, 0.075, 0.05, 0.75])


def test_the_networks_input_spans_what_serving_gives() -> None:
    span = network_input(np.array([[[0, 255]]], np.uint8))
    assert span.min() == -1
    assert span.max() == 1


def test_the_rate_rises_stays_and_falls_to_nothing() -> None:
    rate = WarmHoldDecay(peak=1.0, steps=100, warmup_steps=10, decay_steps=20)
    assert [round(float(rate(step)), 3) for step in (0, 9, 50, 80, 90, 100)] == [0.1, 1.0, 1.0, 1.0, 0.5, 0.0]


def test_slow_variables_move_by_their_share() -> None:
    fast, slow = (keras.Variable(np.ones(3, np.float32), name=name) for name in ("fast", "slow"))
    optimizer = SlowEncoderAdamW(learning_rate=0.1, weight_decay=0.0, slow=[slow.path], slow_rate=0.25)
    optimizer.apply([np.ones(3, np.float32)] * 2, [fast, slow])
    moved = [1 - float(np.asarray(variable)[0]) for variable in (fast, slow)]
    assert moved[1] == pytest.approx(moved[0] / 4, rel=1e-3)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"epoch": 3}, "epoch"),
        ({"size": 100}, "size"),
        ({"epochs": 2, "heads_epochs": 3}, "heads_epochs"),
        ({"batch_size": 7}, "multiple"),
    ],
)
def test_a_hyperparameter_that_makes_no_sense_is_refused_by_name(values: dict[str, object], named: str) -> None:
    with pytest.raises(HyperparameterError, match=named):
        parse_hyperparameters(values)


def test_texts_as_sagemaker_passes_them_are_understood() -> None:
    settings = parse_hyperparameters({"epochs": "30", "learning_rate": "1e-3", "precision": "mixed_bfloat16"})
    assert (settings.epochs, settings.learning_rate) == (30, 0.001)


def test_sagemakers_variables_are_read_and_flags_come_first() -> None:
    variables = {
        "SM_CHANNEL_TRAINING": "/opt/ml/input/data/training",
        "SM_CHANNEL_INIT": "/opt/ml/input/data/init",
        "SM_MODEL_DIR": "/opt/ml/model",
        "SM_OUTPUT_DATA_DIR": "/opt/ml/output/data",
        "SM_HPS": '{"epochs": 4, "seed": 1}',
        "SM_HOSTS": '["algo-1", "algo-2"]',
        "SM_CURRENT_HOST": "algo-2",
        "SM_NUM_GPUS": "4",
    }
    told = read_environment(["--epochs", "7", "--batch-size=8", "--model-dir", "here"], variables)
    assert str(told.data) == "/opt/ml/input/data/training"
    assert str(told.checkpoints) == "/opt/ml/checkpoints"
    assert str(told.model_dir) == "here"
    assert dict(told.hyperparameters) == {"epochs": "7", "seed": 1, "batch_size": "8"}
    assert (told.gpus, told.is_leader) == (4, False)
    assert read_environment([], {}).is_leader
