"""How does Snort print an alert? As one line, with the year: `record.snort_alert` of events, and `scan -o fast`.

Imports nothing heavy: `kodkod scan` has to start fast. Source: packet-capture-and-dpi spec 3.5.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kodkod._core import Alert

NANOS = 1_000_000_000


def fast_line(alert: Alert) -> str:
    """The line of Snort 3's `alert_fast`, in UTC. A class without a text is shown by its name, no class not at all."""
    seconds, nanos = divmod(alert["ts_ns"], NANOS)
    when = time.strftime("%y/%m/%d-%H:%M:%S", time.gmtime(seconds))
    text = alert["class_text"] or alert["classtype"]
    class_part = f"[Classification: {text}] " if text else ""
    return (
        f"{when}.{nanos // 1000:06d} [**] [{alert['gid']}:{alert['sid']}:{alert['rev']}] "
        f'"{alert["msg"]}" [**] {class_part}[Priority: {alert["priority"]}] {{{alert["proto"]}}} '
        f"{end(alert['src_ip'], alert['src_port'])} -> {end(alert['dst_ip'], alert['dst_port'])}"
    )


def end(address: str, port: int | None) -> str:
    """One end of a conversation: `ip:port`, or the bare address where the protocol has no ports. IPv6 unbracketed."""
    return address if port is None else f"{address}:{port}"
