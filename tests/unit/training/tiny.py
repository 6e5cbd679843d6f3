"""A network and data small enough for tests, of the real ones' shape."""

from pathlib import Path

import keras
import numpy as np
from keras import layers

from training.datasets.prepared import PreparedSlices, allowed_classes
from training.datasets.samples import CHENG, LGG, Sample
from training.model.network import build

SIZE = 32


def encoder(include_top: bool, weights: str | None, input_tensor: keras.KerasTensor, norms: bool = True) -> keras.Model:
    """Five strided convolutions, with or without batch norms, under the names that the decoder looks for."""
    assert not include_top
    assert weights is None
    x = input_tensor
    names = ("conv1_conv", "conv2_block2_out", "conv3_block3_out", "conv4_block22_out", "post_relu")
    for index, name in enumerate(names):
        x = layers.Conv2D(4 + 2 * index, 3, strides=2, padding="same", name=f"conv_{index}")(x)
        x = layers.BatchNormalization(name=f"bn_{index}")(x) if norms else x
        x = layers.ReLU(name=name)(x)
    return keras.Model(input_tensor, x)


def network(seed: int = 0) -> keras.Model:
    """The decoder and heads on the tiny encoder, random weights."""
    keras.utils.set_random_seed(seed)
    return build(SIZE, weights=None, encoder=encoder)


def slices(count: int = 12, seed: int = 0) -> PreparedSlices:
    """Noise with a bright square where there is a tumor; two sources, a patient for every two slices."""
    random = np.random.default_rng(seed)
    images = random.integers(20, 60, (count, SIZE, SIZE)).astype(np.uint8)
    masks = np.zeros((count, SIZE, SIZE), np.uint8)
    samples = []
    for index in range(count):
        tumor = index % 2 == 0
        if tumor:
            row, column = random.integers(4, 20, 2)
            images[index, row : row + 8, column : column + 8] = 220
            masks[index, row : row + 8, column : column + 8] = 1
        source = CHENG if index % 4 < 2 else LGG
        path = Path(f"{source}/{index}.png")
        label = "glioma" if tumor else "no_tumor"
        samples.append(Sample(path, label, path, source, f"{source}/{index // 2}"))
    return PreparedSlices(samples, images, masks, np.array([allowed_classes(s.label) for s in samples], np.float32))
