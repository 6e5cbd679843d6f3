"""How often the detector of text fires on real scans: the table of docs/limits.md.

`python -m tests.bench.burned_in FOLDER ...` prints a row for each folder of PNG, JPEG, TIFF, DICOM and NIfTI files: how
many pictures it has, how many of them show text, and processor time a picture; with `--list`, also which.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

from brainscan.domain import ScanError
from brainscan.imaging.burned_in import shows_text
from brainscan.imaging.decode import Decoded, count_frames, decode
from brainscan.imaging.sniff import sniff
from brainscan.settings import Limits

LIMITS = Limits()


def main() -> None:
    """Measure each folder."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folders", nargs="+", type=Path)
    arguments.add_argument("--list", action="store_true")
    told = arguments.parse_args()
    print("| folder | pictures | with text | ms |\n|---|---:|---:|---:|")
    for folder in told.folders:
        count, found, begin, spent = 0, [], 0.0, 0.0
        for path, picture in pictures(folder):
            begin = time.process_time()
            if shows_text(picture.pixels):
                found.append(path)
            spent += time.process_time() - begin
            count += 1
        print(f"| `{folder.name}` | {count:,} | {len(found)} | {1000 * spent / max(count, 1):.1f} |", flush=True)
        for path in found if told.list else ():
            print(f"    {path}")


def pictures(folder: Path) -> Iterator[tuple[Path, Decoded]]:
    """Every picture in a folder; masks, by their names, are none."""
    for path in sorted(each for each in folder.rglob("*") if each.is_file() and "mask" not in str(each)):
        data = path.read_bytes()
        kind = sniff(data)
        try:
            for frame in range(count_frames(data, kind, LIMITS)):
                yield path, decode(data, kind, LIMITS, frame)
        except ScanError:
            continue


if __name__ == "__main__":
    main()
