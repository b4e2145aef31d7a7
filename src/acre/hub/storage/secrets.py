"""Secrets: from the environment of the operator, else made once and kept with mode 0600."""

import os
import secrets
from pathlib import Path

__all__ = ["SecretStorage"]


class SecretStorage:
    """Keeps each secret in a file of its own, so that one can be renewed by deleting its file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str) -> str:
        """Return a secret of 256 bits, in hexadecimal; ``$ACRE_SECRET_NAME`` wins over the file."""
        if given := os.environ.get(f"ACRE_SECRET_{name.upper()}"):
            return given
        file = self._folder / name
        try:
            return file.read_text().strip()
        except FileNotFoundError:
            return self._make(file)

    def _make(self, file: Path) -> str:
        secret = secrets.token_hex(32)
        draft = file.with_name(f"{file.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secret + "\n")
        try:
            os.link(draft, file)  # of two processes that start together, one wins and both read the same
        except FileExistsError:
            return file.read_text().strip()
        finally:
            draft.unlink()
        return secret
