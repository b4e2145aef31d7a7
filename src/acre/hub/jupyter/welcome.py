"""The page on which an invitation is redeemed.

The code stands in the fragment of the address, which browsers never send: the page's script puts it into the form.
So it is in no log, no history of a proxy and no referrer.
"""

from typing import Any

from jupyterhub.handlers.base import BaseHandler
from tornado.web import HTTPError

from acre.hub.errors import InvitationUnknownError, ServiceUnavailableError

__all__ = ["WelcomeHandler"]

_LONGEST = 1024


class WelcomeHandler(BaseHandler):
    """``/hub/welcome``."""

    async def get(self) -> None:
        """Show the form."""
        await self._show()

    async def post(self) -> None:
        """Use the invitation, keep the password, and sign the person in."""
        code = self._field("code").strip()
        password = self._field("password")
        if error := self.authenticator.refuse_password(password, self._field("password_again")):
            await self._show(error=error, code=code)
            return
        try:
            name = await self.authenticator.service.claim(code)
        except (InvitationUnknownError, ServiceUnavailableError) as error:
            await self._show(error=f"{error}.")
            return
        if self.find_user(name) is None:
            await self._show(error=f"{InvitationUnknownError()}.")
            return
        await self.authenticator.set_password(self.find_user(name), password)
        user = await self.login_user({"username": name, "password": password})
        if user is None:
            raise HTTPError(500, "Your password was kept, but signing in failed; sign in with it now")
        self._jupyterhub_user = user
        self.redirect(self.get_next_url(user))

    def _field(self, name: str) -> str:
        value: str = self.get_body_argument(name, "", strip=False)
        if len(value) > _LONGEST:
            raise HTTPError(400, f"The field {name} is too long")
        return value

    async def _show(self, *, error: str = "", code: str = "") -> None:
        page: Any = await self.render_template(
            "welcome.html",
            error=error,
            code=code,
            minimum_length=self.authenticator.minimum_password_length,
            login_url=self.settings["login_url"],
        )
        self.finish(page)
