"""Every reason to say no, one class each.

A message says what happened, why, and what to do; it never holds a secret.
"""

from pathlib import Path

from acre.wire.errors import ErrorCode, Refusal

__all__ = [
    "AcreError",
    "AddressUnusableError",
    "AlreadyRunningError",
    "ComponentFailedError",
    "ConfigError",
    "DemoFailedError",
    "FolderUnusableError",
    "HubRefusedError",
    "HubUnavailableError",
    "InvalidNameError",
    "InvitationUnknownError",
    "IsolationUnavailableError",
    "LastAdministratorError",
    "NotAllowedError",
    "NotRunningError",
    "PersonExistsError",
    "PersonUnknownError",
    "PodFailedError",
    "PodsUnavailableError",
    "PortTakenError",
    "RefusedError",
    "RequestInvalidError",
    "SecretUnusableError",
    "ServiceUnavailableError",
    "SpaceExhaustedError",
    "ZygoteFailedError",
]


class AcreError(Exception):
    """Something that a person must be told in one sentence; a command that meets it exits with ``exit_code``."""

    exit_code = 1


class ConfigError(AcreError):
    """The configuration cannot be used."""

    exit_code = 2


class AddressUnusableError(AcreError):
    """The front cannot listen where it should."""

    def __init__(self, address: str, port: int, why: str) -> None:
        super().__init__(
            f"The front cannot listen on {address}, port {port}: {why}. "
            "Set front.address to an address of this machine, and front.port to 1024 or more unless you are root"
        )


class PortTakenError(AcreError):
    """Another program listens where the front should."""

    def __init__(self, address: str, port: int) -> None:
        another = port + 1 if port < 65535 else port - 1  # noqa: PLR2004 -- the last there is
        super().__init__(
            f"Port {port} on {address} is taken by another program. "
            f"Stop that program, or choose another port: acre up --port {another}"
        )


class AlreadyRunningError(AcreError):
    """Two environments cannot share one state folder."""

    def __init__(self, home: Path, pid: int | None) -> None:
        who = f"process {pid}" if pid else "another process"
        super().__init__(
            f"An environment already runs in {home} ({who}). "
            "Look at it with: acre status. To run a second one, give it a folder of its own: acre up --home DIR"
        )


class NotRunningError(AcreError):
    """The command needs a running environment."""

    def __init__(self, home: Path) -> None:
        super().__init__(f"No environment runs in {home}. Start it with: acre up (or name its folder with --home DIR)")


class FolderUnusableError(AcreError):
    """The state folder cannot be written."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(
            f"The folder {folder} cannot be used: {why}. "
            "Make it writable for this user, or choose another one: acre up --home DIR"
        )


class SecretUnusableError(AcreError):
    """A secret that protects nothing."""

    def __init__(self, source: str, digits: int) -> None:
        super().__init__(
            f"The secret in {source} cannot be used: it must have at least {digits} hexadecimal digits. "
            "Delete the file, and a new secret is made at the next start; or set the variable to: openssl rand -hex 32"
        )


class SpaceExhaustedError(AcreError):
    """The disk is too full to run without losing what people write."""

    def __init__(self, folder: Path, free_mib: int, needed_mib: int) -> None:
        super().__init__(
            f"Only {free_mib} MiB are free where {folder} lies, and Acre does not start with less than "
            f"{needed_mib} MiB, since people could lose what they write. "
            "Free some space, or move the folder and name it with --home DIR"
        )


class IsolationUnavailableError(AcreError):
    """Pods cannot be made on this machine."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"This machine cannot isolate people from each other: {why}. "
            "Allow unprivileged user namespaces (acre doctor says how), or accept that everybody can read everybody's "
            "files by writing in acre.yaml:  pods: {isolation: none}"
        )


class PodFailedError(AcreError):
    """A pod ended while it was made."""


class PodsUnavailableError(AcreError):
    """The keeper of pods does not answer the hub."""

    def __init__(self) -> None:
        super().__init__(
            "The part that starts servers does not answer just now; it is restarted by itself, "
            "so try again in a few seconds"
        )


class ZygoteFailedError(AcreError):
    """A server could not be forked; it is started as a new program instead."""


class ComponentFailedError(AcreError):
    """A part of the environment keeps dying, so the whole stops."""

    def __init__(self, component: str, reason: str, log: Path) -> None:
        super().__init__(
            f"The {component} could not be kept alive, so the environment was stopped: {reason}. "
            f"What people saved is kept. Its log: {log}"
        )


class DemoFailedError(AcreError):
    """The demonstration did not come to its end."""


class RefusedError(AcreError):
    """A refusal that also travels over HTTP."""

    code: ErrorCode
    status: int

    def to_refusal(self) -> Refusal:
        """Return the record that crosses the wire."""
        return Refusal(code=self.code, message=str(self))


class RequestInvalidError(RefusedError):
    """The request has the wrong form."""

    code = ErrorCode.REQUEST_INVALID
    status = 422


class InvalidNameError(RefusedError):
    """A name that could not safely be part of an address and a folder."""

    code = ErrorCode.INVALID_NAME
    status = 422

    def __init__(self, name: str) -> None:
        shown = name if len(name) <= 40 else name[:40] + "…"  # noqa: PLR2004 -- what fits on a line
        super().__init__(
            f"{shown!r} cannot be a person's name: use 1 to 32 lower-case letters, digits, '.', '_' or '-', "
            "beginning with a letter"
        )


class PersonExistsError(RefusedError):
    """The name is taken."""

    code = ErrorCode.PERSON_EXISTS
    status = 409

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} already has an account. To send a new invitation, with which {name} chooses a new password: "
            f"acre user add {name} --renew"
        )


class PersonUnknownError(RefusedError):
    """Nobody has this name."""

    code = ErrorCode.PERSON_UNKNOWN
    status = 404

    def __init__(self, name: str) -> None:
        super().__init__(f"Nobody here is called {name!r}. See who is with: acre user list")


class InvitationUnknownError(RefusedError):
    """The code opens nothing."""

    code = ErrorCode.INVITATION_UNKNOWN
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "This invitation is not valid: it was used already, has expired, or was mistyped. "
            "Ask an administrator for a new one"
        )


class NotAllowedError(RefusedError):
    """The caller is not who may ask this."""

    code = ErrorCode.NOT_ALLOWED
    status = 403

    def __init__(self) -> None:
        super().__init__("You are not allowed to do this; ask an administrator")


class HubUnavailableError(RefusedError):
    """JupyterHub does not answer."""

    code = ErrorCode.HUB_UNAVAILABLE
    status = 503

    def __init__(self) -> None:
        super().__init__("The hub does not answer just now; it is restarted by itself, so try again in a few seconds")


class HubRefusedError(RefusedError):
    """JupyterHub does not do what the service asks."""

    code = ErrorCode.HUB_REFUSED
    status = 502

    def __init__(self, request: str, answer: str) -> None:
        super().__init__(f"The hub refused {request}: {answer}. Details: acre logs hub")


class ServiceUnavailableError(AcreError):
    """The Acre service does not answer the hub."""

    def __init__(self) -> None:
        super().__init__(
            "The Acre service does not answer just now; it is restarted by itself, so try again in a few seconds"
        )


class LastAdministratorError(RefusedError):
    """An environment without an administrator is nobody's."""

    code = ErrorCode.LAST_ADMINISTRATOR
    status = 409

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is the only administrator here. Make another one first: acre user add NAME --admin "
            "(with --renew for somebody who has an account)"
        )
