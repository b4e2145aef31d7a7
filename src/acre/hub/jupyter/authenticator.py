"""Passwords are kept by NativeAuthenticator; people get in first by an invitation."""

import re
from typing import Any

import bcrypt
from nativeauthenticator import NativeAuthenticator
from nativeauthenticator.orm import UserInfo
from traitlets import Instance

from acre.hub.domain.names import NAME_PATTERN
from acre.hub.jupyter import pages
from acre.hub.jupyter.login import LoginHandler
from acre.hub.jupyter.password import ChangePasswordHandler
from acre.hub.jupyter.service_client import ServiceClient
from acre.hub.jupyter.welcome import WelcomeHandler

__all__ = ["AcreAuthenticator"]

_BCRYPT_BYTES = 72
"""What bcrypt reads of a password; more is refused rather than cut."""


class AcreAuthenticator(NativeAuthenticator):
    """NativeAuthenticator without sign-up, with invitations."""

    service = Instance(ServiceClient, help="How invitations are claimed").tag(config=True)

    async def authenticate(self, handler: Any, data: dict[str, str]) -> str | None:
        """Return the name when name and password fit, else None; hostile input is just wrong."""
        name = self.normalize_username(data.get("username", "")[:64])
        password = data.get("password", "")
        if not re.fullmatch(NAME_PATTERN, name, flags=re.ASCII) or not self.fits_bcrypt(password):
            return None
        found: str | None = await super().authenticate(handler, {"username": name, "password": password})
        return found

    def get_handlers(self, _app: Any) -> list[tuple[Any, ...]]:
        """Return the pages of signing in, and the files that our pages need."""
        return [
            (r"/login", LoginHandler),
            (r"/welcome", WelcomeHandler),
            (r"/change-password", ChangePasswordHandler),
            *pages.extra_handlers(),
        ]

    def set_password(self, name: str, password: str) -> None:
        """Keep a new password, and forget earlier failures."""
        info = self.get_user(name) or UserInfo(username=name)
        info.password = bcrypt.hashpw(password.encode(), bcrypt.gensalt())
        info.is_authorized = True
        self.db.add(info)
        self.db.commit()
        self.login_attempts.pop(name, None)

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

    def refuse_change(self, name: str, present: str) -> str:
        """Return why a password may not be changed, or an empty text; wrong guesses count as when signing in."""
        if self.allowed_failed_logins and self.is_blocked(name):
            return "Too many wrong passwords. Try again in some minutes."
        info = self.get_user(name)
        if info is None or not self.fits_bcrypt(present) or not info.is_valid_password(present):
            self.add_login_attempt(name)
            return "Your present password is not right."
        return ""

    @staticmethod
    def fits_bcrypt(password: str) -> bool:
        """Return whether bcrypt reads the whole password."""
        return len(password.encode()) <= _BCRYPT_BYTES
