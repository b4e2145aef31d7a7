"""Starting, finding again and ending pods."""

import asyncio
import contextlib
import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from acre.hub.errors import PodFailedError
from acre.hub.pods import Pod, PodRecord, Sandbox, find, launch, launching, probe, recorded

STUBBORN = (
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "subprocess.Popen(['sleep', '1000'], start_new_session=True); print('begun', flush=True); time.sleep(1000)"
)
POLITE = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: (print('goodbye', flush=True), sys.exit()))\n"
    "print('begun', flush=True); time.sleep(1000)"
)


@pytest.fixture(params=["isolated", "not isolated"])
def place(request: pytest.FixtureRequest, sandbox: Sandbox) -> Sandbox | None:
    if request.param != "isolated":
        return None
    request.getfixturevalue("can_make_pods")
    return sandbox


async def _start(place: Sandbox | None, sandbox: Sandbox, code: str) -> tuple[Pod, Path]:
    folder = sandbox.folder.parent
    log = folder / "log"
    home = "/home/ada" if place else str(sandbox.home)
    env = {"HOME": home, "PATH": os.environ["PATH"]}
    pod = await launch(place, [sys.executable, "-c", code], env=env, folder=folder, log=log)
    for _ in range(500):
        if log.read_text():
            break
        await asyncio.sleep(0.02)
    return pod, log


async def test_a_pod_is_found_again_and_ends_politely(place: Sandbox | None, sandbox: Sandbox):
    pod, log = await _start(place, sandbox, POLITE)
    (again,) = recorded(sandbox.folder.parent.parent)
    assert again.record == pod.record
    assert pod.is_running()
    assert log.stat().st_mode & 0o777 == 0o600
    await again.stop()
    assert not pod.is_running()
    assert log.read_text() == "begun\ngoodbye\n"
    assert find(sandbox.folder.parent) is None
    await pod.stop()


async def test_nothing_of_a_stubborn_pod_is_left(place: Sandbox | None, sandbox: Sandbox):
    pod, _ = await _start(place, sandbox, STUBBORN)
    family = [pod.record.process(), *pod.record.process().children(recursive=True)]
    assert len(family) >= 2
    await pod.stop(now=True)
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]


async def test_a_program_sees_only_the_environment_it_is_given(place: Sandbox | None, sandbox: Sandbox, monkeypatch):
    monkeypatch.setenv("ACRE_SECRET_OPERATOR", "secret")
    _, log = await _start(place, sandbox, "import os, json; print(json.dumps(dict(os.environ)))")
    assert set(json.loads(log.read_text())) <= {"HOME", "PATH", "PWD", "LC_CTYPE"}


async def test_a_pod_that_cannot_be_made_is_said_to_have_failed(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(launching, "command", lambda *_, **__: ["sh", "-c", "echo no namespaces; exit 1"])
    log = sandbox.folder.parent / "log"
    with pytest.raises(PodFailedError):
        await launch(sandbox, ["true"], env={"PATH": "/usr/bin"}, folder=sandbox.folder.parent, log=log)
    assert log.read_text() == "no namespaces\n"
    assert recorded(sandbox.folder.parent.parent) == []


async def test_a_pod_without_its_folders_does_not_run_and_says_which(sandbox: Sandbox, can_make_pods: None):
    missing = dataclasses.replace(sandbox, home=sandbox.home / "missing")
    with contextlib.suppress(PodFailedError):
        pod, _ = await _start(missing, sandbox, POLITE)
        async with asyncio.timeout(5):
            while pod.is_running():
                await asyncio.sleep(0.02)
    assert str(missing.home) in (sandbox.folder.parent / "log").read_text()


async def test_another_process_with_the_same_number_is_not_the_pod(sandbox: Sandbox):
    pod, _ = await _start(None, sandbox, POLITE)
    record = pod.record
    assert PodRecord(record.pid, record.created).process() is not None
    assert PodRecord(record.pid, record.created + "0").process() is None
    assert PodRecord(record.pid + 2**22, record.created).process() is None
    assert PodRecord(os.getpid(), record.created).process() is None
    await pod.stop(now=True)


async def test_a_pod_is_found_after_the_clock_was_put_right(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch):
    pod, _ = await _start(None, sandbox, POLITE)
    created = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: created(process) + 3600)
    found = find(sandbox.folder.parent)
    monkeypatch.undo()
    assert found is not None
    await pod.stop(now=True)


def test_what_makes_no_pods_is_said(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 1, "", "bwrap: note\nbwrap: No permissions to create new namespace\n")

    monkeypatch.setattr(subprocess, "run", refuse)
    assert probe() == "bwrap: No permissions to create new namespace"

    def hang(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("bwrap", 20)

    monkeypatch.setattr(subprocess, "run", hang)
    assert "bubblewrap does not run" in probe()
