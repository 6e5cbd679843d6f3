"""What all models of the domain have in common."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from brainscan.domain import FrozenModel

THREADS = 16


def test_a_model_costs_nothing_until_it_is_used() -> None:
    class Unused(FrozenModel):
        name: str

    assert not Unused.__pydantic_complete__
    assert Unused(name="now").name == "now"
    assert Unused.__pydantic_complete__


def test_threads_that_use_a_model_first_at_the_same_time_build_it_once() -> None:
    built = []

    class Slow(int):
        """A number whose validator takes so long to build that every other thread comes meanwhile."""

        @classmethod
        def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
            built.append(cls)
            time.sleep(0.05)
            return core_schema.int_schema()

    class Inner(FrozenModel):
        number: Slow

    class Outer(Inner):
        name: str = "-"

    together = Barrier(THREADS)

    def use(number: int) -> Outer:
        together.wait()
        made = Outer.model_validate({"number": number, "name": "x"})
        assert Outer.model_validate_json(made.model_dump_json()) == made
        return made

    with ThreadPoolExecutor(THREADS) as pool:
        assert [each.number for each in pool.map(use, range(THREADS))] == list(range(THREADS))
    assert len(built) == 1
