"""What every model of the domain shares: frozen, closed, pseudonymous; and the root of our errors."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION: Final = "1"

RESEARCH_USE_STATEMENT: Final = "Research use only. Not a medical device."


class FrozenModel(BaseModel):
    """Frozen, and closed to fields that nobody declared."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class BrainscanError(Exception):
    """Base of every error that brainscan raises on purpose. Its text never holds patient data."""


Probability = Annotated[float, Field(ge=0, le=1)]
