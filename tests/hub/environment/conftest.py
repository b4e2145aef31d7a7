"""A real environment: the acre command, Caddy, JupyterHub, the service and pods, on a free port."""

import contextlib
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from acre.hub.app.supervisor import read_state
from acre.hub.app.visitor import Visitor
from acre.hub.config import Home
from acre.hub.pods import probe

ACRE = str(Path(sys.executable).parent / "acre")
PATIENCE = 60.0


@dataclass
class Environment:
    """A running ``acre up``."""

    root: Path
    port: int
    process: subprocess.Popen[str]
    output: Path
    passwords: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def authority(self) -> Path:
        """The certificate of the front's own authority."""
        return self.home.root / "front/pki/authorities/local/root.crt"

    @property
    def home(self) -> Home:
        return Home.at(self.root)

    @property
    def supervisor(self) -> psutil.Process:
        """The process of ``acre up``; it is not the first one where a sandbox was put around it."""
        first = psutil.Process(self.process.pid)
        for one in (*first.children(recursive=True), first):
            with contextlib.suppress(psutil.Error):  # it has ended, and is not buried yet
                if one.cmdline()[1:2] == [ACRE]:
                    return one
        raise psutil.NoSuchProcess(first.pid)

    @property
    def printed(self) -> str:
        return self.output.read_text()

    def acre(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run_acre(*arguments, home=self.root)

    def pid_of(self, component: str) -> int:
        state = read_state(self.home)
        assert state is not None, self.printed
        return int(state["components"][component]["pid"])

    def is_running(self, component: str) -> bool:
        state = read_state(self.home)
        return state is not None and state["components"][component]["state"] == "running"

    def invite(self, name: str, *options: str) -> str:
        """Return the code of a new invitation."""
        result = self.acre("user", "add", name, *options)
        assert result.returncode == 0, result.stderr
        return re.search(r"#code=(\S+)", result.stdout)[1]

    async def let_in(self, name: str, *options: str) -> Visitor:
        """Return a person who has signed in."""
        visitor = Visitor(self.address, name)
        if name not in self.passwords:
            password = secrets.token_urlsafe(12)
            await visitor.accept(self.invite(name, *options), password)
            self.passwords[name] = password
        await visitor.sign_in(self.passwords[name])
        return visitor

    def processes(self) -> list[psutil.Process]:
        """Return every process that belongs to this environment."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                words = " ".join(process.cmdline())
                named = str(self.home.run) in words or f"--home {self.root} " in words
                mine = named or process.environ().get("ACRE_HOME") == str(self.root)
                if mine and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def stop(self) -> int:
        """Press Ctrl-C, and return the exit code."""
        if self.process.poll() is None:
            os.kill(self.supervisor.pid, signal.SIGINT)
        return self.process.wait(timeout=PATIENCE)


def run_acre(*arguments: str, home: Path, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "ACRE_HOME": str(home), "NO_COLOR": "1", "COLUMNS": "200"}
    return subprocess.run(
        [*prefix, ACRE, *arguments], env=env, capture_output=True, text=True, timeout=PATIENCE, check=False
    )  # fmt: skip


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.05)


def start(
    root: Path, *, prefix: tuple[str, ...] = (), port: int | None = None, options: tuple[str, ...] = ()
) -> Environment:
    """Start an environment: on return it is ready."""
    port = port or free_port()
    output = root.parent / f"{root.name}-{port}.out"
    env = {**os.environ, "NO_COLOR": "1", "COLUMNS": "300", "PYTHONUNBUFFERED": "1"}
    env.pop("ACRE_HOME", None)
    with output.open("w") as stream:
        process = subprocess.Popen(
            [*prefix, ACRE, "up", "--home", str(root), "--port", str(port), *options],
            env=env, stdout=stream, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
    environment = Environment(root, port, process, output)
    wait_until(lambda: "Acre is ready" in environment.printed or process.poll() is not None, "the environment is ready")
    assert process.poll() is None, environment.printed
    return environment


@pytest.fixture(scope="session", autouse=True)
def pods_work() -> None:
    if why := probe():
        pytest.skip(f"this machine cannot make pods: {why}")


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """One environment for all tests that leave it whole."""
    running = start(tmp_path_factory.mktemp("shared") / "Home")
    yield running
    assert running.stop() == 0, running.printed
    assert running.processes() == []


@contextlib.contextmanager
def starting(folder: Path) -> Iterator[Callable[..., Environment]]:
    """Give a function that starts environments; afterwards none is left."""
    started: list[Environment] = []

    def make(**options: object) -> Environment:
        environment = start(options.pop("root", folder / "Home"), **options)
        started.append(environment)
        return environment

    yield make
    for environment in started:
        with contextlib.suppress(subprocess.TimeoutExpired):
            environment.stop()
    for environment in started:
        for process in environment.processes():
            process.kill()


@pytest.fixture
def new_environment(tmp_path: Path) -> Iterator[Callable[..., Environment]]:
    """Make an environment that a test may break."""
    with starting(tmp_path) as make:
        yield make


@pytest.fixture(scope="module")
def module_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Environment]]:
    """Make an environment of another configuration, for all tests of a file."""
    with starting(tmp_path_factory.mktemp("module")) as make:
        yield make


@pytest.fixture
def acre(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command with a new home; it must end by itself."""
    return lambda *arguments, **options: run_acre(*arguments, **{"home": tmp_path / "Home", **options})


@pytest.fixture
def port() -> int:
    """A port that nobody has."""
    return free_port()


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool], str], None]:
    """Wait until something is true."""
    return wait_until
