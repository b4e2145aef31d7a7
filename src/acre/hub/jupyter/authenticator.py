"""Passwords are kept by NativeAuthenticator; people get in first by an invitation."""

import asyncio
import re
from typing import Any

import bcrypt
from jupyterhub.utils import new_token
from nativeauthenticator import NativeAuthenticator
from nativeauthenticator.orm import UserInfo
from tornado.web import HTTPError
from traitlets import Instance

from acre.hub.domain.names import NAME_PATTERN
from acre.hub.errors import ServiceUnavailableError
from acre.hub.jupyter import pages
from acre.hub.jupyter.login import LoginHandler
from acre.hub.jupyter.password import ChangePasswordHandler
from acre.hub.jupyter.service_client import ServiceClient
from acre.hub.jupyter.welcome import WelcomeHandler

__all__ = ["AcreAuthenticator", "end_sessions"]

_BCRYPT_BYTES = 72
"""What bcrypt reads of a password; more is refused rather than cut."""

_NOBODY = bcrypt.hashpw(b"nobody has this password", bcrypt.gensalt())
"""What is compared with for a name that nobody has."""


class AcreAuthenticator(NativeAuthenticator):
    """NativeAuthenticator without sign-up, with invitations."""

    service = Instance(ServiceClient, help="How invitations are claimed").tag(config=True)

    async def authenticate(self, _handler: Any, data: dict[str, str]) -> str | None:
        """Return the name when name and password fit, else None; hostile input is just wrong."""
        name: str = self.normalize_username(data.get("username", "")[:64])
        password = data.get("password", "")
        if not re.fullmatch(NAME_PATTERN, name, flags=re.ASCII) or self._must_wait(name):
            return None
        if not await self._is_right(name, password):
            return None
        self.successful_login(name)
        return name

    async def delete_user(self, user: Any) -> None:
        """Leave nothing to the next person of this name, by whatever way the account is deleted."""
        try:
            await self.service.forget(user.name)
        except ServiceUnavailableError as error:
            raise HTTPError(503, str(error)) from error
        super().delete_user(user)

    def get_handlers(self, _app: Any) -> list[tuple[Any, ...]]:
        """Return the pages of signing in, and the files that our pages need."""
        return [
            (r"/login", LoginHandler),
            (r"/welcome", WelcomeHandler),
            (r"/change-password", ChangePasswordHandler),
            *pages.extra_handlers(),
        ]

    async def set_password(self, user: Any, password: str) -> None:
        """Keep a new password, forget earlier failures, and end every session and token that came before."""
        hashed = await asyncio.to_thread(bcrypt.hashpw, password.encode(), bcrypt.gensalt())
        info = self.get_user(user.name) or UserInfo(username=user.name)
        info.password = hashed
        info.is_authorized = True
        self.db.add(info)
        end_sessions(user.orm_user, self.db)
        self.db.commit()
        self.login_attempts.pop(user.name, None)

    def refuse_password(self, password: str, again: str) -> str:
        """Return why a new password cannot be taken, or an empty text."""
        if password != again:
            return "The two passwords differ. Type the same one twice."
        if len(password) < self.minimum_password_length:
            return f"Use at least {self.minimum_password_length} characters."
        if not self.fits_bcrypt(password):
            return f"Use at most {_BCRYPT_BYTES} characters (fewer when they are accented)."
        if self.is_password_common(password):
            return "This password is among the most common ones and would be guessed. Choose another."
        return ""

    async def refuse_change(self, name: str, present: str) -> str:
        """Return why a password may not be changed, or an empty text; wrong guesses count as when signing in."""
        if self._must_wait(name):
            return "Too many wrong passwords. Try again in some minutes."
        return "" if await self._is_right(name, present) else "Your present password is not right."

    def _must_wait(self, name: str) -> bool:
        return bool(self.allowed_failed_logins and self.is_blocked(name))

    async def _is_right(self, name: str, password: str) -> bool:
        """Compare in a thread, since it takes long by design, and as long for a name that nobody has."""
        info = self.get_user(name)
        if not self.fits_bcrypt(password):
            password = ""
        hashed = bytes(info.password) if info is not None else _NOBODY
        right = await asyncio.to_thread(bcrypt.checkpw, password.encode(), hashed)
        if info is None or not info.is_authorized:
            return False
        if not right:
            self.add_login_attempt(name)
        return right

    @staticmethod
    def fits_bcrypt(password: str) -> bool:
        """Return whether bcrypt reads the whole password."""
        return len(password.encode()) <= _BCRYPT_BYTES


def end_sessions(user: Any, db: Any) -> None:
    """Make every cookie and token of a person void, but for that of a running server itself.

    Who could read the server's own token keeps it until the server is stopped.

    Args:
        user: JupyterHub's row of the person.
        db: The session to which it belongs.
    """
    user.cookie_id = new_token()
    for token in list(user.api_tokens):
        if not (token.note or "").startswith("Server at "):
            db.delete(token)
