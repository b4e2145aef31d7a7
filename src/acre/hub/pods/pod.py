"""A running pod: noted down, found again, and ended."""

import asyncio
import contextlib
import json
import signal
from dataclasses import dataclass
from pathlib import Path

import psutil

from acre.hub.errors import PodFailedError

__all__ = ["Pod", "PodRecord", "find", "record", "recorded"]

_RECORD = "pod.json"
_GRACE_SECONDS = 3.0
_START_TICK = 22 - 3  # proc(5) counts from 1, and two fields stand before the name's end


@dataclass(frozen=True)
class PodRecord:
    """How a pod is found again after the hub restarted.

    Attributes:
        pid: The first process of the pod: when it ends, the kernel ends all others.
        created: In which run of the machine that process began, and at which tick; a number is used again, the pair is
            not. No time of day: clocks are put right, and the pod would seem to have ended.
    """

    pid: int
    created: str

    def process(self) -> psutil.Process | None:
        """Return the process, or None when it has ended."""
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.pid)
            if _created(self.pid) == self.created and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None


class Pod:
    """A running pod."""

    def __init__(self, record: PodRecord, *, isolated: bool) -> None:
        self.record = record
        self.isolated = isolated

    def is_running(self) -> bool:
        """Return whether anything of the pod is alive."""
        return self.record.process() is not None

    async def stop(self, *, now: bool = False) -> None:
        """End every process of the pod: on return none is left.

        Args:
            now: Do not give the server time to say goodbye.
        """
        if not now:
            for process in self._first_processes():
                with contextlib.suppress(psutil.Error):
                    process.send_signal(signal.SIGTERM)
            for _ in range(int(_GRACE_SECONDS / 0.05)):
                if not self.is_running():
                    return
                await asyncio.sleep(0.05)
        self._kill()
        while self.is_running():  # noqa: ASYNC110 -- the end of a foreign process tells nobody
            await asyncio.sleep(0.02)

    def _first_processes(self) -> list[psutil.Process]:
        """Return the server: in an isolated pod it is a child of the pod's first process, which adopts others too."""
        process = self.record.process()
        if process is None:
            return []
        with contextlib.suppress(psutil.Error):
            return process.children() if self.isolated else [process]
        return []

    def _kill(self) -> None:
        process = self.record.process()
        if process is None:
            return
        with contextlib.suppress(psutil.Error):
            if not self.isolated:
                for child in process.children(recursive=True):
                    child.kill()
            process.kill()


def record(folder: Path, pid: int, *, isolated: bool) -> Pod:
    """Take note of a pod that was just started, so that it is found again.

    Args:
        folder: Where the note is kept.
        pid: The first process of the pod.
        isolated: Whether it is a sandbox.

    Raises:
        PodFailedError: If it has ended already.
    """
    created = _created(pid)
    if created is None:
        raise PodFailedError
    note = {"pid": pid, "created": created, "isolated": isolated}
    draft = folder / f"{_RECORD}.draft"
    draft.write_text(json.dumps(note))
    draft.rename(folder / _RECORD)  # whole or not there, whenever its keeper is killed
    return Pod(PodRecord(pid, created), isolated=isolated)


def _created(pid: int) -> str | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()  # a program's name may hold anything
    except (FileNotFoundError, ProcessLookupError):
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}-{fields[_START_TICK]}"


def find(folder: Path) -> Pod | None:
    """Return the running pod that is recorded in a folder."""
    try:
        note = json.loads((folder / _RECORD).read_text())
    except FileNotFoundError:
        return None
    pod = Pod(PodRecord(note["pid"], note["created"]), isolated=note["isolated"])
    return pod if pod.is_running() else None


def recorded(pods: Path) -> list[Pod]:
    """Return every running pod that is recorded under a folder.

    Pods outlive the hub's process so that it can be restarted; who ends the environment finds them here.
    """
    return [pod for file in pods.glob(f"*/{_RECORD}") if (pod := find(file.parent))]
