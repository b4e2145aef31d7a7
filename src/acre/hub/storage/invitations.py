"""Invitations in the database."""

from datetime import UTC, datetime

from sqlalchemy import Engine, delete, select, update
from sqlalchemy.orm import Session

from acre.hub.domain.invitations import StoredInvitation
from acre.hub.storage.schema import InvitationRow

__all__ = ["InvitationStorage"]


class InvitationStorage:
    """Keeps one invitation a person: a newer one replaces the older."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put(self, invitation: StoredInvitation) -> None:
        """Keep an invitation instead of an earlier one of the same person."""
        with Session(self._engine) as session, session.begin():
            session.merge(
                InvitationRow(
                    name=invitation.name,
                    code_hash=invitation.code_hash,
                    expires=_to_row(invitation.expires),
                    claimed=None,
                )
            )

    def find(self, code_hash: str) -> StoredInvitation | None:
        """Return the invitation with this hash."""
        return self._one(InvitationRow.code_hash == code_hash)

    def of(self, name: str) -> StoredInvitation | None:
        """Return the invitation of a person."""
        return self._one(InvitationRow.name == name)

    def claim(self, code_hash: str, *, now: datetime) -> bool:
        """Mark an invitation as used, and return whether it was this call that did it.

        Two claims of one code race here: the database lets one win.
        """
        with Session(self._engine) as session, session.begin():
            result = session.execute(
                update(InvitationRow)
                .where(InvitationRow.code_hash == code_hash, InvitationRow.claimed.is_(None))
                .values(claimed=_to_row(now))
            )
            return bool(result.rowcount)  # type: ignore[attr-defined]

    def remove(self, name: str) -> None:
        """Forget the invitation of a person."""
        with Session(self._engine) as session, session.begin():
            session.execute(delete(InvitationRow).where(InvitationRow.name == name))

    def _one(self, condition: object) -> StoredInvitation | None:
        with Session(self._engine) as session:
            row = session.scalars(select(InvitationRow).where(condition)).one_or_none()  # type: ignore[arg-type]
            if row is None:
                return None
            return StoredInvitation(
                name=row.name,
                code_hash=row.code_hash,
                expires=row.expires.replace(tzinfo=UTC),
                claimed=row.claimed.replace(tzinfo=UTC) if row.claimed else None,
            )


def _to_row(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(tzinfo=None)
