"""What a kernel reaches outside its pod: through the egress, where the policy allows, and no other way."""

import http.server
import json
import os
import shutil
import signal
import subprocess
import threading
import zipfile
from functools import partial
from pathlib import Path

import pytest

PRELUDE = """
import os, subprocess, urllib.request
os.environ["no_proxy"] = os.environ["NO_PROXY"] = "nothing"  # here the host outside is on a loopback, too
def tell(ask):
    try:
        print(ask())
    except Exception as error:
        print(type(error).__name__, error)
def shell(command):
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr
"""


class Outside(http.server.SimpleHTTPRequestHandler):
    """A host outside: files, and redirections to where nobody should get."""

    def do_GET(self):
        if self.path.startswith("/to-"):
            goal = {
                "/to-cloud": "http://169.254.169.254/latest/",
                "/to-front": f"http://127.0.0.1:{self.server.front}/",
            }
            self.send_response(302)
            self.send_header("Location", goal[self.path])
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The files of the host outside: a page, a bare git repository and a package index."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "hello.txt").write_text("hello from outside")
    work = folder / "work"
    identity = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
    for command in (
        ["init", "-q", str(work)],
        ["-C", str(work), *identity, "commit", "-q", "--allow-empty", "-m", "x"],
    ):
        subprocess.run(["git", *command], check=True)
    subprocess.run(["git", "clone", "-q", "--bare", str(work), str(folder / "repository.git")], check=True)
    subprocess.run(["git", "-C", str(folder / "repository.git"), "update-server-info"], check=True)
    shutil.rmtree(work)
    index = folder / "simple" / "tinypackage"
    index.mkdir(parents=True)
    wheel = index / "tinypackage-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tinypackage.py", "answer = 42\n")
        archive.writestr(
            "tinypackage-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tinypackage\nVersion: 1.0\n"
        )
        archive.writestr(
            "tinypackage-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("tinypackage-1.0.dist-info/RECORD", "")
    (index / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
    return folder


@pytest.fixture(scope="module")
def outside(site):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Outside, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def environment(module_environment, tmp_path_factory, outside):
    """An environment whose policy allows the host outside, by its address and port."""
    root = tmp_path_factory.mktemp("egress") / "Home"
    root.mkdir()
    rules = {"allow": [f"127.0.0.1:{outside.server_port}"], "deny": ["*.closed.example"]}
    (root / "acre.yaml").write_text(json.dumps({"egress": rules}))
    running = module_environment(root=root)
    outside.front = running.port
    return running


async def output(person, site, code):
    """Run code in a person's kernel, and return what it prints."""
    kernel = await person.open_kernel("way-out.ipynb")
    outputs = await kernel.run(PRELUDE + f"site = 'http://127.0.0.1:{site.server_port}'\n" + code)
    kernel.close()
    return "".join(one.get("text", "") + "".join(one.get("traceback", [])) for one in outputs)


@pytest.fixture
async def ask(environment, outside):
    """Return a function that runs code as a person whose server runs."""
    people = {}

    async def run(name: str, code: str) -> str:
        if name not in people:
            people[name] = await environment.let_in(name)
            await people[name].start_server()
        return await output(people[name], outside, code)

    yield run
    for person in people.values():
        await person.__aexit__(None, None, None)


def lines(environment, **like):
    """Return the lines of the audit with these values."""
    text = (environment.home.logs / "egress.jsonl").read_text()
    found = map(json.loads, text.splitlines())
    return [line for line in found if like.items() <= line.items()]


async def test_programs_reach_what_is_allowed_without_being_told_how(ask):
    seen = await ask(
        "ada",
        """
import fsspec, httpx, requests
tell(lambda: urllib.request.urlopen(site + "/hello.txt").read())
tell(lambda: requests.get(site + "/hello.txt").text)
tell(lambda: httpx.get(site + "/hello.txt").text)
tell(lambda: fsspec.open(site + "/hello.txt", client_kwargs={"trust_env": True}).open().read())
tell(lambda: shell(f"curl -sS {site}/hello.txt"))
""",
    )
    assert seen.count("hello from outside") == 5, seen


async def test_git_clones_and_pip_installs_through_it(ask):
    seen = await ask(
        "ada",
        """
tell(lambda: shell(f"rm -rf c && git clone -q {site}/repository.git c && git -C c log --oneline"))
python = "PYTHONPATH=t python -c 'import tinypackage; print(tinypackage.answer)'"
where = f"--disable-pip-version-check -q --index-url {site}/simple --trusted-host 127.0.0.1 --no-deps"
tell(lambda: shell(f"pip install {where} --target t tinypackage && {python}"))
""",
    )
    clone, install = seen.splitlines()[:2]
    assert clone.startswith("(0, "), seen
    assert install == "(0, '42\\n')", seen


async def test_a_tunnel_carries_tls_untouched(ask, environment):
    seen = await ask(
        "ada",
        """
import http.client
one = http.client.HTTPConnection("127.0.0.1", 3128)
one.set_tunnel("127.0.0.1", int(site.rpartition(":")[2]))
one.request("GET", "/hello.txt")
print(one.getresponse().read())
""",
    )
    assert "hello from outside" in seen


async def test_what_is_closed_is_refused_with_the_reason_in_the_programs_own_error(ask):
    seen = await ask(
        "ada",
        """
import requests
for url in ("https://data.closed.example/", "https://169.254.169.254/", "https://10.0.0.1/", "https://data.example:22/"):
    tell(lambda: urllib.request.urlopen(url))
    tell(lambda: requests.get(url))
tell(lambda: requests.get("http://data.closed.example/").text)
tell(lambda: shell("curl -sS http://169.254.169.254/latest/meta-data/"))
tell(lambda: shell("curl -sS http://metadata.google.internal/"))
""",
    )
    assert seen.count("egress.deny") == 3
    assert seen.count("a link-local address, where clouds keep a machine's credentials") == 3
    assert seen.count("10.0.0.1 is a private address") == 2
    assert seen.count("Port 22 of data.example is closed") == 2


@pytest.mark.parametrize(("path", "reason"), [("/to-cloud", "link-local"), ("/to-front", "address of the machine")])
async def test_a_redirection_leads_nowhere_that_is_closed(ask, path, reason):
    seen = await ask("ada", f"tell(lambda: urllib.request.urlopen(site + {path!r}).read())")
    assert "HTTPError" in seen
    assert reason in seen


async def test_without_the_proxy_nothing_leads_out(ask, outside):
    seen = await ask(
        "ada",
        f"""
import socket
tell(lambda: socket.create_connection(("127.0.0.1", {outside.server_port}), 2))
tell(lambda: socket.create_connection(("8.8.8.8", 53), 2))
tell(lambda: socket.getaddrinfo("example.org", 443))
""",
    )
    assert [line.split()[0] for line in seen.splitlines()[:3]] == ["ConnectionRefusedError", "OSError", "gaierror"], (
        seen
    )


async def test_ones_own_loopback_is_reached_directly(ask):
    seen = await ask(
        "ada",
        """
import http.server, threading
own = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=own.serve_forever, daemon=True).start()
direct = "localhost,127.0.0.1,::1,acre"
env = dict(os.environ, no_proxy=direct, NO_PROXY=direct)
command = ["curl", "-sI", f"http://localhost:{own.server_port}/"]
tell(lambda: subprocess.run(command, env=env, capture_output=True, text=True).stdout)
""",
    )
    assert "200 OK" in seen


async def test_each_connection_is_accounted_to_the_person_whose_pod_it_came_from(ask, environment, outside, eventually):
    before = len(lines(environment, person="ben"))
    assert "hello" in await ask("ben", "tell(lambda: urllib.request.urlopen(site + '/hello.txt?key=secret').read())")
    await ask("ben", "tell(lambda: urllib.request.urlopen('https://me.closed.example/?key=secret').read())")
    eventually(lambda: len(lines(environment, person="ben")) == before + 2, "both connections are accounted for")
    went, refused = lines(environment, person="ben")[-2:]
    assert (went["host"], went["port"], went["decision"]) == ("127.0.0.1", outside.server_port, "allowed")
    assert went["up"] > 50
    assert went["down"] > len("hello from outside")
    assert 0 <= went["seconds"] < 5
    assert (refused["host"], refused["port"], refused["decision"], refused["down"]) == (
        "me.closed.example",
        443,
        "refused",
        0,
    )
    assert "secret" not in (environment.home.logs / "egress.jsonl").read_text()
    shown = environment.acre("logs", "egress").stdout
    assert "ben to me.closed.example port 443: refused" in shown


async def test_an_egress_that_was_killed_is_back_in_every_pod(ask, environment, eventually):
    assert "hello" in await ask("ada", "tell(lambda: urllib.request.urlopen(site + '/hello.txt').read())")
    before = environment.pid_of("egress")
    os.kill(before, signal.SIGKILL)
    eventually(
        lambda: environment.pid_of("egress") != before and environment.is_running("egress"), "the egress is back"
    )
    assert "hello" in await ask("ada", "tell(lambda: urllib.request.urlopen(site + '/hello.txt').read())")


async def test_a_pod_that_ended_is_left_and_its_next_one_has_a_way_out(environment, outside, eventually):
    read = "tell(lambda: urllib.request.urlopen(site + '/hello.txt').read())"
    async with await environment.let_in("eve") as eve:
        await eve.start_server()
        assert "hello" in await output(eve, outside, read)
        await eve.stop_server()
        pod = Path(f"/proc/{json.loads((environment.home.pods / 'eve' / 'pod.json').read_text())['pid']}")
        eventually(lambda: not pod.exists(), "the pod is gone")
        await eve.start_server()
        assert "hello" in await output(eve, outside, read)


async def test_more_connections_than_allowed_are_refused_and_room_comes_back(ask):
    seen = await ask(
        "ada",
        """
import socket
many = [socket.create_connection(("127.0.0.1", 3128)) for _ in range(520)]
last = many[-1].recv(1000)
print(last.decode())
for one in many:
    one.close()
import time
time.sleep(0.5)
tell(lambda: urllib.request.urlopen(site + "/hello.txt").read())
""",
    )
    assert "503 Your pod has too many connections open" in seen
    assert "hello from outside" in seen
