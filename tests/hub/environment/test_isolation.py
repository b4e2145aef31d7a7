"""What one person's code sees of the machine and of others: thin now, and already true."""

import os
import socket
import threading

import pytest


async def output(visitor, code):
    kernel = await visitor.open_kernel("probe.ipynb")
    outputs = await kernel.run(code)
    kernel.close()
    return "".join(
        one.get("text", "") + str(one.get("data", {}).get("text/plain", "")) + one.get("ename", "") for one in outputs
    )


@pytest.fixture
async def ada(environment):
    async with await environment.let_in("ada") as person:
        await person.start_server()
        yield person


async def test_a_stranger_with_an_account_cannot_open_anothers_server(environment, ada):
    async with await environment.let_in("ben") as ben:
        for path in ("api/contents", "lab", "api/kernels", "files/x", "terminals/websocket/1"):
            assert await ben.visit(f"/user/ada/{path}") in {403, 404}


async def test_code_does_not_see_other_homes_the_state_folder_or_its_secrets(environment, ada):
    root = str(environment.root)
    seen = await output(
        ada, f"import os\nprint(os.path.exists({root!r}), os.listdir('/home'), os.path.exists('/etc/shadow'))"
    )
    assert seen.split("\n")[0] == "False ['ada'] False"


async def test_code_sees_only_the_processes_of_its_own_pod(environment, ada):
    async with await environment.let_in("ben") as ben:
        await ben.start_server()
        users = await output(ada, "!ps -e -o args=")
    assert "ben" not in users
    assert "jupyterhub --config" not in users


async def test_code_reaches_no_listener_on_the_machines_loopback(ada):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=lambda: _accept(listener), daemon=True).start()
        code = f"import socket\nsocket.create_connection(('127.0.0.1', {listener.getsockname()[1]}), 2)"
        assert "ConnectionRefusedError" in await output(ada, code)


async def test_code_cannot_ask_what_only_operator_or_hub_may(ada):
    code = """
import os, httpx
service = httpx.Client(transport=httpx.HTTPTransport(uds=os.environ["ACRE_SERVICE_SOCKET"]))
mine = {"Authorization": "token " + os.environ["JUPYTERHUB_API_TOKEN"]}
print(service.get("http://x/services/acre/api/people", headers=mine).status_code)
print(service.post("http://x/services/acre/api/people", headers=mine, json={"name": "eve", "admin": True}).status_code)
print(service.post("http://x/services/acre/api/invitations/claim", headers=mine, json={"code": "x"}).status_code)
"""
    assert (await output(ada, code)).split() == ["403", "403", "403"]


async def test_a_request_for_a_cluster_is_answered_for_its_owner_only(ada):
    code = """
import os, httpx
service = httpx.Client(transport=httpx.HTTPTransport(uds=os.environ["ACRE_SERVICE_SOCKET"]))
ask = lambda token: service.post("http://x/services/acre/api/clusters/grant",
    headers={"Authorization": "token " + token}, json={"engine": "dask", "workers": 1000})
print(ask("stolen").status_code, ask(os.environ["JUPYTERHUB_API_TOKEN"]).json()["workers"])
"""
    assert (await output(ada, code)).split() == ["403", str(2 * len(os.sched_getaffinity(0)))]


async def test_a_link_in_place_of_the_servers_socket_leads_the_front_nowhere(environment, ada):
    door = "/run/acre/pod/server.sock"
    await output(ada, f"import os; os.remove({door!r}); os.symlink('/run/acre/doors/hub.sock', {door!r})")
    assert await ada.visit("/user/ada/api/status") == 200  # still Ada's own server, by its other name
    assert (environment.home.pods / "ada" / "door" / "server.sock").is_symlink()
    await ada.stop_server()


@pytest.mark.parametrize(
    "path", ["/user/..%2fdoors%2fservice/", "/user/%2e%2e/", "/user/../routes/hub", "/user/hub.sock%00/"]
)
async def test_no_address_leads_out_of_the_folder_of_routes(environment, path):
    async with await environment.let_in("ben") as ben:
        assert await ben.visit(path) in {400, 404}


def _accept(listener):
    try:
        listener.accept()
    except OSError:
        return
