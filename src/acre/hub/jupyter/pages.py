"""The pages people see first, as data for JupyterHub's configuration.

JupyterHub stays unmodified: it finds our templates before its own, gets a few more template variables, and serves
our style, script and logo next to its own.
The templates work in both of JupyterHub's jinja environments, the asynchronous one and, for errors, the other.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Any

from jupyterhub import orm
from jupyterhub.handlers.static import CacheControlStaticFilesHandler
from sqlalchemy import func

from acre.wire.people import Person

__all__ = [
    "PEOPLE_SHOWN",
    "STATIC",
    "STATIC_ROUTE",
    "Tutorial",
    "extra_handlers",
    "logo_file",
    "people",
    "template_paths",
    "template_vars",
]

STATIC = Path(__file__).parent / "static"
"""Style, script, pictures; and ``starting.html``, which the front serves while the hub does not answer."""

STATIC_ROUTE = r"/acre-static/(.*)"
"""Below the hub's prefix; an address with the right ``?v=`` may be cached for ever, others never."""

PEOPLE_SHOWN = 24
"""The home page names so many people and says whether there are more."""


@dataclass(frozen=True)
class Tutorial:
    """A card under "Start here".

    Attributes:
        title: What the notebook is called.
        summary: What one does in it, in one sentence.
        path: Of the notebook below the person's home, unquoted, such as ``Start here/Leaf area.ipynb``.
    """

    title: str
    summary: str
    path: str


def template_paths() -> list[str]:
    """Folders for ``c.JupyterHub.template_paths``; JupyterHub appends its own."""
    return [str(Path(__file__).parent / "templates")]


def template_vars(*, version: str, tutorials: Sequence[Tutorial] = (), own_passwords: bool = True) -> dict[str, Any]:
    """Values for ``c.JupyterHub.template_vars``.

    Args:
        version: Of Acre, for the footer.
        tutorials: The cards under "Start here", in order.
        own_passwords: Whether people change their password here; not so where another service signs them in.

    Returns:
        Template variables. JupyterHub calls every callable among them with the current user for every page, so the
        costly one, ``acre_people``, gives another callable that only the home page calls.
    """
    return {
        "acre_version": version,
        "acre_static_version": _static_version(),
        "acre_own_passwords": own_passwords,
        "acre_me": _whoever_looks,
        "acre_people": _people_later,
        "tutorials": list(tutorials),
    }


def extra_handlers() -> list[tuple[str, type, dict[str, str]]]:
    """Routes below the hub's prefix for our static files.

    They belong into the authenticator's ``get_handlers``; in ``c.JupyterHub.extra_handlers`` they work as well, with
    a warning about its age at every start.
    """
    return [(STATIC_ROUTE, CacheControlStaticFilesHandler, {"path": str(STATIC)})]


def logo_file() -> str:
    """Path for ``c.JupyterHub.logo_file``."""
    return str(STATIC / "logo.svg")


def people(user: Any) -> list[Person]:
    """Who has an account here, people with a running server first, then by name.

    Args:
        user: JupyterHub's user who looks, of whose session the database is asked.

    Returns:
        At most one more than ``PEOPLE_SHOWN``.
    """
    running = func.count(orm.Spawner.server_id)
    rows = (
        user.db.query(orm.User.name, orm.User.admin, running, orm.User.last_activity)
        .outerjoin(orm.Spawner, orm.Spawner.user_id == orm.User.id)
        .group_by(orm.User.id)
        .order_by((running > 0).desc(), orm.User.name)
        .limit(PEOPLE_SHOWN + 1)
    )
    return [
        Person(name=name, admin=admin, server=servers > 0, last_seen=seen and seen.replace(tzinfo=UTC))
        for name, admin, servers, seen in rows
    ]


def _whoever_looks(user: Any) -> Any:
    return user


def _people_later(user: Any) -> Callable[[], list[Person]]:
    return partial(people, user) if user else list


def _static_version() -> str:
    """Digest of all static files, so that a changed one gets a new address."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]
