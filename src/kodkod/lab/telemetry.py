"""What does the lab tell its operator?"""

from __future__ import annotations

import logging

from prometheus_client import Counter

from kodkod.telemetry import fact

log = logging.getLogger(__name__)

pods_started = Counter("kodkod_lab_pods_started_total", "Practice pods started, restarts included.")
queries = Counter("kodkod_lab_dns_queries_total", "Questions asked of the lab's resolver.", ["answer"])
logs_cut = Counter("kodkod_lab_pod_logs_cut_total", "Pod logs that reached their bound and began anew.")


def standing(pods: int, network: str) -> None:
    fact(log, logging.INFO, "lab stands", pods=pods, network=network)


def pod_started(pod: str, pid: int) -> None:
    fact(log, logging.INFO, "pod started", pods_started, pod=pod, pid=pid)


def pod_ended(pod: str, pause_s: float) -> None:
    fact(log, logging.WARNING, "pod ended, starting it again", pod=pod, pause_s=pause_s)


def workload_ended(pod: str, code: str) -> None:
    fact(log, logging.WARNING, "workload ended, its pod starts it again", pod=pod, code=code)


def server_away(error: BaseException, pause_s: float) -> None:
    fact(log, logging.WARNING, "pods cannot be published now", error=str(error), pause_s=pause_s)


def log_cut(pod: str, size: int) -> None:
    fact(log, logging.INFO, "pod log begins anew at its bound", logs_cut, pod=pod, bytes=size)


def leftover_removed(what: str) -> None:
    fact(log, logging.INFO, "leftover of an earlier lab removed", what=what)


def answered(answer: str) -> None:
    """DNS answers are counted, never logged one by one."""
    queries.labels(answer).inc()
