"""The folders of people."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["FolderStorage"]


class FolderStorage:
    """Makes homes, and puts those of removed people aside."""

    def __init__(self, people: Path, removed: Path) -> None:
        self._people = people
        self._removed = removed

    def aside_of(self, name: str) -> Path | None:
        """Return where the newest home that was put aside under a name is."""
        stamped = [
            one
            for one in self._removed.glob(f"{name}-*")
            if re.fullmatch(rf"{re.escape(name)}-\d{{8}}T\d{{12}}", one.name)
        ]
        return max(stamped, default=None)

    def put_aside(self, name: str) -> Path | None:
        """Move a person's home away, so that nobody who gets the name later gets the files; return where it is."""
        home = self._people / name
        if not home.is_dir():
            return None
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        aside = self._removed / f"{name}-{stamp}"
        os.rename(home, aside)  # noqa: PTH104 -- one system call, on one file system
        return aside
