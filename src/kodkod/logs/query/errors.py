"""Where does a query go wrong, and what would its author have meant?"""

from __future__ import annotations


class QueryError(Exception):
    """The author's move: the text cannot be read, or it does not fit the data set.

    offset: characters from the start of the query, from 0. hint: what to write instead, if we can guess.
    """

    def __init__(self, message: str, offset: int, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.hint = hint

    def __str__(self) -> str:
        said = f"{self.message} at column {self.offset + 1}"
        return f"{said} (hint: {self.hint})" if self.hint else said
