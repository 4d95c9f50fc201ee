"""When is a workload that ended started again?"""

from __future__ import annotations

import pytest

from kodkod.lab.pod import BACKOFF_S, pause_s


@pytest.mark.parametrize(
    ("failures", "expected"),
    [
        pytest.param(1, BACKOFF_S[0], id="the first one, and the first after a steady run"),
        pytest.param(2, BACKOFF_S[1], id="the second in a row"),
        pytest.param(4, BACKOFF_S[-1], id="the last step"),
        pytest.param(99, BACKOFF_S[-1], id="never above the last step"),
    ],
)
def test_pauses_grow_with_failures_in_a_row(failures: int, expected: float) -> None:
    assert pause_s(failures) == expected
