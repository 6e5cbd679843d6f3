"""What several tests of the laptop stack end to end share."""

from collections.abc import Iterator
from functools import partial, partialmethod

import pytest

from tests.integration.pacs import Pacs, orthanc, own_network, why_not


@pytest.fixture
def tiny_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Training makes a network of five convolutions under the names of the real one's layers, and traces no graph."""
    import keras  # here, since it takes seconds

    from tests.unit.training import tiny
    from training import export, train
    from training.model import network

    for module in (train, export):
        monkeypatch.setattr(module, "build", partial(network.build, encoder=tiny.encoder))
    monkeypatch.setattr(keras.Model, "compile", partialmethod(keras.Model.compile, run_eagerly=True))
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture(scope="module")
def pacs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pacs]:
    """A real PACS, for the tests of a module."""
    if reason := why_not():
        pytest.skip(reason)
    with own_network(), orthanc(tmp_path_factory.mktemp("orthanc")) as pacs:
        yield pacs
