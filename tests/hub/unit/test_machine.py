"""What is looked at before the environment starts, and what is said about it."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from acre.hub.app import doctor, up
from acre.hub.app.doctor import Finding, examine
from acre.hub.app.up import bring_up, check_port
from acre.hub.config import Config, Front, Home, Pods
from acre.hub.errors import (
    AcreError,
    AddressUnusableError,
    FolderUnusableError,
    IsolationUnavailableError,
    PortTakenError,
    SpaceExhaustedError,
)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody has."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def free() -> int:
    """A port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_a_taken_port_is_said_with_another_to_try(taken: int, free: int):
    with pytest.raises(PortTakenError, match=rf"Port {taken} on 127\.0\.0\.1 is taken.*--port {taken + 1}"):
        check_port("127.0.0.1", taken)
    with pytest.raises(PortTakenError):
        check_port("localhost", taken)
    check_port("127.0.0.1", free)
    assert "--port 65534" in str(PortTakenError("127.0.0.1", 65535))


@pytest.mark.parametrize("address", ["192.0.2.1", "nowhere.invalid", "not an address", "2001:db8::1", "unix//x"])
def test_an_address_that_is_not_this_machines_is_no_taken_port(address: str, free: int):
    with pytest.raises(AddressUnusableError, match="cannot listen on"):
        check_port(address, free)


def _said(findings: list[Finding], words: str) -> Finding:
    (found,) = [finding for finding in findings if words in finding.sentence]
    return found


def test_a_good_machine_is_found_good(home: Home, free: int, can_make_pods: None):
    findings = examine(Config(front=Front(port=free)), home)
    assert not [finding for finding in findings if finding.needed and not finding.good]
    assert _said(findings, f"127.0.0.1:{free} is free").good
    assert _said(findings, "Only this machine can reach the front").good


def test_a_taken_port_is_found(home: Home, taken: int):
    finding = _said(examine(Config(front=Front(port=taken)), home), "is taken by another program")
    assert (finding.good, finding.needed) == (False, True)


@pytest.mark.parametrize(("isolation", "needed"), [("pods", True), ("none", False)])
def test_missing_isolation_is_needed_unless_renounced(
    home: Home, free: int, monkeypatch: pytest.MonkeyPatch, isolation: str, *, needed: bool
):
    monkeypatch.setattr(doctor, "probe", lambda: "No permissions to create new namespace")
    findings = examine(Config(front=Front(port=free), pods=Pods(isolation=isolation)), home)
    finding = _said(findings, "No permissions to create new namespace")
    assert "sysctl" in finding.sentence
    assert (finding.good, finding.needed) == (False, needed)


def test_passwords_in_clear_are_warned_of(home: Home, free: int):
    findings = examine(Config(front=Front(address="0.0.0.0", port=free)), home)  # noqa: S104 -- it is about this
    finding = _said(findings, "without encryption")
    assert (finding.good, finding.needed) == (False, False)


def test_a_home_that_cannot_be_used_is_a_finding_and_no_crash(short_folder: Path, free: int):
    (short_folder / "home").write_text("a file")
    findings = examine(Config(front=Front(port=free)), Home(short_folder / "home", short_folder / "run"))
    finding = _said(findings, "cannot be used")
    assert (finding.good, finding.needed) == (False, True)


def _bring_up(config: Config, home: Home) -> None:
    def ready(_invitation: object) -> None:
        pytest.fail("it started")

    bring_up(config, home, say=lambda _: None, ready=ready)


@pytest.mark.parametrize("what", ["port", "space", "isolation", "writing"])
def test_what_is_missing_is_said_before_anything_starts(
    home: Home, taken: int, free: int, monkeypatch: pytest.MonkeyPatch, what: str
):
    error: type[AcreError] = PortTakenError
    port = taken
    if what == "space":
        error, port = SpaceExhaustedError, free
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=99 * 2**20))
    elif what == "isolation":
        error, port = IsolationUnavailableError, free
        monkeypatch.setattr(up, "probe", lambda: "no")
    elif what == "writing":
        error, port = FolderUnusableError, free

        def full(_file: Path, _content: bytes) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(error):
        _bring_up(Config(front=Front(port=port)), home)
    assert not list(home.doors.iterdir())
    assert not home.state_file.exists()
