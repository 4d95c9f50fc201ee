"""Who is killed when? A plan made from a number, so that a failure can be had again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from .host import ROLES

PAUSE_S = (0.2, 4.0)
AT_ONCE = (1, 1, 1, 1, 1, 1, 2, 2, 3)  # how many die together; mostly one
PATIENT = 0.8  # in so many of ten cases the next kill waits until all is well again; else it hits what is just starting


@dataclass(frozen=True, slots=True)
class Kill:
    """victims: roles that die together. pause_s: traffic before it. patient: whether the next waits for recovery."""

    victims: tuple[str, ...]
    pause_s: float
    patient: bool


def plan(kills: int, seed: int) -> Iterator[Kill]:
    """Kills of exactly so many processes in all."""
    random = Random(seed)
    left = kills
    while left > 0:
        victims = tuple(random.sample(ROLES, min(random.choice(AT_ONCE), left)))
        left -= len(victims)
        yield Kill(victims, random.uniform(*PAUSE_S), left == 0 or random.random() < PATIENT)
