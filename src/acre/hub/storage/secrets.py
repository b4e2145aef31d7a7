"""Secrets: from the environment of the operator, else made once and kept with mode 0600."""

import os
import secrets
import tempfile
from pathlib import Path

from acre.hub.errors import SecretUnusableError

__all__ = ["SecretStorage"]

_FEWEST_BYTES = 32


class SecretStorage:
    """Keeps each secret in a file of its own, so that one can be renewed by deleting its file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str) -> str:
        """Return a secret of 256 bits, in hexadecimal; ``$ACRE_SECRET_NAME`` wins over the file.

        Raises:
            SecretUnusableError: If it is too short to protect anything, as after a power cut that emptied its file.
        """
        variable = f"ACRE_SECRET_{name.upper()}"
        if given := os.environ.get(variable):
            return _check(given, f"${variable}")
        file = self._folder / name
        try:
            return _check(file.read_text().strip(), str(file))
        except FileNotFoundError:
            return self._make(file)

    def _make(self, file: Path) -> str:
        secret = secrets.token_hex(32)
        descriptor, draft = tempfile.mkstemp(dir=self._folder, prefix=f".{file.name}-")  # with mode 0600
        try:
            with os.fdopen(descriptor, "w") as stream:
                stream.write(secret + "\n")
                stream.flush()
                os.fsync(descriptor)
            os.link(draft, file)  # of two processes that start together, one wins and both read the same
        except FileExistsError:
            return _check(file.read_text().strip(), str(file))
        finally:
            Path(draft).unlink()
        return secret


def _check(secret: str, source: str) -> str:
    try:
        long_enough = len(bytes.fromhex(secret)) >= _FEWEST_BYTES
    except ValueError:
        long_enough = False
    if not long_enough:
        raise SecretUnusableError(source, 2 * _FEWEST_BYTES)
    return secret
