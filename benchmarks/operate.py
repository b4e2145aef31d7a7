"""Starting and stopping the whole: what an operator waits for."""

import statistics
from typing import Any

from benchmarks.instruments.environment import Environment
from benchmarks.instruments.stock_hub import NAME, StockHub

REPEATS = 5
GOAL_SECONDS = 5.0


def measure() -> list[dict[str, Any]]:
    """Start and stop both in turn; the first start of each, which makes keys and databases, does not count."""
    with Environment.in_folder() as ours, StockHub.in_folder() as peer:
        times = [(ours.start(), ours.stop(), peer.start(), peer.stop()) for _ in range(REPEATS + 1)][1:]
    start, stop, peer_start, peer_stop = (statistics.median(column) for column in zip(*times, strict=True))
    name = f"{NAME}: the hub alone, against our front, hub and service"
    return [
        {
            "figure": "second start until the sign-in page comes, p50", "unit": "s", "ours": start,
            "peer": peer_start, "peer_name": name, "ratio": peer_start / start,
            "goal": GOAL_SECONDS, "met": start <= GOAL_SECONDS,
        },
        {
            "figure": "stop, p50", "unit": "s", "ours": stop,
            "peer": peer_stop, "peer_name": name, "ratio": peer_stop / stop,
            "goal": None, "met": None,
        },
    ]  # fmt: skip
