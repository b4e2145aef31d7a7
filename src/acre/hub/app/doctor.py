"""``acre doctor``: what this machine can do, in words."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from acre.hub.app.supervisor import read_state
from acre.hub.app.up import check_port
from acre.hub.config import Config, Home
from acre.hub.errors import AcreError
from acre.hub.pods import probe

__all__ = ["Finding", "examine"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        needed: Whether the environment does not start without it.
    """

    good: bool
    sentence: str
    needed: bool = True


def examine(config: Config, home: Home) -> list[Finding]:
    """Return what was found; nothing is changed but that the home is made."""
    return [_python(), _isolation(config), _limits(), _home(home), _space(home), _port(config, home), _secrecy(config)]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(sys.version_info >= (3, 11), f"Python {version} at {sys.prefix}; 3.11 or newer is needed")


def _isolation(config: Config) -> Finding:
    why = probe()
    if why is None:
        return Finding(True, "Pods can be made: people are kept apart by user, mount, process and network namespaces")
    remedy = (
        "Allow user namespaces, as root: sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=28633"
        " (on Ubuntu also kernel.apparmor_restrict_unprivileged_userns=0)"
    )
    return Finding(False, f"Pods cannot be made: {why}. {remedy}", needed=config.pods.isolation == "pods")


def _limits() -> Finding:
    if Path("/sys/fs/cgroup/cgroup.controllers").exists():
        kind = "cgroup v2 is there"
    elif Path("/sys/fs/cgroup/memory").exists():
        kind = "cgroup v1 is there"
    else:
        kind = "no cgroups are there"
    sentence = f"{kind}, but this version sets no limits: one person can use all memory and all cores"
    return Finding(False, sentence, needed=False)


def _home(home: Home) -> Finding:
    used = home.run.exists()
    try:
        home.prepare()
    except AcreError as error:
        return Finding(False, str(error))
    finally:
        if not used:
            shutil.rmtree(home.run, ignore_errors=True)
    return Finding(True, f"The home {home.root} can be written; sockets are in {home.run}")


def _space(home: Home) -> Finding:
    folder = home.root
    while not folder.exists():
        folder = folder.parent
    gib = shutil.disk_usage(folder).free / 2**30
    return Finding(gib > 1, f"{gib:.0f} GiB are free for what people save; below 1 GiB it becomes tight", needed=False)


def _port(config: Config, home: Home) -> Finding:
    if read_state(home) is not None:
        return Finding(True, "An environment runs in this home")
    try:
        check_port(config.front.address, config.front.port)
    except AcreError as error:
        return Finding(False, str(error))
    return Finding(True, f"{config.front.place} is free")


def _secrecy(config: Config) -> Finding:
    if config.front.tls != "off":
        return Finding(
            True, f"The front encrypts, with a certificate for {config.front.host} (tls: {config.front.tls})"
        )
    if config.front.address in {"127.0.0.1", "::1", "localhost"}:
        return Finding(True, "Only this machine can reach the front, so that no password crosses a network in clear")
    sentence = (
        "The front can be reached from other machines without encryption: "
        "set front.tls, or passwords can be read on the way"
    )
    return Finding(False, sentence, needed=False)
