"""The sign-in page."""

from typing import Any

from jupyterhub.handlers.login import LoginHandler as HubLoginHandler

__all__ = ["LoginHandler"]


class LoginHandler(HubLoginHandler):
    """JupyterHub's handler, with sentences that say what to do."""

    async def post(self) -> None:
        """Sign in."""
        for field in ("username", "password"):  # the base class takes both for granted
            self.request.body_arguments.setdefault(field, [b""])
            self.request.arguments.setdefault(field, [b""])
        await super().post()

    def _render(self, login_error: str | None = None, username: str | None = None, **kwargs: Any) -> Any:
        if login_error == "Invalid username or password":
            login_error = self._explain(username)
        return super()._render(login_error=login_error, username=username, **kwargs)

    def _explain(self, username: str | None) -> str:
        authenticator = self.authenticator
        if authenticator.allowed_failed_logins and authenticator.is_blocked(username):
            minutes = max(1, round(authenticator.seconds_before_next_try / 60))
            return f"Too many wrong passwords for this account. Try again in {minutes} minutes."
        return "Name and password do not fit."
