"""Reading the logs of all components as one."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from acre.hub.errors import AcreError

__all__ = ["read_events"]


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
    if component is not None:
        known = [file.stem for file in files]
        files = [file for file in files if file.stem == component]
        if not files:
            raise AcreError(
                f"There is no log of {component!r} in {folder}; there are: {', '.join(known) or 'none yet'}"
            )
    positions: dict[Path, int] = {}
    old = sorted((event for file in files for event in _read(file, positions)), key=lambda event: str(event["time"]))
    yield from old[-last:] if last else []
    while follow:
        time.sleep(0.3)
        new = [
            event for file in sorted(folder.glob("*.jsonl")) if file in positions for event in _read(file, positions)
        ]
        yield from sorted(new, key=lambda event: str(event["time"]))


def _read(file: Path, positions: dict[Path, int]) -> list[dict[str, Any]]:
    start = positions.get(file, 0)
    if file.stat().st_size < start:  # the log was put aside and begun anew
        start = 0
    with file.open("rb") as stream:
        stream.seek(start)
        text = stream.read()
    whole = text[: text.rfind(b"\n") + 1]
    positions[file] = start + len(whole)
    return [_event(line, file) for line in whole.decode(errors="replace").splitlines()]


def _event(line: str, file: Path) -> dict[str, Any]:
    """A line that was cut short, by a full disk or a crash, is shown as it is."""
    try:
        event: dict[str, Any] = json.loads(line)
    except ValueError:
        return {"time": "", "component": file.stem, "level": "warning", "message": line}
    return event
