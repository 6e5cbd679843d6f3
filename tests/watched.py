"""Days as the stream's counters leave them, for what is asked about drift."""

from datetime import date, timedelta
from typing import Any

from brainscan.store.table import Table
from brainscan.store.table.items import to_item
from brainscan.store.table.keys import counter
from brainscan.store.table.keys import day as day_key

FIRST = date(2026, 3, 1)
USUAL = {"analyzed": 270, "abstained": 20, "rejected": 10, "model_" + "f" * 64: 290, "device_Sn": 200, "device_Gb": 100}
USUAL |= {"device_Gb_rejected": 10, "device_Sn_flagged": 30, "class_glioma": 90, "class_no_tumor": 180}
USUAL |= {f"confidence_{place}": n for place, n in enumerate((10, 10, 20, 30, 60, 80, 60, 20))}
USUAL |= {f"intensity_{place}": 29 for place in range(10)} | {f"scope_{place}": 58 for place in range(5)}
USUAL |= {f"size_{place}": 145 for place in (1, 2)} | {"area_0": 180, "area_3": 45, "area_4": 45}
USUAL |= {"sequence_t1": 150, "sequence_t2": 100, "sequence_flair": 50}
DARK = USUAL | {f"intensity_{place}": 0 for place in range(10)} | {"intensity_0": 290}


def put_day(table: Table, day: date, counts: dict[str, int], site: str | None = None) -> None:
    """Write the counters of a day."""
    fields: dict[str, Any] = {**counter(day_key(day.isoformat(), site)["pk"], "shard"), "last_sequence": "1"}
    table.statistics._table.put(to_item(fields | counts))
    table.statistics.mark_arrival(day.isoformat())


def a_month_and_a_dark_day(table: Table, first: date = FIRST) -> date:
    """Four usual weeks, and a day on which everything is darker; that day. Site `north` had ten scans on it."""
    for number in range(28):
        put_day(table, first + timedelta(days=number), USUAL)
    dark = first + timedelta(days=28)
    put_day(table, dark, DARK)
    put_day(table, dark, {"analyzed": 10, "intensity_0": 10}, "north")
    return dark
