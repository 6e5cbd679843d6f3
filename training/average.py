"""`python -m training.average`: the mean of the weights of several runs that went on from the same weights.

Runs from one start that differ in seed, rate, side or augmentation lie in one basin, and their mean generalises better
than each, at the price of one (Wortsman et al., Model soups, 2022).
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.model.network import build, load_npz, save_float16, save_npz


def main(arguments: Sequence[str]) -> int:
    """Writes the mean as `weights.npz` and `weights.float16.npz`."""
    options = _parser().parse_args(arguments)
    model = build(None, weights=None)
    means = [np.zeros(weight.shape, np.float32) for weight in model.weights]
    for path in options.weights:
        load_npz(model, path)
        means = [
            mean + np.asarray(weight.value) / len(options.weights)
            for mean, weight in zip(means, model.weights, strict=True)
        ]
    for mean, weight in zip(means, model.weights, strict=True):
        weight.assign(mean)
    options.out.mkdir(parents=True, exist_ok=True)
    save_npz(model, options.out / "weights.npz")
    save_float16(model, options.out / "weights.float16.npz")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.average", description=__doc__)
    parser.add_argument("weights", type=Path, nargs="+", help="weights.npz or weights.float16.npz of each run")
    parser.add_argument("--out", type=Path, required=True, help="the folder for the mean's weights")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
