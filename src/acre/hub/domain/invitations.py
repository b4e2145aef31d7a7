"""One-time ways in: a random code that is shown once and kept as a hash."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["StoredInvitation", "hash_code", "invite", "is_valid"]


@dataclass(frozen=True)
class StoredInvitation:
    """What is kept of an invitation.

    Attributes:
        claimed: When it was used, in UTC; None while it waits.
    """

    name: str
    code_hash: str
    expires: datetime
    claimed: datetime | None = None


def hash_code(code: str) -> str:
    """Return what is kept of a code: it has 256 random bits, so a plain digest cannot be reversed by guessing."""
    return hashlib.sha256(code.encode(errors="replace")).hexdigest()


def invite(name: str, *, now: datetime, lifetime: timedelta) -> tuple[str, StoredInvitation]:
    """Return a new code, and what is kept of it."""
    code = secrets.token_urlsafe(32)
    return code, StoredInvitation(name=name, code_hash=hash_code(code), expires=now + lifetime)


def is_valid(invitation: StoredInvitation, *, now: datetime) -> bool:
    """Return whether the invitation still opens."""
    return invitation.claimed is None and now < invitation.expires
