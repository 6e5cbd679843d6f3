"""Draws docs/picture.png from a phantom and the model that is served: `python -m tests.picture`."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from brainscan.domain import CLASSES, RESEARCH_USE_STATEMENT, Kind
from brainscan.imaging.overlay import draw_outline
from brainscan.inference.runtime import Model
from brainscan.inference.shipped import model_dir
from brainscan.pipeline.predict import ScanBytes, ScanPrediction, predict
from brainscan.settings import Limits
from brainscan_local.phantom import MENINGIOMA, Phantom, head, to_dicom

WIDTH, HEIGHT = 1280, 460
DARK, LIGHT, DIM, ACCENT = "#0e1116", "#e6e6e6", "#8b949e", "#ff4000"
LARGE, SMALL = (ImageFont.load_default(size) for size in (22, 17))
TOP = 70


def main() -> None:
    """An export on the left, the overlay of its slice with the most lesion in the middle, the record on the right."""
    phantom = head(seed=3, lesion=MENINGIOMA, slices=12)
    shown = int(phantom.lesion.sum(axis=(1, 2)).argmax())
    task = ScanBytes(to_dicom(phantom)[shown], Kind.DICOM)
    [examined] = predict([task], Model.load(model_dir()), Limits())
    canvas = Image.new("RGB", (WIDTH, HEIGHT), DARK)
    draw = ImageDraw.Draw(canvas)
    for left, title in ((30, "an export, uploaded"), (480, "mask and class, one pass"), (880, "a record to query")):
        draw.text((left, 24), title, LIGHT, LARGE)
    draw_export(canvas, phantom)
    for left in (424, 824):
        draw.line((left, 236, left + 34, 236), DIM, 3)
        draw.polygon([(left + 34, 226), (left + 34, 246), (left + 48, 236)], DIM)
    overlay = (
        Image.open(io.BytesIO(draw_outline(examined.image_png or b"", examined.mask_png)))
        .convert("RGB")
        .resize((330, 330), Image.Resampling.LANCZOS)
    )
    canvas.paste(overlay, (484, TOP))
    draw_record(draw, examined)
    draw.text((30, HEIGHT - 34), f"A synthetic head. {RESEARCH_USE_STATEMENT}", DIM, SMALL)
    canvas.save(Path(__file__).parent.parent / "docs/picture.png", optimize=True)


def draw_export(canvas: Image.Image, phantom: Phantom) -> None:
    """Slices in rows of four."""
    white = float(np.percentile(phantom.volume, 99.5))
    for place, pixels in enumerate(phantom.volume):
        gray = np.clip(pixels / white * 255, 0, 255).astype(np.uint8)
        tile = Image.fromarray(gray).resize((92, 106), Image.Resampling.LANCZOS)
        canvas.paste(tile, (30 + place % 4 * 96, TOP + place // 4 * 112))


def draw_record(draw: ImageDraw.ImageDraw, examined: ScanPrediction) -> None:
    """Probabilities as bars, and the measurements."""
    finding = examined.finding
    if finding is None or finding.probabilities is None or finding.tumor is None:
        raise SystemExit("the model finds nothing in this phantom; choose another seed")
    for place, name in enumerate(CLASSES):
        y = TOP + 8 + place * 40
        probability = finding.probabilities[name]
        draw.text((884, y), name, LIGHT, SMALL)
        draw.rectangle((1010, y + 2, 1010 + 180, y + 20), outline="#30363d")
        draw.rectangle((1010, y + 2, 1010 + round(180 * probability), y + 20), ACCENT if probability > 0.5 else DIM)
        draw.text((1202, y), f"{probability:.2f}", LIGHT, SMALL)
    tumor = finding.tumor
    lines = {
        "outcome": finding.outcome,
        "needs review": "yes" if finding.needs_review else "no",
        "area": f"{tumor.area_mm2 or 0:.0f} mm2",
        "longest diameter": f"{tumor.longest_diameter_mm or 0:.1f} mm",
    }
    for place, (label, value) in enumerate(lines.items()):
        draw.text((884, TOP + 190 + place * 34), label, DIM, SMALL)
        draw.text((1050, TOP + 190 + place * 34), value, LIGHT, SMALL)


if __name__ == "__main__":
    main()
