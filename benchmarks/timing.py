"""Timing that can be compared: repeated, after a warm-up, ours and the peer's in turn."""

import statistics
import time
from collections.abc import Callable
from typing import Any

__all__ = ["alternate", "median_seconds", "seconds"]


def seconds(action: Callable[[], Any]) -> float:
    """Return how long one call takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def median_seconds(action: Callable[[], Any], *, repeats: int = 5, warm_up: int = 1) -> float:
    """Return the median time of repeated calls, after some that do not count."""
    for _ in range(warm_up):
        action()
    return statistics.median(seconds(action) for _ in range(repeats))


def alternate(
    ours: Callable[[], Any], peer: Callable[[], Any], *, repeats: int = 5, warm_up: int = 1
) -> tuple[float, float]:
    """Return the median times of two actions that are called in turn, so that a busy machine harms both alike."""
    for _ in range(warm_up):
        ours()
        peer()
    pairs = [(seconds(ours), seconds(peer)) for _ in range(repeats)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)
