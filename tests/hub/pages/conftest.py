import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

PASSWORD = "correct horse battery"
QUIET = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="session")
def hub(tmp_path_factory):
    """Address of a running JupyterHub with our pages."""
    folder = tmp_path_factory.mktemp("hub")
    port = free_port()
    config = Path(__file__).with_name("hub_config.py")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(config)],
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | {"HUB_PORT": str(port)},
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(address, process, folder / "log")
        yield address
    finally:
        process.terminate()
        process.wait(20)


def _wait_until_up(address, process, log):
    for _ in range(150):
        assert process.poll() is None, log.read_text()
        try:
            httpx.get(f"{address}/hub/health").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(log.read_text())


@pytest.fixture
def stranger(hub):
    """Somebody who is not signed in."""
    with httpx.Client(base_url=hub, follow_redirects=True) as client:
        yield client


@pytest.fixture
def sign_in(hub):
    """Sign somebody in: the answer is a client with the cookies."""
    clients = []

    def enter(name):
        client = httpx.Client(base_url=hub, follow_redirects=True)
        clients.append(client)
        xsrf = re.search(r'name="_xsrf" value="([^"]+)"', client.get("/hub/login").text)[1]
        answer = client.post("/hub/login?next=/hub/home", data={"_xsrf": xsrf, "username": name, "password": PASSWORD})
        assert answer.url.path == "/hub/home", answer.text
        return client

    yield enter
    for client in clients:
        client.close()


@pytest.fixture(scope="module")  # not longer: its event loop would be in the way of asynchronous tests
def chromium():
    """Debian's browser."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs Debian's chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium, hub):
    """An empty tab whose script errors fail the test."""
    context = chromium.new_context(base_url=hub)
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(error))  # noqa: PLW0108 - a built-in cannot carry attributes
    page.on("console", lambda message: errors.append(message.text) if "Content Security" in message.text else None)
    yield page
    context.close()
    assert not errors


@pytest.fixture
def walk_in(tab):
    """Sign somebody in with the tab, in which the home page then is."""

    def enter(name):
        tab.goto("/hub/login?next=/hub/home")
        tab.get_by_label("Name").fill(name)
        tab.get_by_label("Password", exact=True).fill(PASSWORD)
        tab.get_by_role("button", name="Sign in").click()
        tab.wait_for_url("**/hub/home")
        return tab

    return enter
