"""A person at a browser, without the browser: signs in, starts a server, runs notebooks, all through the front."""

import asyncio
import json
import re
from dataclasses import dataclass
from http.cookiejar import Cookie
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote
from uuid import uuid4

import httpx
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from acre.hub.errors import DemoFailedError

__all__ = ["Kernel", "Visitor"]

_LARGEST_MESSAGE = 256 * 2**20


class Visitor:
    """One person, with that person's cookies."""

    def __init__(self, address: str, name: str) -> None:
        self.name = name
        self._address = address
        self._http = httpx.AsyncClient(base_url=address, follow_redirects=True, timeout=60)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def accept(self, code: str, password: str) -> None:
        """Redeem an invitation and choose a password, as the welcome page does."""
        xsrf = await self._form("/hub/welcome")
        form = {"_xsrf": xsrf, "code": code, "password": password, "password_again": password}
        answer = await self._http.post("/hub/welcome", data=form, follow_redirects=False)
        _expect(answer, httpx.codes.FOUND, f"{self.name} redeems the invitation")
        self._http.cookies.clear()

    async def sign_in(self, password: str) -> None:
        """Sign in, as the sign-in page does."""
        xsrf = await self._form("/hub/login")
        form = {"_xsrf": xsrf, "username": self.name, "password": password}
        answer = await self._http.post("/hub/login?next=/hub/home", data=form, follow_redirects=False)
        _expect(answer, httpx.codes.FOUND, f"{self.name} signs in")
        _expect(await self._http.get("/hub/home"), httpx.codes.OK, f"{self.name} sees the home page")

    async def start_server(self) -> None:
        """Start one's own server: on return JupyterLab answers."""
        headers = {"X-XSRFToken": self._cookie("_xsrf", "/hub/")}
        answer = await self._http.post(f"/hub/api/users/{self.name}/server", headers=headers)
        if answer.status_code not in {httpx.codes.CREATED, httpx.codes.ACCEPTED, httpx.codes.BAD_REQUEST}:
            _expect(answer, httpx.codes.CREATED, f"{self.name} starts a server")
        async with self._http.stream("GET", f"/hub/api/users/{self.name}/server/progress", timeout=None) as progress:
            async for line in progress.aiter_lines():
                event = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                if event.get("failed"):
                    raise DemoFailedError(f"The server of {self.name} did not start: {event.get('message')}")
        _expect(await self._http.get(f"/user/{self.name}/lab"), httpx.codes.OK, f"{self.name} opens JupyterLab")

    async def stop_server(self) -> None:
        """Stop one's own server."""
        headers = {"X-XSRFToken": self._cookie("_xsrf", "/hub/")}
        await self._http.delete(f"/hub/api/users/{self.name}/server", headers=headers)

    def cookies(self) -> list[Cookie]:
        """Return what the browser would keep."""
        return list(self._http.cookies.jar)

    async def visit(self, path: str) -> int:
        """Return the status that a page answers with."""
        return (await self._http.get(path)).status_code

    async def read(self, path: str) -> dict[str, Any]:
        """Return a notebook of one's own as nbformat's dictionary."""
        answer = await self._http.get(f"/user/{self.name}/api/contents/{quote(path)}")
        _expect(answer, httpx.codes.OK, f"{self.name} opens {path}")
        content: dict[str, Any] = answer.json()["content"]
        return content

    async def read_bytes(self, path: str) -> bytes:
        """Return a file of one's own."""
        answer = await self._http.get(f"/user/{self.name}/files/{quote(path)}")
        _expect(answer, httpx.codes.OK, f"{self.name} downloads {path}")
        return answer.content

    async def save(self, path: str, notebook: dict[str, Any]) -> None:
        """Save a notebook."""
        body = {"type": "notebook", "format": "json", "content": notebook}
        answer = await self._http.put(
            f"/user/{self.name}/api/contents/{quote(path)}", json=body, headers=self._server_headers()
        )
        created = answer.status_code == httpx.codes.CREATED
        _expect(answer, httpx.codes.CREATED if created else httpx.codes.OK, f"{self.name} saves {path}")

    async def open_kernel(self, path: str) -> "Kernel":
        """Start the kernel of a notebook, and connect to it as JupyterLab does."""
        body = {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}
        answer = await self._http.post(f"/user/{self.name}/api/sessions", json=body, headers=self._server_headers())
        _expect(answer, httpx.codes.CREATED, f"{self.name} starts a kernel")
        kernel = answer.json()["kernel"]["id"]
        url = f"{self._address.replace('http', 'ws', 1)}/user/{self.name}/api/kernels/{kernel}/channels"
        request = HTTPRequest(
            url, headers={"Cookie": self._cookies_for(f"/user/{self.name}/"), "Origin": self._address}
        )
        return Kernel(await websocket_connect(request, max_message_size=_LARGEST_MESSAGE))

    async def _form(self, page: str) -> str:
        answer = await self._http.get(page)
        _expect(answer, httpx.codes.OK, f"the page {page}")
        found = re.search(r'name="_xsrf"\s+value="([^"]+)"', answer.text)
        if found is None:
            raise DemoFailedError(f"The page {page} has no form to fill in")
        return found[1]

    def _server_headers(self) -> dict[str, str]:
        return {"X-XSRFToken": self._cookie("_xsrf", f"/user/{self.name}/")}

    def _cookie(self, name: str, path: str) -> str:
        values = [one.value for one in self._http.cookies.jar if one.name == name and one.path == path]
        return values[0] or "" if values else ""

    def _cookies_for(self, path: str) -> str:
        cookies = [one for one in self._http.cookies.jar if path.startswith(one.path)]
        return "; ".join(f"{one.name}={one.value}" for one in cookies)


@dataclass
class Kernel:
    """A connection to a running kernel."""

    socket: WebSocketClientConnection

    async def run(self, code: str, *, limit: float = 600) -> list[dict[str, Any]]:
        """Execute code and return its outputs in nbformat's form.

        Raises:
            DemoFailedError: If the kernel goes away or does not finish in time.
        """
        request = self._message("execute_request", {"code": code, "store_history": True, "allow_stdin": False})
        await self.socket.write_message(json.dumps(request))
        outputs: list[dict[str, Any]] = []
        try:
            async with asyncio.timeout(limit):
                while True:
                    message = await self._receive()
                    if message["parent_header"].get("msg_id") != request["header"]["msg_id"]:
                        continue
                    if message["header"]["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                        return outputs
                    _collect(outputs, message["header"]["msg_type"], message["content"])
        except TimeoutError as error:
            raise DemoFailedError(f"A cell did not finish within {limit:.0f} s") from error

    def close(self) -> None:
        """Leave; the kernel goes on."""
        self.socket.close()

    async def _receive(self) -> dict[str, Any]:
        text = await self.socket.read_message()
        if text is None:
            raise DemoFailedError("The connection to the kernel was closed")
        message: dict[str, Any] = json.loads(text)
        return message

    def _message(self, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        header = {"msg_id": uuid4().hex, "msg_type": kind, "username": "", "session": uuid4().hex, "version": "5.3"}
        return {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}


def _collect(outputs: list[dict[str, Any]], kind: str, content: dict[str, Any]) -> None:
    last = outputs[-1] if outputs else {}
    if kind == "stream" and last.get("output_type") == "stream" and last["name"] == content["name"]:
        last["text"] += content["text"]
    elif kind in {"stream", "error"}:
        outputs.append({"output_type": kind, **content})
    elif kind in {"display_data", "execute_result"}:
        outputs.append({"output_type": kind, **{key: value for key, value in content.items() if key != "transient"}})


def _expect(answer: httpx.Response, status: int, what: str) -> None:
    if answer.status_code != status:
        raise DemoFailedError(f"{what}: expected {status}, the answer was {answer.status_code}: {_gist(answer)}")


def _gist(answer: httpx.Response) -> str:
    text = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", answer.text, flags=re.DOTALL)
    return " ".join(text.split())[:300]
