"""What should a human look at?

Event, identity, severity, descriptions    what producers need: an agent, an alert
Events                                     the log of events with triage and exceptions over it
"""

from __future__ import annotations

from kodkod.events.event import Event
from kodkod.events.exceptions import Exemption, in_force
from kodkod.events.store import ALL_EVENTS, EventPage, Events, EventStore, Sight
from kodkod.events.triage import Triage

__all__ = ["ALL_EVENTS", "Event", "EventPage", "EventStore", "Events", "Exemption", "Sight", "Triage", "in_force"]
