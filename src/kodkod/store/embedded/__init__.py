"""Where do resources live on one host? In memory for reading, in one SQLite file for keeping.

`admission` says what a write makes of an object, `transactions` takes it to the disk (`journal`) and then to those who
watch (`history`); `resources` is the face. One process, one writer: who outgrows this uses a cluster.
"""

from kodkod.store.embedded.resources import MEMORY, EmbeddedResources, selection, version_of

__all__ = ["MEMORY", "EmbeddedResources", "selection", "version_of"]
