"""Starting a program that answers HTTP, waiting for it, ending it."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

__all__ = ["PATIENCE", "end", "free_port", "start", "wait_for_page"]

PATIENCE = 120.0
"""Seconds after which something that should be ready counts as broken."""


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(command: Sequence[str | Path], *, folder: Path, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own; what it says goes into the file `log` of the folder."""
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            command, cwd=folder, env={**os.environ, **settings}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip


def wait_for_page(address: str, process: subprocess.Popen[bytes], *, headers: Mapping[str, str] | None = None) -> None:
    """Return as soon as the page of a program comes.

    Raises:
        ChildProcessError: If the program has ended instead.
        TimeoutError: If it has not come in time.
    """
    began = time.perf_counter()
    while time.perf_counter() - began < PATIENCE:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(address, headers=headers, timeout=PATIENCE).status_code == httpx.codes.OK:
                return
        if process.poll() is not None:
            raise ChildProcessError(f"{process.args!r} has ended with {process.returncode} before {address} came")
        time.sleep(0.02)
    raise TimeoutError(f"{address} has not come in {PATIENCE:.0f} s")


def end(process: subprocess.Popen[bytes]) -> float:
    """Interrupt a program as Ctrl-C does, and return the seconds until it is gone."""
    began = time.perf_counter()
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return time.perf_counter() - began
