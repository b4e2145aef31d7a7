"""What a pod sees of the machine: decided as a command, and looked at from inside."""

import dataclasses
import json
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from acre.hub.app.up import _check_isolation
from acre.hub.config import Home
from acre.hub.errors import FolderUnusableError
from acre.hub.pods import Inside, Sandbox, command, visible

BINDS = {"--bind", "--ro-bind", "--ro-bind-try", "--bind-try", "--dev-bind", "--dev-bind-try"}


def _binds(sandbox: Sandbox) -> list[tuple[str, Path, Path]]:
    words = command(sandbox, ["true"])
    return [(word, Path(words[i + 1]), Path(words[i + 2])) for i, word in enumerate(words) if word in BINDS]


def test_only_home_and_door_can_be_written(sandbox: Sandbox):
    writable = [(source, target) for kind, source, target in _binds(sandbox) if not kind.startswith("--ro-")]
    assert writable == [(sandbox.folder, Inside.pod), (sandbox.home, Path("/home/ada"))]


def test_neither_the_state_folder_nor_the_machine_is_shown(sandbox: Sandbox, home: Home):
    hidden = {home.root, home.run, home.secrets, home.database, home.logs, home.people, home.pods, home.routes}
    hidden |= {Path(one) for one in ("/", "/etc", "/root", "/home", "/var", "/run", "/proc", "/sys", "/tmp")}  # noqa: S108 -- only compared
    shown = [source for _, source, _ in _binds(sandbox)]
    assert not [source for source in shown if any(one == source or one.is_relative_to(source) for one in hidden)]
    assert not {"/etc/shadow", "/etc/gshadow", "/etc/ssl/private"} & {str(source) for source in shown}


@pytest.mark.parametrize(("network", "private"), [("private", True), ("open", False)])
def test_the_network_is_private_unless_the_operator_opened_it(sandbox: Sandbox, network: str, *, private: bool):
    opened = dataclasses.replace(sandbox, network=network)
    assert ("--unshare-net" in command(opened, ["true"])) is private
    targets = {str(target): source for _, source, target in _binds(opened)}
    assert targets["/etc/hosts"] == (sandbox.identity / "hosts" if private else Path("/etc/hosts"))
    assert ("/etc/resolv.conf" in targets) is not private


def test_the_program_comes_last_and_later_mounts_lie_over_earlier_ones(sandbox: Sandbox):
    words = command(sandbox, ["python", "--bind", "x"], info_fd=7)
    assert words[-4:] == ["--", "python", "--bind", "x"]
    assert words[words.index("--info-fd") + 1] == "7"
    mounts = [words.index(path) for path in ("/usr", "/tmp", sys.prefix, str(sandbox.home))]  # noqa: S108 -- of the pod
    assert mounts == sorted(mounts)
    assert words.index("/proc") < words.index("/proc/sys")


def test_every_namespace_is_the_pods_own(sandbox: Sandbox):
    words = command(sandbox, ["true"])
    assert {"--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net"} <= set(words)
    assert words[words.index("--cap-drop") + 1] == "ALL"
    assert "--new-session" in words


def test_an_interpreter_that_is_reached_by_a_link_is_shown_by_both_names(
    sandbox: Sandbox, short_folder: Path, monkeypatch: pytest.MonkeyPatch
):
    (short_folder / "link").symlink_to(sys.prefix)
    monkeypatch.setattr(sys, "prefix", str(short_folder / "link"))
    assert {short_folder / "link", Path(sys.prefix).resolve()} <= set(visible())
    targets = {target for _, _, target in _binds(sandbox)}
    assert short_folder / "link" in targets


@pytest.fixture(scope="session")
def stranger() -> Iterator[socket.socket]:
    """Somebody's server on the machine's loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


LOOK = """
    import json, os, socket, sys
    def read(path):
        try:
            return os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(64).decode(errors="replace")
        except OSError as error:
            return type(error).__name__
    def write(path):
        try:
            with open(path, "a"): return "written"
        except OSError as error:
            return type(error).__name__
    def connect(*address):
        try:
            socket.create_connection(address, timeout=2).close()
            return "connected"
        except OSError as error:
            return type(error).__name__
    status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
    asked = json.loads(sys.argv[1])
    print(json.dumps({
        "reads": {path: read(path) for path in asked["read"]},
        "writes": {path: write(path) for path in asked["write"]},
        "connects": connect("127.0.0.1", asked["port"]),
        "processes": sorted(int(one) for one in os.listdir("/proc") if one.isdigit()),
        "capabilities": {name: int(status[name], 16) for name in status if name.startswith("Cap")},
        "no_new_privileges": status["NoNewPrivs"].strip(),
        "user": os.getuid(), "cwd": os.getcwd(), "hostname": socket.gethostname(),
        "localhost": socket.gethostbyname("localhost"), "environment": sorted(os.environ),
    }))
"""


@pytest.fixture
def look(sandbox: Sandbox, home: Home, stranger: socket.socket, can_make_pods: None) -> dict:
    """What a program in Ada's pod sees."""
    (home.secrets / "operator").write_text("secret")
    (home.people / "ben").mkdir()
    (home.people / "ben" / "data.txt").write_text("bens")
    (sandbox.home / "data.txt").write_text("adas")
    asked = {
        "port": stranger.getsockname()[1],
        "read": [
            "/etc/shadow", "/etc/ssh", str(home.root), str(home.secrets / "operator"), str(home.people),
            str(home.people / "ben" / "data.txt"), str(home.run), str(home.pods), "/root", "/home",
            "/home/ada/data.txt", "/home/ada/../ben/data.txt", "/proc/1/root/etc/shadow", "/var/log",
            "/etc/passwd", "/sys/class/net",
        ],
        "write": [
            "/usr/bin/new", "/etc/passwd", "/run/acre/doors/new", "/run/acre/start-here/new", f"{sys.prefix}/new",
            "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger",
            "/home/ada/new", "/run/acre/pod/new", "/tmp/new", "/dev/shm/new",  # noqa: S108 -- of the pod
        ],
    }  # fmt: skip
    program = [sys.executable, "-c", textwrap.dedent(LOOK), json.dumps(asked)]
    environment = {"HOME": "/home/ada", "PATH": "/usr/bin"}
    result = subprocess.run(
        command(sandbox, program), env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_a_pod_is_closed(look: dict, home: Home):
    """One start, many looks: a pod costs time."""
    reads = look["reads"]
    unseen = {
        "/etc/shadow", "/etc/ssh", str(home.secrets / "operator"), str(home.people), str(home.run), str(home.pods),
        str(home.people / "ben" / "data.txt"), "/home/ada/../ben/data.txt", "/proc/1/root/etc/shadow", "/var/log",
        "/sys/class/net",
    }  # fmt: skip
    assert {path: reads[path] for path in unseen} == dict.fromkeys(unseen, "FileNotFoundError")
    assert reads["/home"] == ["ada"]
    assert reads["/home/ada/data.txt"] == "adas"
    assert reads["/etc/passwd"].startswith("ada:x:1000:1000")
    assert "operator" not in json.dumps(reads[str(home.root)])

    writable = {"/home/ada/new", "/run/acre/pod/new", "/tmp/new", "/dev/shm/new"}  # noqa: S108 -- of the pod
    assert {path for path, done in look["writes"].items() if done == "written"} == writable

    assert set(look["capabilities"].values()) == {0}
    assert look["no_new_privileges"] == "1"
    assert len(look["processes"]) == 2
    assert max(look["processes"]) < 10
    assert look["user"] == 1000
    assert look["connects"] == "ConnectionRefusedError"
    assert (look["localhost"], look["hostname"], look["cwd"]) == ("127.0.0.1", "acre", "/home/ada")
    assert set(look["environment"]) <= {"HOME", "PATH", "PWD", "LC_CTYPE"}


def test_an_open_network_reaches_the_machine(sandbox: Sandbox, stranger: socket.socket, can_make_pods: None):
    """That the operator is warned of this is right: it is so."""
    code = f"import socket; socket.create_connection(('127.0.0.1', {stranger.getsockname()[1]}), 2)"
    program = command(dataclasses.replace(sandbox, network="open"), [sys.executable, "-c", code])
    assert subprocess.run(program, env={}, timeout=60, check=False).returncode == 0


def test_a_home_in_a_folder_that_pods_see_is_refused(can_make_pods: None):
    for folder in visible():
        with pytest.raises(FolderUnusableError, match="every person could read it"):
            _check_isolation(folder / "share" / "acre")
