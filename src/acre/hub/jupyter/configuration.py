"""JupyterHub's configuration, made from Acre's."""

import json
import os
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import acre
from acre.hub.config import Config, Home
from acre.hub.domain.names import NAME_PATTERN
from acre.hub.factory import Factory
from acre.hub.jupyter import pages
from acre.hub.jupyter.authenticator import AcreAuthenticator
from acre.hub.jupyter.routes import SocketProxy
from acre.hub.jupyter.service_client import ServiceClient
from acre.hub.jupyter.spawner import PodSpawner

__all__ = ["configure"]


def configure(c: Any, config: Config, home: Home) -> None:
    """Fill in JupyterHub's configuration object."""
    factory = Factory(config, home)
    _configure_hub(c, config, home, factory)
    _configure_people(c, config, home, factory)
    _configure_servers(c, config, home)


def _configure_hub(c: Any, config: Config, home: Home, factory: Factory) -> None:
    hub = c.JupyterHub
    hub.bind_url = f"{config.front.url}/"
    hub.hub_bind_url = f"http+unix://{quote(str(home.hub_socket), safe='')}"
    hub.hub_connect_url = hub.hub_bind_url
    hub.db_url = f"sqlite:///{home.database / 'jupyterhub.sqlite'}"
    hub.upgrade_db = True
    hub.cookie_secret = factory.secrets.cookie
    hub.cleanup_servers = False  # a restart of the hub ends nobody's work; the supervisor ends the pods
    hub.cleanup_proxy = False
    hub.proxy_class = SocketProxy
    c.SocketProxy.folder = str(home.routes)
    hub.template_paths = pages.template_paths()
    hub.template_vars = pages.template_vars(version=acre.__version__, tutorials=_tutorials(home))
    hub.logo_file = pages.logo_file()
    hub.log_level = config.logs.level.upper()
    hub.allow_named_servers = False
    hub.redirect_to_server = False  # people land on the home page, where "Start here" is
    # JupyterHub lets only an admin make admins, whatever other scopes a service has.
    hub.services = [{"name": "acre", "admin": True, "api_token": factory.secrets.service_to_hub}]


def _configure_people(c: Any, config: Config, home: Home, factory: Factory) -> None:
    c.JupyterHub.authenticator_class = AcreAuthenticator
    people = c.AcreAuthenticator
    people.service = ServiceClient(home.service_socket, factory.secrets.hub_to_service)
    people.username_pattern = rf"^{NAME_PATTERN}\Z"  # "$" would let a new line pass
    people.allow_existing_users = True
    people.enable_signup = False
    people.check_common_password = True
    people.minimum_password_length = config.people.minimum_password_length
    people.allowed_failed_logins = config.people.failed_logins
    people.seconds_before_next_try = int(timedelta(minutes=10).total_seconds())


def _configure_servers(c: Any, config: Config, home: Home) -> None:
    c.JupyterHub.spawner_class = PodSpawner
    c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0}
    spawner = c.PodSpawner
    spawner.home = home
    spawner.isolated = config.pods.isolation == "pods"
    spawner.private_network = config.pods.network == "private"
    spawner.starts_at_once = config.pods.starts_at_once or len(os.sched_getaffinity(0))
    spawner.start_timeout = config.pods.start_seconds
    spawner.http_timeout = 60
    spawner.default_url = "/lab"
    spawner.env_keep = ["TZ", "LANG", "LC_ALL"]


def _tutorials(home: Home) -> list[pages.Tutorial]:
    index = json.loads((home.start_here / "index.json").read_text())
    return [pages.Tutorial(one["title"], one["summary"], f"Start here/{one['file']}") for one in index]
