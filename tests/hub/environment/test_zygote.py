"""Servers that are forked from the zygote: nothing of it is left in them, and nothing of them depends on it."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from acre.hub.pods import find


async def told(person, code):
    """Run code in a kernel of the person, and return what it prints as JSON."""
    kernel = await person.open_kernel("probe.ipynb")
    outputs = await kernel.run(f"import json, os, pathlib\nserver = pathlib.Path(f'/proc/{{os.getppid()}}')\n{code}")
    kernel.close()
    assert [one["output_type"] for one in outputs] == ["stream"], outputs
    return json.loads(outputs[0]["text"])


@pytest.fixture
async def ada(environment):
    async with await environment.let_in("ada") as person:
        await person.start_server()
        yield person


def zygote_of(environment):
    return _forked_or_forking(psutil.Process(environment.pid_of("pods")))


def server_of(environment, name):
    return _forked_or_forking(find(environment.home.pods / name).record.process())


def _forked_or_forking(parent):
    for child in parent.children():
        with contextlib.suppress(psutil.ZombieProcess):
            if "acre.server.zygote" in child.cmdline():
                return child
    return None


async def test_a_server_is_forked_and_not_by_the_hub(environment, ada):
    assert server_of(environment, "ada").name() == "acre-server"
    assert psutil.Process(environment.pid_of("hub")).children() == []
    assert "starts fresh" not in environment.acre("logs", "pods", "-n", "1000").stdout


async def test_a_server_has_no_capability_and_cannot_gain_one(ada):
    status = await told(ada, "print(json.dumps(dict(l.split(':\\t') for l in open(server / 'status').read().splitlines() if ':\\t' in l)))")  # fmt: skip # noqa: E501
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"
    assert status["Uid"].split("\t") == ["1000"] * 4


async def test_a_server_is_in_every_namespace_of_its_pod(ada):
    same = "{n: os.readlink(server / 'ns' / n) == os.readlink(f'/proc/2/ns/{n}') for n in os.listdir('/proc/2/ns')}"
    assert set((await told(ada, f"print(json.dumps({same}))")).values()) == {True}
    seen = await told(ada, "print(json.dumps([os.readlink(server / 'root'), os.readlink(server / 'cwd')]))")
    assert seen == ["/", "/home/ada"]


async def test_a_server_holds_no_descriptor_of_its_makers(environment, ada):
    links = await told(ada, "print(json.dumps({f: os.readlink(server / 'fd' / f) for f in os.listdir(server / 'fd')}))")
    assert links.pop("0") == "/dev/null"
    assert {links.pop("1"), links.pop("2")} == {str(environment.home.server_logs / "ada.log")}
    alive = links.pop("3")
    assert alive.startswith("pipe:")
    files = [link for link in links.values() if link.startswith("/")]
    assert [file for file in files if not file.startswith("/home/ada/")] == []
    for maker in (zygote_of(environment).pid, environment.pid_of("pods")):
        held = {str(file.readlink()) for file in Path(f"/proc/{maker}/fd").iterdir()}
        assert not {link for link in held if link.startswith(("socket:", "pipe:"))} & {*links.values(), alive}


async def test_a_servers_first_environment_holds_nothing_of_hub_or_person(environment, ada):
    first = await told(ada, "print(json.dumps(open(server / 'environ').read()))")
    names = {entry.partition("=")[0] for entry in first.split("\0") if entry}
    assert names <= {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ"}
    assert str(environment.root) not in first
    now = set(await told(ada, "print(json.dumps(list(os.environ)))"))
    assert {"HOME", "USER", "JUPYTERHUB_API_TOKEN"} <= now
    assert not {
        name for name in now if name.startswith("ACRE_SECRET") or name in {"ACRE_HOME", "CONFIGPROXY_AUTH_TOKEN"}
    }


async def test_code_sees_neither_keeper_nor_zygote_and_can_signal_nobody_outside(environment, ada):
    outside = [environment.pid_of("pods"), zygote_of(environment).pid, environment.pid_of("hub")]
    code = f"""
import ctypes
def tries(act):
    try:
        act()
    except OSError as error:
        return type(error).__name__
    return "done"
attach = lambda pid: ctypes.CDLL(None).ptrace(16, pid, 0, 0)
print(json.dumps({{
    "signals": [tries(lambda: os.kill(pid, 0)) for pid in {outside}],
    "traces": [attach(pid) for pid in {outside}],
    "socket": os.path.exists({str(environment.home.pods_socket)!r}), "doors": sorted(os.listdir("/run/acre/doors")),
}}))"""
    seen = await told(ada, code)
    assert set(seen["signals"]) == {"ProcessLookupError"}
    assert set(seen["traces"]) == {-1}
    assert not seen["socket"]
    assert seen["doors"] == ["hub.sock", "service.sock"]


async def test_code_cannot_write_the_machines_interpreter_through_its_server(ada):
    code = """
try:
    os.write(os.open(server / "exe", os.O_RDWR), b"")
    result = "opened"
except OSError as error:
    result = error.strerror
print(json.dumps(result))"""
    assert await told(ada, code) in {"Operation not permitted", "Permission denied", "Text file busy"}


async def test_a_pool_of_processes_works_in_a_forked_server(environment):
    extension = """
import json, multiprocessing, pathlib, sys
def measure():
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        return pool.map(abs, [-2, -3])
pathlib.Path("pool.json").write_text(json.dumps([measure(), sys.executable]))
"""
    folder = environment.home.people / "pooler" / ".jupyter"
    async with await environment.let_in("pooler") as pooler:
        folder.mkdir(parents=True)
        (folder / "jupyter_server_config.py").write_text(extension)
        await pooler.start_server()
        found, executable = json.loads((folder.parent / "pool.json").read_text())
        await pooler.stop_server()
    assert found == [2, 3]
    assert executable == sys.executable


async def test_two_servers_draw_different_random_numbers(environment, ada):
    """The id of a kernel comes from the server's own process."""
    async with await environment.let_in("ben") as ben:
        await ben.start_server()
        code = "print(json.dumps(next(a for a in open('/proc/self/cmdline').read().split('\\0') if 'kernel-' in a)))"
        first, second = [(await told(person, code)).rpartition("kernel-")[2] for person in (ada, ben)]
    assert first != second


async def test_a_killed_zygote_is_replaced_and_no_server_is_touched(environment, eventually):
    async with await environment.let_in("keeper") as person:
        await person.start_server()
        kernel = await person.open_kernel("work.ipynb")
        await kernel.run("state = 40")
        before = zygote_of(environment).pid
        os.kill(before, signal.SIGKILL)
        eventually(lambda: (now := zygote_of(environment)) and now.pid != before, "there is another zygote")
        assert (await kernel.run("state + 2"))[0]["data"]["text/plain"] == "42"
        kernel.close()
        async with await environment.let_in("newcomer") as other:
            await other.start_server()
            assert server_of(environment, "newcomer").is_running()
            await other.stop_server()
        await person.stop_server()


@pytest.mark.long
async def test_a_zygote_that_hangs_is_replaced_and_the_server_starts_fresh(environment, eventually):
    hanging = zygote_of(environment)
    hanging.suspend()
    async with await environment.let_in("unlucky") as person:
        await person.start_server()
        first = find(environment.home.pods / "unlucky").record.process()
        assert any("acre.server" in child.cmdline() for child in first.children())
        await person.stop_server()
    assert "server of unlucky, so it starts fresh: neither" in environment.acre("logs", "pods", "-n", "100").stdout
    eventually(lambda: (now := zygote_of(environment)) and now.pid != hanging.pid, "there is another zygote")


async def test_a_server_that_starts_while_the_keeper_dies_comes_all_the_same(environment):
    async with await environment.let_in("patient") as person:
        os.kill(environment.pid_of("pods"), signal.SIGKILL)
        await person.start_server()
        assert await person.visit("/user/patient/api/status") == 200
        await person.stop_server()


async def test_a_server_that_ends_by_itself_takes_its_pod_along(environment, eventually):
    async with await environment.let_in("leaver") as person:
        await person.start_server()
        pod = find(environment.home.pods / "leaver")
        server_of(environment, "leaver").kill()
        eventually(lambda: not pod.is_running(), "the pod has ended")


@pytest.mark.long
async def test_ten_who_start_at_once_all_get_a_server(environment):
    people = [await environment.let_in(f"ten{number}") for number in range(10)]
    await asyncio.gather(*(person.start_server() for person in people))
    for person in people:
        assert await person.visit(f"/user/{person.name}/api/status") == 200
        assert server_of(environment, person.name).is_running()
    shares = [server_of(environment, person.name).memory_full_info().pss for person in people]
    assert max(shares) < 60e6
    await asyncio.gather(*(person.stop_server() for person in people))


async def test_with_start_fresh_every_server_is_a_new_program(new_environment, tmp_path):
    root = tmp_path / "Home"
    root.mkdir()
    (root / "acre.yaml").write_text("pods: {start: fresh}\n")
    environment = new_environment(root=root)
    assert zygote_of(environment) is None
    async with await environment.let_in("ada") as ada:
        await ada.start_server()
        first = find(environment.home.pods / "ada").record.process()
        assert "acre.server" in first.children()[0].cmdline()


async def test_ctrl_c_ends_the_zygote_too(new_environment):
    environment = new_environment()
    zygote = zygote_of(environment)
    assert environment.stop() == 0
    assert not zygote.is_running()
