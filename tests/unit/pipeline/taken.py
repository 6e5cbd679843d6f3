"""What intake made of an upload: its scans, and the lines of its listing."""

import json
from typing import Any

from brainscan.store.file_results import listing_of
from tests.conftest import World


def scans_of(world: World, export: Any) -> Any:
    return world.services.table.queries.of_export(export.export_id, limit=1000).items


def listing(world: World, export: Any) -> Any:
    body = listing_of(export.export_id, world.services.table, world.services.results)
    return [json.loads(line) for line in body.splitlines()]
