"""Processes whose parent died come to the supervisor, which ends them with itself.

A hub that is killed leaves its pods behind, on purpose: people work on in them.
Their next parent is the supervisor, not the machine's first process, which in a container may not even bury the dead.
"""

import contextlib
import ctypes
import os

import psutil

__all__ = ["adopt_orphans", "bury_dead", "end_descendants"]

_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None)


def adopt_orphans() -> None:
    """Make this process the next parent of every orphan below it."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def bury_dead(own: set[int]) -> None:
    """Take note of the end of adopted processes.

    Args:
        own: Children whose end somebody else waits for.
    """
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error, ChildProcessError):
            if child.pid not in own and child.status() == psutil.STATUS_ZOMBIE:
                os.waitpid(child.pid, os.WNOHANG)


def end_descendants() -> None:
    """End whatever is left below this process."""
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            child.kill()
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, 0)[0]:
            pass
