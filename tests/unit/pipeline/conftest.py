"""Fixtures of the tests that report a series."""

import io
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from brainscan.domain import Export, ExportState
from brainscan.observability import logger
from tests import series as mr
from tests.conftest import World
from tests.making import NOON, a_record
from tests.unit.pipeline.reporting import MASKS, Scanned


@pytest.fixture
def scanned(world: World) -> Callable[..., Any]:
    export_id = a_record().export_id
    world.services.table.exports.put(Export(export_id=export_id, state=ExportState.EXPANDED, received_at=NOON))

    def scan(
        images: Any = None, masks: Any = MASKS, numbers: Any = range(6), classes: Any = None, **changes: Any
    ) -> Scanned:
        made = Scanned(world, images or mr.mr_series(), masks, classes or {})
        made.settle(numbers, **changes)
        return made

    return scan


@pytest.fixture
def logged() -> Iterator[Any]:
    """What the functions' logger writes, from now on."""
    told = io.StringIO()
    handler = logging.StreamHandler(told)
    handler.setFormatter(logger.registered_formatter)
    logger.addHandler(handler)
    yield told
    logging.getLogger(logger.name).removeHandler(handler)
