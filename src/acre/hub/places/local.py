"""This machine."""

import os

__all__ = ["LocalPlace"]


class LocalPlace:
    """The machine that the hub itself runs on."""

    def cores(self) -> int:
        """Return how many cores this process may use."""
        return len(os.sched_getaffinity(0))
