"""People and how they are invited."""

from datetime import datetime

from acre.wire.record import Record

__all__ = ["Claim", "Claimed", "FirstAdmin", "Invitation", "NewPerson", "Person", "Removed"]


class Person(Record):
    """Somebody with an account.

    Attributes:
        server: Whether the person's server is running.
        last_seen: In UTC; None when the person never came.
    """

    name: str
    admin: bool
    server: bool
    last_seen: datetime | None


class NewPerson(Record):
    """A request to make an account, or to renew the invitation of one."""

    name: str
    admin: bool = False
    renew: bool = False


class Invitation(Record):
    """A one-time way in.

    Attributes:
        code: The secret; it is shown once and kept only as a hash.
        path: Where the person redeems it, relative to the public address; the code is in the fragment, which
            browsers never send.
        expires: In UTC.
    """

    name: str
    code: str
    path: str
    expires: datetime


class Claim(Record):
    """A person redeems an invitation."""

    code: str


class Claimed(Record):
    """Whose invitation it was."""

    name: str


class FirstAdmin(Record):
    """A request to let the first administrator in."""

    name: str


class Removed(Record):
    """An account that is no more.

    Attributes:
        files: Where the person's files were put aside on the machine; None when there were none.
    """

    name: str
    files: str | None
