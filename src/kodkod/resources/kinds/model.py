"""How is a kind's shape written down? As a pydantic model; the schema that clients see is generated from it.

Attribute docstrings become the descriptions that `kubectl explain` prints. Models are frozen: a feature reads an
object through `Model.model_validate(obj["spec"])` and writes plain dicts back through the store.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

DURATION_PATTERN = r"^([+-]?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+|0)$"


class Model(BaseModel):
    """camelCase outside, snake_case inside; unknown fields are pruned before a model sees the object."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore", use_attribute_docstrings=True
    )


GoDuration = Annotated[str, Field(pattern=DURATION_PATTERN, max_length=64)]
"""A duration as Go writes it: `5m`, `1h30m`, `10m0s`."""

IntOrString = Annotated[int | str, WithJsonSchema({"x-kubernetes-int-or-string": True})]
"""A number, or text that stands for one or for a range."""

FreeForm = Annotated[dict[str, Any], WithJsonSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True})]
"""An object whose inside is somebody else's affair."""

ATOMIC = {"x-kubernetes-list-type": "atomic"}
"""The list has one owner and is replaced whole by server-side apply."""


def list_by(*keys: str) -> dict[str, Any]:
    """The list is a map in server-side apply, its items known by these fields."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}
