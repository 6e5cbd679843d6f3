"""Pictures that are no brain MR, made by code or shipped with libraries: what the scope check must refuse."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from pydicom.data import get_testdata_file
from skimage import data

from brainscan.domain import Kind, ScanError
from brainscan.imaging.decode import decode
from brainscan.imaging.prepare import prepare
from brainscan.inference.calibration import probabilities
from brainscan.settings import Limits
from training.evaluation.predictions import RunnableModel

Gray = npt.NDArray[np.generic]

PHOTOS: Final = ("astronaut", "camera", "chelsea", "coffee", "rocket", "coins", "brick", "grass", "gravel", "moon")
PHOTO_LIKE: Final = ("hubble_deep_field", "retina", "immunohistochemistry", "colorwheel")
OTHER_MEDICAL: Final = {
    "CT_small.dcm": "CT",
    "J2K_pixelrep_mismatch.dcm": "CT",
    "693_J2KI.dcm": "CT",
    "examples_overlay.dcm": "other body part",
    "examples_palette.dcm": "ultrasound",
    "examples_rgb_color.dcm": "ultrasound",
    "examples_jpeg2k.dcm": "ultrasound",
    "JPEG2000.dcm": "bone scan",
}
"""Test files that pydicom ships, and what they show."""
DRAWN: Final = 16
"""Pictures of each kind that code draws."""
WORDS: Final = ("Findings:", "no", "acute", "intracranial", "abnormality.", "Comparison", "none.", "Technique", "Page")


def out_of_distribution(seed: int = 0) -> list[tuple[str, Gray]]:
    """(kind, pixels (rows, columns)) of every picture, in a fixed order."""
    random = np.random.default_rng(seed)
    return [*_noise(random), *_text(random), *_shapes(random), *_photos(), *_medical()]


def refusal_rates(network: RunnableModel) -> dict[str, dict[str, float]]:
    """How many pictures of each kind got no answer, and how many of them by the scope check."""
    manifest = network.manifest
    counts: dict[str, dict[str, float]] = {}
    for kind, pixels in out_of_distribution():
        tally = counts.setdefault(kind, {"pictures": 0, "refused": 0, "out_of_scope": 0})
        tally["pictures"] += 1
        try:
            inputs = prepare(pixels, manifest.input.size).input[np.newaxis]
        except ScanError:
            tally["refused"] += 1
            continue
        said = network.run(inputs)
        outside = manifest.scope is not None and bool(manifest.scope.distances(inputs, said.features)[0] > 1)
        confidence = float(probabilities(said.cls, manifest.temperature).max())
        tally["out_of_scope"] += outside
        tally["refused"] += outside or confidence < manifest.thresholds.min_confidence
    return counts


def _noise(random: np.random.Generator) -> Iterator[tuple[str, Gray]]:
    for index in range(DRAWN):
        side = int(random.integers(128, 400))
        noise = random.normal(128, 40, (side, side)) if index % 2 else random.uniform(0, 256, (side, side))
        yield "noise", np.clip(noise, 0, 255).astype(np.uint8)


def _text(random: np.random.Generator) -> Iterator[tuple[str, Gray]]:
    for index in range(DRAWN):
        paper, ink = (255, 0) if index % 2 else (0, 255)
        page = Image.new("L", (400, 520), paper)
        draw = ImageDraw.Draw(page)
        for line in range(24):
            words = " ".join(random.choice(WORDS, int(random.integers(3, 8))))
            draw.text((24, 16 + 20 * line), words, fill=ink, font=ImageFont.load_default(14))
        yield "text page", np.asarray(page)
    for name in ("page", "text"):
        yield "text page", np.asarray(getattr(data, name)())


def _shapes(random: np.random.Generator) -> Iterator[tuple[str, Gray]]:
    for _ in range(DRAWN):
        picture = Image.new("L", (256, 256), 0)
        draw = ImageDraw.Draw(picture)
        for _ in range(int(random.integers(2, 6))):
            x, y, width, height = (int(v) for v in random.integers(10, 120, 4))
            shape = draw.rectangle if random.random() < 0.5 else draw.ellipse
            shape((x, y, x + width, y + height), fill=int(random.integers(60, 256)))
        yield "shapes", np.asarray(picture)


def _photos() -> Iterator[tuple[str, Gray]]:
    for kind, names in (("photo", PHOTOS), ("other picture", PHOTO_LIKE)):
        for name in names:
            yield kind, np.asarray(Image.fromarray(np.asarray(getattr(data, name)())).convert("L"))


def _medical() -> Iterator[tuple[str, Gray]]:
    for name, kind in OTHER_MEDICAL.items():
        path = get_testdata_file(name, download=False)
        if path is not None:
            yield kind, decode(Path(str(path)).read_bytes(), Kind.DICOM, Limits()).pixels
