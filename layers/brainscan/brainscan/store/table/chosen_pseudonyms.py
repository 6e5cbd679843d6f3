"""Which of its possible pseudonyms a patient or an uploaded object has: the one that it was given first."""

from collections.abc import Callable, Sequence
from typing import Final

from brainscan.store.table import keys
from brainscan.store.table.client import TableClient
from brainscan.store.table.items import to_item

REMEMBERED: Final = 10_000
"""Choices that a process keeps: those of a few exports."""


class ChosenPseudonyms:
    """Chooses between pseudonyms that versions of the deployment secret make of the same thing."""

    def __init__(self, table: TableClient) -> None:
        self._table = table
        self._chosen: dict[tuple[str, ...], str] = {}

    def choose(self, names: Sequence[str], preferred: str, is_known: Callable[[str], bool]) -> str:
        """The pseudonym that something goes by from now on, whoever asks: the first that anybody chose.

        Args:
            names: All that it could have.
            preferred: That of them which it gets if it is new.
            is_known: Whether something goes by a name without a mark: it was there before there were several.

        Raises:
            botocore.exceptions.ClientError: to be repeated.
        """
        key = tuple(names)
        while key not in self._chosen:
            marked = next(self._table.get_batch([keys.chosen_pseudonym(each) for each in names]), None)
            if marked is None:
                name = next((each for each in names if each != preferred and is_known(each)), preferred)
                if not self._mark(name, names):
                    continue  # somebody else chose meanwhile
            else:
                name = next(each for each in names if keys.chosen_pseudonym(each)["pk"] == marked["pk"]["S"])
            if len(self._chosen) >= REMEMBERED:
                self._chosen.clear()
            self._chosen[key] = name
        return self._chosen[key]

    def _mark(self, name: str, names: Sequence[str]) -> bool:
        expires = {} if self._table.expires_at is None else {"expires_at": self._table.expires_at}
        others = [keys.chosen_pseudonym(each) for each in names if each != name]
        return self._table.put_first(to_item(keys.chosen_pseudonym(name) | expires), others)
