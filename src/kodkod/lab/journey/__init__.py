"""Does the workshop happen? Its two texts, command by command, on a running product; offline, its requests from files.

`texts` holds the commands as values, `runner` performs and prints them, `offline` is the walk for machines without the
rights to make namespaces.
"""

from kodkod.lab.journey.runner import Outcome, Surroundings, walk, walk_offline

__all__ = ["Outcome", "Surroundings", "walk", "walk_offline"]
