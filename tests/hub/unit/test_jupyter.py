"""What JupyterHub is told, and who gets past the password."""

import json
from collections.abc import Iterator
from types import SimpleNamespace

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyterhub import orm
from nativeauthenticator.orm import UserInfo
from tornado.web import HTTPError
from traitlets.config import Config as Traitlets

from acre.hub.config import Config, Front, Home, Pods
from acre.hub.jupyter.authenticator import AcreAuthenticator
from acre.hub.jupyter.configuration import configure

PASSWORD = "correct horse battery"


@pytest.fixture
def told(home: Home) -> Traitlets:
    """JupyterHub's configuration."""
    (home.start_here / "index.json").write_text(json.dumps([{"title": "T", "summary": "S.", "file": "T.ipynb"}]))
    c = Traitlets()
    configure(c, Config(front=Front(address="::1"), pods=Pods(isolation="none", network="open")), home)
    return c


@pytest.fixture
def authenticator(told: Traitlets, monkeypatch: pytest.MonkeyPatch) -> Iterator[AcreAuthenticator]:
    cheap = bcrypt.gensalt(4)
    monkeypatch.setattr(bcrypt, "gensalt", lambda: cheap)
    sessions = orm.new_session_factory("sqlite://")
    db = sessions()
    yield AcreAuthenticator(config=told, db=db)
    db.close()


def test_jupyterhub_listens_where_the_front_and_the_pods_look(told: Traitlets, home: Home):
    assert told.JupyterHub.bind_url == "http://[::1]:8000/"
    assert told.JupyterHub.hub_bind_url.startswith("http+unix://%2F")
    assert told.SocketProxy.folder == str(home.routes)
    assert len(told.JupyterHub.cookie_secret) == 32
    assert (told.PodSpawner.isolated, told.PodSpawner.private_network) == (False, False)
    assert told.PodSpawner.starts_at_once >= 1


def test_every_secret_is_another(told: Traitlets, home: Home):
    secrets = [file.read_text().strip() for file in home.secrets.iterdir()]
    assert len(set(secrets)) == len(secrets) >= 3
    (service,) = told.JupyterHub.services
    assert service["api_token"] in secrets


@pytest.mark.parametrize("name", ["ada\n", "Ada", "../x", "", "a b", "a" * 33])
def test_jupyterhub_itself_refuses_hostile_names(authenticator: AcreAuthenticator, name: str):
    assert authenticator.validate_username("ada.b-c_1")
    assert not authenticator.validate_username(name)


async def test_a_password_opens_its_own_account(authenticator: AcreAuthenticator):
    await _set(authenticator, "ada", PASSWORD)
    await _set(authenticator, "ben", PASSWORD + "!")
    assert await _sign_in(authenticator, "ada", PASSWORD) == "ada"
    assert await _sign_in(authenticator, " ADA".strip(), PASSWORD) == "ada"
    assert await _sign_in(authenticator, "ben", PASSWORD) is None
    await _set(authenticator, "ada", "another one, later")
    assert await _sign_in(authenticator, "ada", PASSWORD) is None
    assert PASSWORD.encode() not in authenticator.db.query(UserInfo).filter_by(username="ada").one().password


@pytest.mark.parametrize(
    "password", ["", "\0", "a\0b" * 5, "é" * 40, "x" * 73, "x" * 100_000, "\u202e" * 10, PASSWORD + "\0"]
)
@pytest.mark.parametrize("name", ["ada", "", "nobody", "../ada", "ada\n", "a" * 100_000, "ада", "' OR 1=1 --", "\0"])
async def test_hostile_input_is_just_wrong(authenticator: AcreAuthenticator, name: str, password: str):
    await _set(authenticator, "ada", PASSWORD)
    assert await _sign_in(authenticator, name, password) is None


async def test_a_form_without_fields_is_just_wrong(authenticator: AcreAuthenticator):
    assert await authenticator.authenticate(None, {}) is None


async def test_too_many_wrong_passwords_make_an_account_wait_until_a_new_one(authenticator: AcreAuthenticator):
    await _set(authenticator, "ada", PASSWORD)
    for _ in range(authenticator.allowed_failed_logins):
        assert await _sign_in(authenticator, "ada", "wrong password") is None
    assert await _sign_in(authenticator, "ada", PASSWORD) is None
    await _set(authenticator, "ada", PASSWORD)
    assert await _sign_in(authenticator, "ada", PASSWORD) == "ada"


@pytest.mark.parametrize(
    ("password", "again", "words"),
    [
        (PASSWORD, PASSWORD + " ", "differ"),
        ("short", "short", "at least 10"),
        ("x" * 73, "x" * 73, "at most 72"),
        ("é" * 37, "é" * 37, "at most 72"),
        ("1234567890", "1234567890", "most common"),
    ],
)
def test_a_password_that_cannot_be_kept_is_refused(
    authenticator: AcreAuthenticator, password: str, again: str, words: str
):
    assert words in authenticator.refuse_password(password, again)


@given(st.text(min_size=10, max_size=72))
def test_what_is_accepted_fits(password: str):
    authenticator = AcreAuthenticator(db=None, add_new_table=False, minimum_password_length=10)
    if not authenticator.refuse_password(password, password):
        assert len(password.encode()) <= 72


async def test_a_new_password_ends_every_session_and_token_but_the_running_servers(authenticator: AcreAuthenticator):
    await _set(authenticator, "ada", PASSWORD)
    row = authenticator.db.query(orm.User).filter_by(name="ada").one()
    cookie = row.cookie_id
    authenticator.db.add(orm.OAuthClient(identifier="jupyterhub"))
    for note in ("Server at /user/ada/", "my laptop", None):
        row.api_tokens.append(orm.APIToken(prefix="x", hashed=f"x:{note}", note=note, client_id="jupyterhub"))
    authenticator.db.commit()
    await _set(authenticator, "ada", "another one, later")
    assert row.cookie_id != cookie
    assert [token.note for token in row.api_tokens] == ["Server at /user/ada/"]


async def test_an_account_is_not_deleted_while_nothing_can_be_forgotten(authenticator: AcreAuthenticator):
    await _set(authenticator, "ada", PASSWORD)  # nobody listens on the service's socket here
    with pytest.raises(HTTPError, match="does not answer"):
        await authenticator.delete_user(_person(authenticator, "ada"))
    assert await _sign_in(authenticator, "ada", PASSWORD) == "ada"


def _person(authenticator: AcreAuthenticator, name: str) -> SimpleNamespace:
    row = authenticator.db.query(orm.User).filter_by(name=name).one_or_none()
    if row is None:
        row = orm.User(name=name)
        authenticator.db.add(row)
        authenticator.db.commit()
    return SimpleNamespace(name=name, orm_user=row)


async def _set(authenticator: AcreAuthenticator, name: str, password: str) -> None:
    await authenticator.set_password(_person(authenticator, name), password)


async def _sign_in(authenticator: AcreAuthenticator, name: str, password: str) -> str | None:
    return await authenticator.authenticate(None, {"username": name, "password": password})
