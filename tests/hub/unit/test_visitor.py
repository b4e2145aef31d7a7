"""What ``acre demo`` makes of answers, without an environment."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from acre.hub.app.demo import _check
from acre.hub.app.visitor import Kernel, Visitor, _collect, _expect, _gist
from acre.hub.errors import DemoFailedError


class Script:
    """A kernel's connection that says what was written down, in answer to the last request."""

    def __init__(self, *messages: tuple[str, dict] | None) -> None:
        self.messages = list(messages)
        self.request: dict = {}

    async def write_message(self, text: str) -> None:
        self.request = json.loads(text)

    async def read_message(self) -> str | None:
        message = self.messages.pop(0)
        if message is None:
            return None
        kind, content = message
        parent = {"msg_id": "others"} if content.pop("other", False) else self.request["header"]
        return json.dumps({"header": {"msg_type": kind}, "parent_header": parent, "content": content})


IDLE = ("status", {"execution_state": "idle"})


async def test_outputs_become_those_of_a_notebook():
    script = Script(
        ("status", {"execution_state": "busy"}),
        ("execute_input", {"code": "x"}),
        ("stream", {"name": "stdout", "text": "a"}),
        ("stream", {"name": "stdout", "text": "b"}),
        ("stream", {"name": "stderr", "text": "c"}),
        ("stream", {"name": "stdout", "text": "of another", "other": True}),
        ("display_data", {"data": {"text/plain": "1"}, "metadata": {}, "transient": {"display_id": "x"}}),
        ("execute_result", {"data": {"text/plain": "2"}, "metadata": {}, "execution_count": 1}),
        IDLE,
        ("stream", {"name": "stdout", "text": "too late"}),
    )
    assert await Kernel(script).run("x") == [
        {"output_type": "stream", "name": "stdout", "text": "ab"},
        {"output_type": "stream", "name": "stderr", "text": "c"},
        {"output_type": "display_data", "data": {"text/plain": "1"}, "metadata": {}},
        {"output_type": "execute_result", "data": {"text/plain": "2"}, "metadata": {}, "execution_count": 1},
    ]
    assert script.request["content"]["allow_stdin"] is False


async def test_a_kernel_that_goes_away_or_hangs_is_a_failure():
    with pytest.raises(DemoFailedError, match="closed"):
        await Kernel(Script(None)).run("x")

    class Silent(Script):
        async def read_message(self) -> str | None:
            await asyncio.sleep(60)
            return None

    with pytest.raises(DemoFailedError, match="did not finish within 0 s"):
        await Kernel(Silent()).run("x", limit=0.05)


def test_streams_are_joined_only_with_their_own_kind():
    outputs: list[dict] = []
    for kind, content in [
        ("stream", {"name": "stdout", "text": "a"}),
        ("error", {"ename": "E", "evalue": "v", "traceback": []}),
        ("stream", {"name": "stdout", "text": "b"}),
        ("update_display_data", {"data": {}}),
    ]:
        _collect(outputs, kind, content)
    assert [one["output_type"] for one in outputs] == ["stream", "error", "stream"]


def test_a_cell_that_failed_ends_the_demonstration(tmp_path: Path):
    cell = {"source": "1/0", "outputs": [{"output_type": "error", "ename": "ZeroDivisionError", "evalue": "division"}]}
    with pytest.raises(DemoFailedError, match="cell 2 of 3 failed with ZeroDivisionError: division"):
        _check(cell, "cell 2 of 3", tmp_path)
    _check({"source": "1", "outputs": [{"output_type": "stream", "name": "stdout", "text": "error"}]}, "cell", tmp_path)


def test_an_unexpected_answer_is_told_without_its_markup():
    page = "<html><style>a{}</style><script>let x = '<p>'</script><body><p>No</p>\n\n<b>such page</b>" + "x" * 1000
    answer = httpx.Response(404, text=page)
    assert _gist(answer).startswith("No such page")
    assert len(_gist(answer)) == 300
    with pytest.raises(DemoFailedError, match="ada opens it: expected 200, the answer was 404: No such page"):
        _expect(answer, 200, "ada opens it")
    _expect(answer, 404, "ada opens it")


async def test_a_visitor_sends_the_cookie_of_the_place():
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/hub/login" and request.method == "GET":
            headers = [("Set-Cookie", "_xsrf=hubs; Path=/hub/"), ("Set-Cookie", "_xsrf=servers; Path=/user/ada/")]
            return httpx.Response(200, headers=headers, text='<input name="_xsrf" value="form">')
        if request.method == "POST":
            assert b"_xsrf=form" in request.content
            return httpx.Response(302, headers={"Location": "/hub/home"})
        return httpx.Response(200, text="no form here")

    async with Visitor("http://127.0.0.1:8299", "ada") as ada:
        ada._http._transport = httpx.MockTransport(answer)
        await ada.sign_in("password")
        assert ada._cookie("_xsrf", "/hub/") == "hubs"
        assert ada._cookie("_xsrf", "/user/ada/") == "servers"
        assert ada._cookie("_xsrf", "/user/ben/") == ""
        assert ada._cookies_for("/user/ada/") == "_xsrf=servers"
        with pytest.raises(DemoFailedError, match="has no form"):
            await ada._form("/hub/welcome")
