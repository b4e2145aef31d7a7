import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

PASSWORD = "correct horse battery"


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
