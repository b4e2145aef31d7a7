"""The page on which people change their password."""

from nativeauthenticator.handlers import ChangePasswordHandler as NativeChangePasswordHandler
from tornado.web import authenticated

__all__ = ["ChangePasswordHandler"]


class ChangePasswordHandler(NativeChangePasswordHandler):
    """NativeAuthenticator's page, with the same rules for a new password as everywhere."""

    @authenticated
    async def post(self) -> None:
        """Keep the new password, if the present one is right."""
        user = await self.get_current_user()
        present = self.get_body_argument("old_password", "", strip=False)
        new = self.get_body_argument("new_password", "", strip=False)
        again = self.get_body_argument("new_password_confirmation", "", strip=False)
        problem = await self.authenticator.refuse_change(user.name, present) or self.authenticator.refuse_password(
            new, again
        )
        if not problem:
            await self.authenticator.set_password(user, new)
            self.set_login_cookie(user)  # whoever changes a password stays signed in here, and only here
        page = await self.render_template(
            "change-password.html",
            user_name=user.name,
            result_message=problem or "Your password has been changed.",
            alert="alert-danger" if problem else "alert-success",
        )
        self.finish(page)
