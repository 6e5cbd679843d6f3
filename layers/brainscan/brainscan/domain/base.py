"""What every model of the domain shares: frozen, closed, pseudonymous; and the root of our errors."""

from threading import RLock
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION: Final = "1"

RESEARCH_USE_STATEMENT: Final = "Research use only. Not a medical device."


_BUILDING: Final = RLock()


class FrozenModel(BaseModel):
    """Frozen, and closed to fields that nobody declared.

    Its validators are built when it is first used: a function starts without those of models that it never meets.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), defer_build=True)

    @classmethod
    def model_rebuild(cls, *, _parent_namespace_depth: int = 2, **named: Any) -> bool | None:
        """Build it, one thread at a time: pydantic 2.13 lets a second one see a model that is half built."""
        with _BUILDING:
            return super().model_rebuild(_parent_namespace_depth=_parent_namespace_depth + 1, **named)


class BrainscanError(Exception):
    """Base of every error that brainscan raises on purpose. Its text never holds patient data."""


Probability = Annotated[float, Field(ge=0, le=1)]
