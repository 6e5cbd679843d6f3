"""A manifest with easily read thresholds."""

from brainscan.inference.manifest import Calibration, InputContract, Manifest, Metrics, Parity, Thresholds


def manifest(**changed: object) -> Manifest:
    """Abstains below 0.4, wants review below 0.6, and calls 2% of the head a large mask."""
    return Manifest(
        model_id="a" * 64,
        input=InputContract(size=128),
        temperature=1.0,
        thresholds=Thresholds(
            min_confidence=0.4,
            review_confidence=0.6,
            seg_logit=0.0,
            min_component_fraction=0.001,
            large_mask_fraction=0.02,
        ),
        calibration=Calibration(split="test part", scans=1, groups=1, cross_fitted=True),
        metrics=Metrics(split="test", sources={}, as_shipped={}, parity=Parity(int8={}, float32={})),
        data_digest="b" * 64,
        source_revision="c" * 40,
    ).model_copy(update=changed)
