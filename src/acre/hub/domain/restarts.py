"""When a component that died is started again, and when that is pointless."""

from collections.abc import Sequence

__all__ = ["restart_delay"]

_WINDOW_SECONDS = 60.0
_MOST_DEATHS = 5
_FIRST_DELAY = 0.2
_LONGEST_DELAY = 10.0


def restart_delay(deaths: Sequence[float], *, now: float) -> float | None:
    """Return after how many seconds to start again, or None to give up.

    Args:
        deaths: When the component died, in seconds on any steady clock, the last one included.
        now: On the same clock.
    """
    recent = [death for death in deaths if now - death < _WINDOW_SECONDS]
    if len(recent) >= _MOST_DEATHS:
        return None
    return min(_FIRST_DELAY * 4.0 ** max(len(recent) - 1, 0), _LONGEST_DELAY)
