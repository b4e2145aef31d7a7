"""The tutorials in a person's home."""

import hashlib
import json
import os
from pathlib import Path

__all__ = ["FOLDER", "deliver"]

FOLDER = "Start here"
_RECORD = Path(".local/share/acre/start-here.json")


def deliver(source: Path, home: Path) -> list[str]:
    """Copy new and renewed tutorials into a home, and return what was done, one sentence each.

    What the person changed is never overwritten, and what the person deleted does not come back.
    A tutorial that cannot be laid out, since the disk is full or the person put something else there, is no reason
    not to start: the sentence says why.

    Args:
        source: The folder of the environment's tutorials.
        home: The person's home.
    """
    record = home / _RECORD
    before = _read(record)
    delivered = dict(before)
    done = []
    for tutorial in sorted(source.glob("*.ipynb")):
        target = home / FOLDER / tutorial.name
        digest = _digest(tutorial)
        try:
            if _is_wanted(target, before.get(tutorial.name), digest):
                _write(target, tutorial.read_bytes())
                delivered[tutorial.name] = digest
                done.append(f"{tutorial.name} is new")
        except OSError as error:
            done.append(f"{tutorial.name} could not be laid out: {error}")
    if delivered != before:
        try:
            _write(record, json.dumps(delivered, indent=1).encode())
        except OSError as error:
            done.append(f"It could not be noted what was laid out: {error}")
    return done


def _is_wanted(target: Path, before: str | None, digest: str) -> bool:
    if before is None:
        return not os.path.lexists(target)
    return digest != before and target.is_file() and _digest(target) == before


def _write(file: Path, content: bytes) -> None:
    """Write a file that is whole or not there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.draft")
    try:
        draft.write_bytes(content)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _read(record: Path) -> dict[str, str]:
    try:
        delivered = json.loads(record.read_text())
    except (OSError, ValueError):
        return {}
    return delivered if isinstance(delivered, dict) else {}
