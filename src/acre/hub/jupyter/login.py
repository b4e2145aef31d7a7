"""The sign-in page."""

from typing import Any

from nativeauthenticator.handlers import LoginHandler as NativeLoginHandler

__all__ = ["LoginHandler"]


class LoginHandler(NativeLoginHandler):
    """NativeAuthenticator's handler, with sentences that say what to do."""

    async def post(self) -> None:
        """Sign in."""
        for field in ("username", "password"):  # the base class takes both for granted
            self.request.arguments.setdefault(field, [b""])
        await super().post()

    def _render(self, login_error: str | None = None, username: str | None = None) -> Any:
        return super()._render(login_error=self._explain(username) if login_error else None, username=username)

    def _explain(self, username: str | None) -> str:
        authenticator = self.authenticator
        if authenticator.allowed_failed_logins and authenticator.is_blocked(username):
            minutes = max(1, round(authenticator.seconds_before_next_try / 60))
            return f"Too many wrong passwords for this account. Try again in {minutes} minutes."
        return (
            "Name and password do not fit. "
            "If you have forgotten your password, ask an administrator for a new invitation."
        )
