"""The database, secrets, and the folders of people."""

import os
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from acre.hub.domain.invitations import hash_code, invite
from acre.hub.errors import SecretUnusableError
from acre.hub.factory import Secrets
from acre.hub.storage import FolderStorage, InvitationStorage, SecretStorage, open_database

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def invitations(tmp_path: Path) -> InvitationStorage:
    return InvitationStorage(open_database(tmp_path / "acre.sqlite"))


def _invite(storage: InvitationStorage, name: str) -> str:
    code, stored = invite(name, now=NOW, lifetime=timedelta(hours=1))
    storage.put(stored)
    return code


def test_a_database_is_brought_to_the_newest_schema_once(tmp_path: Path):
    file = tmp_path / "acre.sqlite"
    code = _invite(InvitationStorage(open_database(file)), "ada")
    again = InvitationStorage(open_database(file))
    assert again.find(hash_code(code)).name == "ada"
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("name", ["a b", "a?mode=ro", "a#b", "a%20b", "ä"])
def test_a_database_lies_where_it_was_asked_for(tmp_path: Path, name: str):
    (tmp_path / name).mkdir()
    open_database(tmp_path / name / "acre.sqlite")
    assert (tmp_path / name / "acre.sqlite").is_file()


def test_times_come_back_as_they_were_put(invitations: InvitationStorage):
    code = _invite(invitations, "ada")
    assert invitations.find(hash_code(code)).expires == NOW + timedelta(hours=1)
    assert invitations.find(hash_code(code)).claimed is None
    invitations.claim(hash_code(code), now=NOW)
    assert invitations.of("ada").claimed == NOW


def test_only_the_hash_of_a_code_is_on_the_disk(invitations: InvitationStorage, tmp_path: Path):
    code = _invite(invitations, "ada")
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert code.encode() not in kept
    assert hash_code(code).encode() in kept


def test_a_newer_invitation_replaces_the_older(invitations: InvitationStorage):
    old = _invite(invitations, "ada")
    invitations.claim(hash_code(old), now=NOW)
    new = _invite(invitations, "ada")
    assert invitations.find(hash_code(old)) is None
    assert not invitations.claim(hash_code(old), now=NOW)
    assert invitations.claim(hash_code(new), now=NOW)


def test_of_many_claims_at_once_one_wins(invitations: InvitationStorage):
    code = _invite(invitations, "ada")
    _invite(invitations, "ben")
    at_once = threading.Barrier(8)

    def claim() -> bool:
        at_once.wait()
        return invitations.claim(hash_code(code), now=NOW)

    with ThreadPoolExecutor(8) as pool:
        won = [future.result() for future in [pool.submit(claim) for _ in range(8)]]
    assert sum(won) == 1
    assert invitations.of("ben").claimed is None


def test_a_removed_invitation_opens_nothing(invitations: InvitationStorage):
    code = _invite(invitations, "ada")
    invitations.remove("ada")
    invitations.remove("nobody")
    assert invitations.find(hash_code(code)) is None
    assert invitations.of("ada") is None


def test_a_secret_is_made_once_and_closed_to_others(tmp_path: Path):
    os.umask(0o022)
    secret = SecretStorage(tmp_path).get("cookie")
    assert len(bytes.fromhex(secret)) == 32
    assert SecretStorage(tmp_path).get("cookie") == secret
    assert SecretStorage(tmp_path).get("operator") != secret
    assert {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {
        "cookie": 0o600,
        "operator": 0o600,
    }


def test_a_secret_of_the_operator_wins_and_is_not_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    SecretStorage(tmp_path).get("cookie")
    monkeypatch.setenv("ACRE_SECRET_COOKIE", "ab" * 32)
    assert Secrets(SecretStorage(tmp_path)).cookie == b"\xab" * 32
    assert "ab" * 32 not in (tmp_path / "cookie").read_text()


@pytest.mark.parametrize("content", ["", "\n", "ab" * 31, "not hexadecimal " * 8])
def test_a_secret_that_protects_nothing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str):
    (tmp_path / "operator").write_text(content)
    with pytest.raises(SecretUnusableError, match="operator cannot be used") as error:
        SecretStorage(tmp_path).get("operator")
    assert not content.strip() or content.strip() not in str(error.value)
    if content:
        monkeypatch.setenv("ACRE_SECRET_OPERATOR", content)
        with pytest.raises(SecretUnusableError, match=r"\$ACRE_SECRET_OPERATOR cannot be used"):
            SecretStorage(tmp_path).get("operator")


def test_processes_and_threads_that_start_together_get_the_same_secret(tmp_path: Path):
    code = (
        "import sys, concurrent.futures as f; from pathlib import Path; from acre.hub.storage.secrets import *\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "get = SecretStorage(Path(sys.argv[1])).get\n"
        "with f.ThreadPoolExecutor(4) as pool: print(*set(pool.map(get, ['cookie'] * 4)))\n"
    )
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.stdin.write("\n")
        racer.stdin.flush()
    said = {racer.communicate(timeout=30)[0].strip() for racer in racers}
    assert said == {(tmp_path / "cookie").read_text().strip()}
    assert [file.name for file in tmp_path.iterdir()] == ["cookie"]


def test_a_full_disk_leaves_no_half_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        SecretStorage(tmp_path).get("cookie")
    assert not list(tmp_path.iterdir())
    monkeypatch.undo()
    assert SecretStorage(tmp_path).get("cookie")


def test_the_files_of_a_removed_person_are_put_aside(tmp_path: Path):
    people, removed = tmp_path / "people", tmp_path / "removed"
    people.mkdir()
    removed.mkdir()
    storage = FolderStorage(people, removed)
    aside = []
    for round_ in range(2):
        (people / "ada").mkdir()
        (people / "ada" / "data.txt").write_text(str(round_))
        aside.append(storage.put_aside("ada"))
        assert not (people / "ada").exists()
    assert [(one / "data.txt").read_text() for one in aside] == ["0", "1"]
    assert {one.parent for one in aside} == {removed}
    assert storage.put_aside("ben") is None
