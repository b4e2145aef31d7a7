"""The tutorials in a person's home."""

import hashlib
import json
import shutil
from pathlib import Path

__all__ = ["FOLDER", "deliver"]

FOLDER = "Start here"
_RECORD = Path(".local/share/acre/start-here.json")


def deliver(source: Path, home: Path) -> list[str]:
    """Copy new and renewed tutorials into a home, and return their names.

    What the person changed is never overwritten, and what the person deleted does not come back.

    Args:
        source: The folder of the environment's tutorials.
        home: The person's home.
    """
    delivered = _read(home / _RECORD)
    names = []
    for tutorial in sorted(source.glob("*.ipynb")):
        target = home / FOLDER / tutorial.name
        digest = _digest(tutorial)
        if _is_wanted(target, delivered.get(tutorial.name), digest):
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(tutorial, target)
            names.append(tutorial.name)
            delivered[tutorial.name] = digest
    if names:
        record = home / _RECORD
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(json.dumps(delivered, indent=1))
    return names


def _is_wanted(target: Path, before: str | None, digest: str) -> bool:
    if before is None:
        return not target.exists()
    return digest != before and target.exists() and _digest(target) == before


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _read(record: Path) -> dict[str, str]:
    try:
        delivered: dict[str, str] = json.loads(record.read_text())
    except (OSError, ValueError):
        return {}
    return delivered
