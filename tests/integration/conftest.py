"""What several tests of the laptop stack end to end share."""

from collections.abc import Iterator

import pytest

from tests.integration.pacs import Pacs, orthanc, own_network, why_not


@pytest.fixture(scope="module")
def pacs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pacs]:
    """A real PACS, for the tests of a module."""
    if reason := why_not():
        pytest.skip(reason)
    with own_network(), orthanc(tmp_path_factory.mktemp("orthanc")) as pacs:
        yield pacs
