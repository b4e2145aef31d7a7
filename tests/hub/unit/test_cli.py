"""Commands: what they print, and with which code they end, without an environment."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from acre.hub.app.demo import run_demo
from acre.hub.app.logbook import Logbook
from acre.hub.app.supervisor import locked
from acre.hub.cli import main
from acre.hub.cli.console import command
from acre.hub.config import Config, Home, freeze
from acre.hub.config.tree import Front
from acre.hub.errors import DemoFailedError


@pytest.fixture
def acre(short_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Return a function that runs a command in this process: code, output, errors."""
    monkeypatch.setenv("ACRE_HOME", str(short_folder / "home"))
    monkeypatch.delenv("ACRE_CONFIG", raising=False)
    monkeypatch.setenv("COLUMNS", "300")

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["acre", *words])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.mark.parametrize(
    "words", [("status",), ("demo",), ("user", "list"), ("user", "add", "ada"), ("user", "remove", "ada")]
)
def test_commands_that_need_an_environment_say_how_to_start_one(acre, words: tuple[str, ...]):
    code, out, err = acre(*words)
    assert (code, out) == (1, "")
    assert err.startswith("acre: No environment runs in ")
    assert "acre up" in err
    assert "Traceback" not in err


def test_a_mistake_in_the_configuration_ends_with_2(acre, short_folder: Path):
    file = short_folder / "acre.yaml"
    file.write_text("front:\n  port: [/bold, red]\n")
    code, out, err = acre("config", "show", "--config", str(file))
    assert (code, out) == (2, "")
    assert "line 2: 'front.port' cannot be ['/bold', 'red']" in err


@pytest.mark.parametrize("name", ["[/b]x.yaml", "[bold]x.yaml", "[red].yaml"])
def test_paths_with_brackets_are_printed_as_they_are(acre, short_folder: Path, name: str):
    code, _, err = acre("config", "show", "--config", f"{short_folder}/{name[1:-1]}[/x]")
    assert code == 2
    assert "[/x] cannot be read" in err
    file = short_folder / name.replace("/", "")
    file.write_text("logs:\n  level: debug\n")
    code, out, _ = acre("config", "show", "--config", str(file))
    assert code == 0
    assert file.name in out


def test_the_configuration_in_force_is_shown_with_its_sources(acre, short_folder: Path):
    (short_folder / "home").mkdir()
    (short_folder / "home" / "acre.yaml").write_text("front:\n  port: 8222\n")
    code, out, _ = acre("config", "show")
    lines = {line.split()[0]: line.split()[1:] for line in out.splitlines()}
    assert code == 0
    assert lines["front.port"][0] == "8222"
    assert lines["front.port"][1].endswith("acre.yaml")
    assert lines["front.address"] == ["127.0.0.1", "default"]
    assert lines["clusters.workers"] == ["automatic", "default"]


def test_a_home_below_a_closed_folder_is_refused_in_a_sentence(acre, monkeypatch: pytest.MonkeyPatch):
    def closed(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", closed)
    code, out, err = acre("doctor", "--home", "/closed/home")
    assert (code, out) == (1, "")
    assert err.startswith("acre: The folder /closed/home cannot be used: permission denied")


def test_logs_where_nothing_ran_say_so(acre):
    code, out, err = acre("logs")
    assert (code, out) == (1, "")
    assert "no environment has run there" in err


def test_a_running_environment_shows_what_it_was_started_with(acre, short_folder: Path):
    home = Home.at(short_folder / "home")
    home.prepare()
    freeze(Config(front=Front(port=8333)), home)
    home.state_file.write_text(json.dumps({"pid": os.getpid()}))
    with locked(home):
        _, out, _ = acre("config", "show")
    lines = {line.split()[0]: line.split()[1:] for line in out.splitlines()}
    assert lines["front.port"] == ["8333", "as", "started"]
    assert lines["front.address"] == ["127.0.0.1", "default"]


def test_commands_are_told_as_they_can_be_typed(monkeypatch: pytest.MonkeyPatch, short_folder: Path):
    monkeypatch.setenv("ACRE_HOME", str(short_folder / "home"))
    monkeypatch.setattr(sys, "argv", [str(Path.cwd() / ".venv/bin/acre")])
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert command("user add NAME", Home.at(short_folder / "home")) == ".venv/bin/acre user add NAME"
    other = Home.at(short_folder / "an other")
    assert command("user add NAME", other) == f".venv/bin/acre user add NAME --home '{other.root}'"
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/acre")
    assert command("user list", Home.at(short_folder / "home")) == "acre user list"


def test_logs_of_strange_messages_are_printed(acre, short_folder: Path):
    folder = short_folder / "home" / "logs"
    folder.mkdir(parents=True)
    logbook = Logbook(folder, megabytes=1)
    for line in ("[/bold] not markup", '{"level": "info", "msg": {"a": 1}}', "ERROR: [red]"):
        logbook.write("hub", line)
    code, out, _ = acre("logs", "hub")
    assert code == 0
    assert "[/bold] not markup" in out
    assert "{'a': 1}" in out
    assert len(out.splitlines()) == 3
    code, _, err = acre("logs", "[/x]")
    assert code == 1
    assert "there are: hub" in err


def test_up_refuses_a_wrong_configuration_before_it_makes_anything(acre, short_folder: Path):
    code, _, err = acre("up", "--port", "99999")
    assert code == 2
    assert "on the command line: 'front.port' cannot be 99999" in err
    assert not (short_folder / "home").exists()


def test_the_command_itself_is_installed():
    result = subprocess.run(
        [Path(sys.executable).parent / "acre", "--version"], capture_output=True, text=True, timeout=60, check=True
    )
    assert result.stdout.strip()


def test_results_of_the_demonstration_need_a_folder_that_can_be_made(short_folder: Path):
    (short_folder / "file").touch()
    with pytest.raises(DemoFailedError, match="--output DIR"):
        run_demo(Home.at(short_folder / "home"), "http://127.0.0.1:1", short_folder / "file" / "demo", say=print)
