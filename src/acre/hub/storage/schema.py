"""The tables; every time is UTC, stored without a zone."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = ["Base", "InvitationRow"]


class Base(DeclarativeBase):
    """The base of the tables."""


class InvitationRow(Base):
    """The newest invitation of each person."""

    __tablename__ = "invitations"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    expires: Mapped[datetime]
    claimed: Mapped[datetime | None]
