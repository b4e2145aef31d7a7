"""Reading the logs of all components as one."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from acre.hub.errors import AcreError

__all__ = ["read_events"]

_PAUSE_SECONDS = 0.3


def read_events(folder: Path, component: str | None, *, last: int, follow: bool) -> Iterator[dict[str, Any]]:
    """Yield events in the order of time.

    Args:
        folder: The folder of the logs.
        component: One component; None for all.
        last: How many old events.
        follow: Whether to go on with new ones.

    Raises:
        AcreError: If there is no such log.
    """
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise AcreError(
            f"There are no logs in {folder}; no environment has run there. Name another home with --home DIR"
        )
    if component is not None:
        known = [file.stem for file in files]
        files = [file for file in files if file.stem == component]
        if not files:
            raise AcreError(f"There is no log of {component!r} in {folder}; there are: {', '.join(known)}")
    readers = [_Reader(file) for file in files]
    put_aside = [_Reader(older) for file in files if (older := file.with_name(f"{file.name}.1")).exists()]
    old = sorted((event for reader in put_aside + readers for event in reader.read()), key=_time)
    yield from old[-last:] if last else []
    while follow:
        time.sleep(_PAUSE_SECONDS)
        yield from sorted((event for reader in readers for event in reader.read()), key=_time)


class _Reader:
    """Reads on where it ended, also when the log was put aside and begun anew meanwhile."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stream = file.open("rb")
        self._rest = b""

    def read(self) -> list[dict[str, Any]]:
        """Return the new events."""
        whole = self._read_lines()
        if self._file.exists() and not os.path.samestat(os.fstat(self._stream.fileno()), self._file.stat()):
            whole += [*self._read_lines(), *([self._rest] if self._rest else [])]  # what came last into the old log
            self._stream.close()
            self._stream, self._rest = self._file.open("rb"), b""
            whole += self._read_lines()
        return [_event(line.decode(errors="replace"), self._file) for line in whole]

    def _read_lines(self) -> list[bytes]:
        *whole, self._rest = (self._rest + self._stream.read()).split(b"\n")
        return whole


def _time(event: dict[str, Any]) -> str:
    return str(event["time"])


def _event(line: str, file: Path) -> dict[str, Any]:
    """A line that was cut short, by a full disk or a crash, is shown as it is."""
    broken = {"time": "", "component": file.stem, "level": "warning", "message": line}
    try:
        event = json.loads(line)
    except ValueError:
        return broken
    return event if isinstance(event, dict) and broken.keys() <= event.keys() else broken
