"""How is a long list cut into pages? By a token that remembers where the next one begins and how old the first one was.

All pages carry the first page's version: a watch from there still converges, without keeping old states.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

from kodkod.store.embedded.state import Key
from kodkod.store.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Bookmark:
    """version: of the first page. after: key of the last object that was shown."""

    version: int
    after: Key

    def token(self) -> str:
        return base64.urlsafe_b64encode(json.dumps([self.version, *self.after]).encode()).decode()

    @staticmethod
    def of(token: str) -> Bookmark:
        """Raises BadRequest for what is no token of ours."""
        try:
            version, namespace, name = json.loads(base64.urlsafe_b64decode(token))
            return Bookmark(int(version), (str(namespace), str(name)))
        except (ValueError, TypeError, binascii.Error) as error:
            raise BadRequest("continue key is not valid") from error
