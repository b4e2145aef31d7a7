"""The warden of one cluster: a small process that starts the others and ends them when the notebook is gone.

It is run as a file, with the standard library only, so that it stands in some 20 ms.
Orders come as JSON lines on standard input, ``{"start": NAME, "command": [...], "environment": {...}, "folder": DIR}``
or ``{"stop": NAME}``; reports go as JSON lines to standard output, ``{"started": NAME, "pid": N}`` and
``{"exited": NAME, "code": N}``.

It ends, and everything with it, when its standard input closes or when the process that started it is gone, however
that happened: it watches the process itself, because a forked child of the notebook may hold the pipe open.
Every process it starts leads its own session, dies with the warden by ``PR_SET_PDEATHSIG``, and leaves its orphans to
the warden by ``PR_SET_CHILD_SUBREAPER``.
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

GRACE = 1.0
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

Processes = dict[str, "subprocess.Popen[bytes]"]


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _die_with_warden() -> None:
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _start(order: dict[str, Any], home: Path) -> "subprocess.Popen[bytes]":
    with (home / f"{order['start']}.log").open("ab") as log:
        return subprocess.Popen(
            order["command"],
            cwd=order["folder"],
            env=order["environment"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_die_with_warden,  # noqa: PLW1509 - the warden has one thread
        )


def _obey(line: bytes, processes: Processes, home: Path) -> None:
    order = json.loads(line)
    if "start" in order:
        processes[order["start"]] = process = _start(order, home)
        _report({"started": order["start"], "pid": process.pid})
    elif order["stop"] in processes:
        _signal_group(processes[order["stop"]].pid, signal.SIGTERM)


def _report(event: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(1, json.dumps(event).encode() + b"\n")


def _signal_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _report_exits(processes: Processes) -> None:
    for name, process in list(processes.items()):
        code = process.poll()
        if code is not None:
            del processes[name]
            _report({"exited": name, "code": code})


def _reap_orphans(processes: Processes) -> None:
    """Wait for adopted orphans; the exit codes of our own children stay for ``Popen.poll``."""
    own = {process.pid for process in processes.values()}
    for pid in _children() - own:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def _children() -> set[int]:
    me, found = str(os.getpid()), set()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (folder / "stat").read_text().rsplit(")", 1)[1].split()[1] == me:
                found.add(int(folder.name))
    return found


def _end_everything(processes: Processes) -> None:
    for process in processes.values():
        _signal_group(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    while processes and time.monotonic() < deadline:
        for name in [name for name, process in processes.items() if process.poll() is not None]:
            _signal_group(processes.pop(name).pid, signal.SIGKILL)
        time.sleep(0.01)
    for process in processes.values():
        _signal_group(process.pid, signal.SIGKILL)
        process.wait()
    while orphans := _children():
        for pid in orphans:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _serve(parent: int | None, home: Path, processes: Processes) -> None:
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    waiting = b""
    while True:
        readable, _, _ = select.select([0, wake_read] if parent is None else [0, wake_read, parent], [], [])
        if parent in readable:
            return
        if 0 in readable:
            received = os.read(0, 1 << 16)
            if not received:
                return
            *lines, waiting = (waiting + received).split(b"\n")
            for line in lines:
                _obey(line, processes, home)
        if wake_read in readable:
            os.read(wake_read, 4096)
        _report_exits(processes)
        _reap_orphans(processes)


def main(parent_pid: int, home: Path) -> None:
    """Serve until the parent is gone, then end every process and remove the folder ``home``."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    processes: Processes = {}
    try:
        parent = os.pidfd_open(parent_pid) if sys.platform == "linux" else None
        if os.getppid() == parent_pid:
            _serve(parent, home, processes)
    finally:
        _end_everything(processes)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
