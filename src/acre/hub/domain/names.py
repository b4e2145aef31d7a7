"""Which names people may have."""

import re

from acre.hub.errors import InvalidNameError

__all__ = ["NAME_PATTERN", "check_name"]

NAME_PATTERN = r"[a-z][a-z0-9._-]{0,31}"
"""A name is part of an address, of a folder and of a socket's path: nothing in it may be quoted or climb."""


def check_name(name: str) -> str:
    """Return the name.

    Raises:
        InvalidNameError: If it is not safe everywhere a name is used.
    """
    if not re.fullmatch(NAME_PATTERN, name, flags=re.ASCII):
        raise InvalidNameError(name)
    return name
