"""What can users ask for?

`kinds` is the table of every kind with its model, `schema` turns a model into the structural schema that Kubernetes
clients read, `validation` judges an object, `selector` is the language that picks endpoints, `label_selectors` the
one of `kubectl -l`. An object travels as a plain dict; a model is for reading one with types.
"""

from typing import Any

Object = dict[str, Any]
"""One resource as JSON has it: `apiVersion`, `kind`, `metadata`, and what its kind adds."""

__all__ = ["Object"]
