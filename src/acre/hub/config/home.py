"""The folder that holds everything an environment keeps, and the short-lived one that holds its sockets."""

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from acre.hub.errors import FolderUnusableError

__all__ = ["Home", "default_home"]


def default_home() -> Path:
    """Return ``$ACRE_HOME``, or ``acre`` in the person's data folder."""
    if chosen := os.environ.get("ACRE_HOME"):
        return Path(chosen)
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "acre"


@dataclass(frozen=True)
class Home:
    """Where things lie.

    Attributes:
        root: The state folder: it survives restarts, and a copy of it is a backup.
        run: The sockets: short, since a socket's path may have 107 bytes, and in lower case, since JupyterHub keeps
            a server's address as a host name.
    """

    root: Path
    run: Path

    @classmethod
    def at(cls, root: Path) -> "Home":
        """Return the layout of a state folder; nothing is made yet."""
        root = root.expanduser().resolve()
        mark = hashlib.sha256(str(root).encode()).hexdigest()[:12]
        return cls(root=root, run=_run_base() / f"acre-{os.getuid()}-{mark}")

    def prepare(self) -> None:
        """Make the folders, readable for nobody else.

        Raises:
            FolderUnusableError: If one cannot be made or written, or belongs to somebody or something else.
        """
        _refuse_foreign(self.root)
        for folder in (self.root, self.run):
            _make_private(folder)
        kept = (self.secrets, self.database, self.logs, self.server_logs, self.people, self.removed, self.start_here)
        for folder in (*kept, self.doors, self.routes, self.pods):
            _make_private(folder)

    @property
    def secrets(self) -> Path:
        """Keys and tokens, mode 0600."""
        return self.root / "secrets"

    @property
    def database(self) -> Path:
        """The databases of JupyterHub and of the service."""
        return self.root / "database"

    @property
    def logs(self) -> Path:
        """One JSON line an event, one file a component."""
        return self.root / "logs"

    @property
    def server_logs(self) -> Path:
        """What people's servers print, one file a person."""
        return self.logs / "servers"

    @property
    def people(self) -> Path:
        """One home folder a person."""
        return self.root / "people"

    @property
    def removed(self) -> Path:
        """The homes of people who were removed: nothing is deleted."""
        return self.root / "removed"

    @property
    def start_here(self) -> Path:
        """The tutorials as notebooks."""
        return self.root / "start-here"

    @property
    def doors(self) -> Path:
        """The sockets of hub and service; every pod sees this folder."""
        return self.run / "doors"

    @property
    def routes(self) -> Path:
        """A socket here is a route of the front."""
        return self.run / "routes"

    @property
    def pods(self) -> Path:
        """One folder a pod, with its socket and its record."""
        return self.run / "pods"

    @property
    def hub_socket(self) -> Path:
        """Where JupyterHub listens."""
        return self.doors / "hub.sock"

    @property
    def service_socket(self) -> Path:
        """Where the Acre service listens."""
        return self.doors / "service.sock"

    @property
    def egress_socket(self) -> Path:
        """Where the egress is told to look for new pods; no pod sees it."""
        return self.run / "egress.sock"

    @property
    def pods_socket(self) -> Path:
        """Where the keeper of pods listens; no pod sees it."""
        return self.run / "pods.sock"

    @property
    def state_file(self) -> Path:
        """What the supervisor says of itself."""
        return self.run / "state.json"

    @property
    def frozen_config(self) -> Path:
        """The configuration in force, for the processes of the environment."""
        return self.run / "config.json"

    @property
    def lock_file(self) -> Path:
        """Held while an environment runs."""
        return self.root / "lock"


def _run_base() -> Path:
    """Never ``$XDG_RUNTIME_DIR``: not every shell that asks about an environment has it, and it ends with a login."""
    if os.getuid() == 0 and os.access("/run", os.W_OK):
        return Path("/run")
    return Path("/tmp")  # noqa: S108 -- owner and mode are checked by prepare()


def _refuse_foreign(root: Path) -> None:
    """Refuse a folder that is there for something else, such as ``/srv``: its mode is about to be changed."""
    try:
        names = {entry.name for entry in root.iterdir()} if root.is_dir() else set()
    except OSError as error:
        raise FolderUnusableError(root, (error.strerror or str(error)).lower()) from error
    if names - {"lost+found"} and not names & {"acre.yaml", "secrets"}:
        raise FolderUnusableError(root, "it holds files that are not Acre's, and it would be closed to everybody else")


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise FolderUnusableError(folder, (error.strerror or str(error)).lower()) from error
    if stat.S_ISLNK(status.st_mode):
        raise FolderUnusableError(folder, "it is a symbolic link; mount the other disk there, or move the whole home")
    if status.st_uid != os.getuid():
        raise FolderUnusableError(folder, "it belongs to somebody else")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FolderUnusableError(folder, "it cannot be written")
    folder.chmod(0o700)
