"""Configuration of a real JupyterHub without a proxy, whose servers start, linger or fail by the name of the person."""

import asyncio
import os
from pathlib import Path

from jupyterhub.handlers import BaseHandler, LoginHandler
from jupyterhub.proxy import Proxy
from jupyterhub.spawner import Spawner, SpawnException
from nativeauthenticator import NativeAuthenticator
from tornado import web
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from acre.hub.jupyter import pages

HOSTILE = "<script>alert(1)</script>"


class NoProxy(Proxy):
    """The hub is asked directly."""

    should_start = False

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.routes = {}

    async def add_route(self, routespec, target, data):
        self.routes[routespec] = {"routespec": routespec, "target": target, "data": data}

    async def delete_route(self, routespec):
        self.routes.pop(routespec, None)

    async def get_all_routes(self):
        return self.routes


class Anything(web.RequestHandler):
    def get(self):
        self.finish("a server")


class PretendSpawner(Spawner):
    """A web server in the hub's own process."""

    web_server = None

    async def start(self):
        await asyncio.sleep({"patient": 60, "slow": 2.5, "unlucky": 2.5}.get(self.user.name, 0))
        if self.user.name == "unlucky":
            raise SpawnException(f"There is no room on this machine {HOSTILE}", reason="full")
        self.web_server = HTTPServer(web.Application([(r".*", Anything)]))
        sockets = bind_sockets(0, "127.0.0.1")
        self.web_server.add_sockets(sockets)
        return "127.0.0.1", sockets[0].getsockname()[1]

    async def progress(self):
        yield {"progress": 20, "message": f"Second in the queue {HOSTILE}"}
        await asyncio.sleep(0.3)
        yield {"progress": 60, "message": "Preparing the sandbox"}

    async def poll(self):
        return None if self.web_server else 0

    async def stop(self, now=False):  # noqa: FBT002 - the signature is JupyterHub's
        if self.web_server:
            self.web_server.stop()
        self.web_server = None


class Welcome(BaseHandler):
    async def get(self):
        self.finish(await self.render_template("welcome.html", error="", code="", minimum_length=10))

    async def post(self):
        code = self.get_body_argument("code")
        error = "This invitation was used already. Ask an administrator for a new one."
        self.finish(await self.render_template("welcome.html", error=error, code=code, minimum_length=10))


class Broken(BaseHandler):
    def get(self, status):
        if status == "0":
            raise RuntimeError("the secret inside of the machine")
        raise web.HTTPError(int(status), "The reason is %s", HOSTILE)


class Door(NativeAuthenticator):
    """Native pages, one password for all."""

    async def authenticate(self, handler, data):
        if data["username"] == "blocked":
            raise web.HTTPError(403, "Too many wrong passwords; wait ten minutes.")
        return data["username"] if data["password"] == "correct horse battery" else None

    def get_handlers(self, app):
        ours = [(r"/login", LoginHandler), (r"/welcome", Welcome), (r"/broken/(\d+)", Broken), *pages.extra_handlers()]
        return ours + super().get_handlers(app)


c = get_config()  # noqa: F821
c.JupyterHub.hub_port = int(os.environ["HUB_PORT"])
c.JupyterHub.bind_url = f"http://127.0.0.1:{os.environ['HUB_PORT']}"
c.JupyterHub.db_url = "sqlite://"
c.JupyterHub.cookie_secret_file = str(Path.cwd() / "cookie_secret")
c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.spawner_class = PretendSpawner
c.JupyterHub.authenticator_class = Door
c.JupyterHub.redirect_to_server = False
c.JupyterHub.cleanup_servers = True
c.JupyterHub.template_paths = pages.template_paths()
c.JupyterHub.logo_file = pages.logo_file()
c.JupyterHub.template_vars = pages.template_vars(
    version="9.9.9",
    tutorials=[
        pages.Tutorial(
            title="Leaf area from Sentinel-2",
            summary="Map leaf area and chlorophyll, with uncertainty, from a real scene.",
            path="Start here/Leaf area from Sentinel-2.ipynb",
        ),
        pages.Tutorial(
            title="Your own code in parallel",
            summary="Run a plain Python function over many inputs, with ipyparallel or Dask.",
            path="Start here/50% & more?.ipynb",
        ),
    ],
)
c.Door.enable_signup = False
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {"ada"}
c.Spawner.http_timeout = 10
