"""What does somebody used to Kibana ask? Query strings of Lucene (`type:x AND severity:>50`), for `_search` alone.

parse(text) -> Query                      positions in every error
bind(query, dataset, ...) -> Bound        the same bound trees as our own language, so every store answers them

The part of the language that asks for records is here: words, "phrases", wildcards, field:value, comparisons, ranges,
groups, AND, OR, NOT, + and -. What only ranks them (`^2`) changes nothing; fuzzy and regular expressions are refused.
"""

from __future__ import annotations

from kodkod.logs.lucene.binding import Manner, bind, is_prose
from kodkod.logs.lucene.parser import parse

__all__ = ["Manner", "bind", "is_prose", "parse"]
