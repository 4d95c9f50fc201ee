"""What does a status say in Kubernetes' common form? A list of conditions, known by their type."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from kodkod.resources.kinds.model import Model, list_by


class Condition(Model):
    """One observed fact about an object."""

    type: str
    """Name of the fact, such as Ready."""
    status: Literal["True", "False", "Unknown"]
    """Whether the fact holds."""
    reason: str | None = None
    """One word, for programs, why it is so."""
    message: str | None = None
    """A sentence, for people, why it is so."""
    last_transition_time: datetime | None = None
    """When the status changed last."""
    last_heartbeat_time: datetime | None = None
    """When the fact was looked at last."""
    observed_generation: int | None = None
    """Generation of the spec that was looked at."""


Conditions = Annotated[list[Condition], Field(json_schema_extra=list_by("type"))]
