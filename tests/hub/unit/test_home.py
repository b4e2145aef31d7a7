"""Where things lie, and whose folders are refused."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acre.hub.app.supervisor import locked, read_state
from acre.hub.config import Home, default_home
from acre.hub.errors import AlreadyRunningError, FolderUnusableError
from acre.hub.pods import Inside

LONGEST_NAME = "a" * 32


def _sockets(home: Home) -> list[Path]:
    pod = home.pods / LONGEST_NAME
    return [
        home.hub_socket,
        home.service_socket,
        home.routes / "hub.sock",
        home.routes / f"user-{LONGEST_NAME}.draft",
        home.routes / f"user-{LONGEST_NAME}.sock",
        pod / "server.sock",
        pod / "door" / Inside.socket.name,
        Inside.socket,
    ]


@given(st.lists(st.text("aZ é-_.", min_size=1, max_size=60).filter(lambda part: set(part) != {"."}), max_size=40))
def test_sockets_are_short_and_in_lower_case_wherever_the_home_is(parts: list[str]):
    home = Home.at(Path("/", *parts))
    for socket in _sockets(home):
        assert len(os.fsencode(socket)) < 108
        assert str(socket) == str(socket).lower()


def test_sockets_are_short_for_the_largest_user_number(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "getuid", lambda: 2**32 - 2)
    assert max(len(os.fsencode(socket)) for socket in _sockets(Home.at(Path("/x")))) < 108


def test_two_homes_have_two_runtime_folders_and_one_has_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "link").symlink_to(tmp_path / "a")
    monkeypatch.chdir(tmp_path)
    assert Home.at(tmp_path / "a").run != Home.at(tmp_path / "b").run
    assert Home.at(tmp_path / "a") == Home.at(Path("a")) == Home.at(tmp_path / "link") == Home.at(tmp_path / "b/../a")


def test_every_shell_finds_the_same_sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    without = Home.at(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert Home.at(tmp_path) == without


def test_the_default_home_can_be_chosen(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ACRE_HOME", "/somewhere")
    assert default_home() == Path("/somewhere")
    monkeypatch.delenv("ACRE_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_home() == Path("/data/acre")


def test_everything_that_is_made_is_closed_to_others(home: Home):
    os.umask(0o022)
    home.prepare()
    folders = [path for top in (home.root, home.run) for path in (top, *top.rglob("*"))]
    assert len(folders) > 8
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}


def test_a_home_that_became_open_is_closed_again(home: Home):
    home.root.chmod(0o755)
    home.prepare()
    assert home.root.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_serves_something_else_is_refused_and_left_as_it_is(short_folder: Path):
    (short_folder / "srv").mkdir(mode=0o755)
    (short_folder / "srv" / "website").mkdir()
    with pytest.raises(FolderUnusableError, match="it holds files that are not Acre's"):
        Home(short_folder / "srv", short_folder / "run").prepare()
    assert (short_folder / "srv").stat().st_mode & 0o777 == 0o755
    assert [path.name for path in (short_folder / "srv").iterdir()] == ["website"]


@pytest.mark.parametrize("name", ["acre.yaml", "lost+found"])
def test_a_folder_that_waits_for_acre_is_taken(short_folder: Path, name: str):
    (short_folder / "srv").mkdir()
    (short_folder / "srv" / name).touch()
    Home(short_folder / "srv", short_folder / "run").prepare()
    assert (short_folder / "srv" / "secrets").is_dir()


def test_a_runtime_folder_that_somebody_put_a_link_for_is_refused(short_folder: Path):
    (short_folder / "elsewhere").mkdir()
    (short_folder / "run").symlink_to(short_folder / "elsewhere")
    with pytest.raises(FolderUnusableError, match="symbolic link"):
        Home(short_folder / "home", short_folder / "run").prepare()
    assert not list((short_folder / "elsewhere").iterdir())


def test_a_runtime_folder_of_somebody_else_is_refused(short_folder: Path, monkeypatch: pytest.MonkeyPatch):
    (short_folder / "run").mkdir()
    (short_folder / "home").mkdir()
    monkeypatch.setattr(os, "getuid", lambda: 4321)
    with pytest.raises(FolderUnusableError, match="belongs to somebody else"):
        Home(short_folder / "home", short_folder / "run").prepare()


@pytest.mark.parametrize("what", ["file", "dangling"])
def test_a_home_that_is_no_folder_is_refused_in_words(short_folder: Path, what: str):
    root = short_folder / "home"
    root.write_text("x") if what == "file" else root.symlink_to(short_folder / "nothing")
    with pytest.raises(FolderUnusableError, match="file exists"):
        Home(root, short_folder / "run").prepare()


def test_a_home_that_cannot_be_written_is_refused_in_words(short_folder: Path):
    """In a process of an ordinary user, since nothing is forbidden to root."""
    parent = short_folder / "parent"
    parent.mkdir(mode=0o555)
    short_folder.chmod(0o755)
    (short_folder / "run").mkdir(mode=0o777)
    (short_folder / "run").chmod(0o777)
    code = (
        "import os, sys; from pathlib import Path; from acre.hub.config import Home\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "Home(Path(sys.argv[1]), Path(sys.argv[2])).prepare()\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(parent / "home"), str(short_folder / "run" / "x")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "FolderUnusableError" in result.stderr
    assert "permission denied" in result.stderr


def test_only_one_environment_holds_a_home(home: Home):
    assert read_state(home) is None
    with locked(home):
        home.state_file.write_text('{"pid": 4711}')
        assert read_state(home) == {"pid": 4711}
        with pytest.raises(AlreadyRunningError, match="process 4711"), locked(home):
            pytest.fail("a second one got in")
    assert read_state(home) is None
    with locked(home):
        pass


def test_a_cut_state_file_is_no_state(home: Home):
    with locked(home):
        home.state_file.write_text('{"pid": 47')
        assert read_state(home) is None
        with pytest.raises(AlreadyRunningError, match="another process"), locked(home):
            pytest.fail("a second one got in")
