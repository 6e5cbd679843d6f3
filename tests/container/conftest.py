"""One engine, one pair of images and one of each AWS for all container tests; they skip where they cannot run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container.backend import ContainerBackend
from tests.container.engine import HOME, Engine, engine, why_not
from tests.container.images import make_base, sam_build


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say why nothing of this folder runs, where that is so."""
    if reason := why_not():
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def docker() -> Iterator[Engine]:
    """An engine of our own; it keeps its images in `HOME`, so that a second run is quick."""
    with engine(HOME / "engine") as running:
        make_base(running)
        yield running


@pytest.fixture(scope="session")
def built(docker: Engine) -> Path:
    """What `sam build` made: the template, the folders of the zip functions, and the image in the engine."""
    into = HOME / "sam"
    sam_build(docker, into)
    return into


@pytest.fixture(scope="module")
def backend(docker: Engine) -> Iterator[ContainerBackend]:
    """moto with the template's resources, where containers reach it."""
    with ContainerBackend() as running:
        yield running
