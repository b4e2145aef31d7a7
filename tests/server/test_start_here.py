"""The tutorials in a person's home: renewed, never overwritten, and no reason not to start."""

import json
import shutil
from pathlib import Path

import pytest

from acre.server import start_here
from acre.server.session import settings
from acre.server.start_here import FOLDER, deliver


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "a.ipynb").write_text("a1")
    (folder / "b.ipynb").write_text("b1")
    (folder / "index.json").write_text("[]")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def _contents(home: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in (home / FOLDER).iterdir()}


def test_a_new_home_gets_every_tutorial_once(source: Path, home: Path):
    assert deliver(source, home) == ["a.ipynb is new", "b.ipynb is new"]
    assert _contents(home) == {"a.ipynb": "a1", "b.ipynb": "b1"}
    assert deliver(source, home) == []


def test_what_the_person_changed_is_never_overwritten(source: Path, home: Path):
    deliver(source, home)
    (home / FOLDER / "a.ipynb").write_text("mine")
    for version in ("a2", "a3"):
        (source / "a.ipynb").write_text(version)
        assert deliver(source, home) == []
    assert _contents(home)["a.ipynb"] == "mine"


def test_what_the_person_deleted_does_not_come_back(source: Path, home: Path):
    deliver(source, home)
    (home / FOLDER / "a.ipynb").unlink()
    (source / "a.ipynb").write_text("a2")
    assert deliver(source, home) == []
    shutil.rmtree(home / FOLDER)
    assert deliver(source, home) == []
    assert not (home / FOLDER).exists()


def test_what_was_not_touched_is_renewed(source: Path, home: Path):
    deliver(source, home)
    (source / "a.ipynb").write_text("a2")
    (source / "c.ipynb").write_text("c1")
    (source / "b.ipynb").unlink()
    assert deliver(source, home) == ["a.ipynb is new", "c.ipynb is new"]
    assert _contents(home) == {"a.ipynb": "a2", "b.ipynb": "b1", "c.ipynb": "c1"}


def test_a_file_of_the_person_with_the_name_of_a_tutorial_is_kept(source: Path, home: Path):
    (home / FOLDER).mkdir()
    (home / FOLDER / "a.ipynb").write_text("mine")
    (home / FOLDER / "b.ipynb").symlink_to("nothing")
    assert deliver(source, home) == []
    assert (home / FOLDER / "a.ipynb").read_text() == "mine"
    assert (home / FOLDER / "b.ipynb").is_symlink()


@pytest.mark.parametrize("record", ["", '{"a.ipynb": "', "[]", "null", "5", '"text"', "\udc80"])
def test_a_broken_record_harms_nothing_that_is_there(source: Path, home: Path, record: str):
    deliver(source, home)
    (home / FOLDER / "a.ipynb").write_text("mine")
    (home / start_here._RECORD).write_bytes(record.encode(errors="surrogateescape"))
    assert deliver(source, home) == []
    assert _contents(home) == {"a.ipynb": "mine", "b.ipynb": "b1"}


def _put(home: Path, what: str) -> None:
    match what:
        case "folder is a file":
            (home / FOLDER).write_text("mine")
        case "folder is a dangling link":
            (home / FOLDER).symlink_to("/nothing/at/all")
        case "record is a folder":
            (home / start_here._RECORD).mkdir(parents=True)
        case "record's folder is a file":
            (home / ".local").write_text("mine")
        case "tutorial is a folder":
            (home / FOLDER / "a.ipynb").mkdir(parents=True)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("folder is a file", "a.ipynb could not be laid out"),
        ("folder is a dangling link", "a.ipynb could not be laid out"),
        ("record is a folder", "It could not be noted"),
        ("record's folder is a file", "It could not be noted"),
        ("tutorial is a folder", "b.ipynb is new"),
    ],
)
def test_whatever_lies_in_the_way_is_said_and_no_reason_not_to_start(source: Path, home: Path, what: str, said: str):
    _put(home, what)
    assert any(sentence.startswith(said) for sentence in deliver(source, home))


def test_a_link_to_another_folder_is_the_persons_choice(source: Path, home: Path, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (home / FOLDER).symlink_to(tmp_path / "elsewhere")
    deliver(source, home)
    assert (home / FOLDER).is_symlink()
    assert (tmp_path / "elsewhere" / "a.ipynb").read_text() == "a1"


def test_a_folder_in_place_of_a_delivered_tutorial_is_left(source: Path, home: Path):
    deliver(source, home)
    (home / FOLDER / "a.ipynb").unlink()
    (home / FOLDER / "a.ipynb").mkdir()
    (source / "a.ipynb").write_text("a2")
    assert deliver(source, home) == []
    assert (home / FOLDER / "a.ipynb").is_dir()


def test_a_full_disk_leaves_no_half_tutorial_and_the_next_start_brings_it(
    source: Path, home: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(file: Path, content: bytes) -> None:
        with file.open("wb") as stream:
            stream.write(content[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    sentences = deliver(source, home)
    assert len(sentences) == 2
    assert all("No space left" in sentence for sentence in sentences)
    assert _contents(home) == {}
    monkeypatch.undo()
    assert len(deliver(source, home)) == 2
    assert _contents(home) == {"a.ipynb": "a1", "b.ipynb": "b1"}
    assert set(json.loads((home / start_here._RECORD).read_text())) == {"a.ipynb", "b.ipynb"}


def test_a_server_keeps_its_kernels_off_the_network(home: Path):
    words = settings(home)
    assert f"--ServerApp.root_dir={home}" in words
    assert "--KernelManager.transport=ipc" in words
    assert "--ServerApp.sock_mode=0600" in words
