"""What does an event's line in the list say?

Labs quote "Signature Triggered Alert" as the expected result while newer screenshots show another text: ours starts
with the old words and names the rule, so that readers and searches both find it (alerts-and-logs 5.5).
"""

from __future__ import annotations

SIGNATURE_TRIGGERED = "Signature Triggered Alert"


def of_signature(message: str, *, gid: int, sid: int, rev: int) -> str:
    return f"{SIGNATURE_TRIGGERED}: {message} ({gid}:{sid}:{rev})"
