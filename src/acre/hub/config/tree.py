"""The configuration as one typed tree; unknown keys are refused."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from acre.hub.domain.names import NAME_PATTERN

__all__ = ["Clusters", "Config", "Front", "Logs", "People", "Pods"]


class Section(BaseModel):
    """The base of every section."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Front(Section):
    """Where people reach the environment."""

    address: str = Field(default="127.0.0.1", min_length=1)
    """The address to listen on; 0.0.0.0 for every interface of the machine, which needs TLS in front of it."""

    port: int = Field(default=8000, ge=1, le=65535)
    """The port to listen on."""

    @property
    def place(self) -> str:
        """Address and port as they are written in a URL."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


class People(Section):
    """Accounts and how people get in."""

    first_admin: str = Field(default="admin", pattern=f"^{NAME_PATTERN}$")
    """The name of the administrator who is made at the first start."""

    invitation_hours: int = Field(default=72, ge=1, le=24 * 60)
    """How long an invitation link opens."""

    minimum_password_length: int = Field(default=10, ge=8, le=128)
    """Shorter passwords are refused."""

    failed_logins: int = Field(default=10, ge=0, le=1000)
    """Wrong passwords in a row before an account waits; 0 for never."""


class Pods(Section):
    """The sandboxes that people's processes run in."""

    isolation: Literal["pods", "none"] = "pods"
    """`pods` keeps people apart by Linux namespaces; `none` does not, and everybody can read everybody's files and
    the hub's secrets, and so act as anybody."""

    network: Literal["private", "open"] = "private"
    """`private` gives a pod only its own loopback; `open` shares the machine's network with it."""

    start_seconds: int = Field(default=120, ge=5, le=3600)
    """How long a server may take to start, waiting for its turn included."""

    starts_at_once: int | None = Field(default=None, ge=1, le=1000)
    """How many servers start at the same time; as many as the machine has cores when not given."""


class Clusters(Section):
    """Parallel computing."""

    workers: int | None = Field(default=None, ge=1, le=100_000)
    """How many workers one cluster may have; twice the cores of the machine when not given."""


class Logs(Section):
    """What is written down."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least serious messages that are kept."""

    megabytes: int = Field(default=20, ge=1, le=10_000)
    """How large the log of one component grows before it is put aside; one older log is kept."""


class Config(Section):
    """Everything that can be set in acre.yaml."""

    front: Front = Front()
    people: People = People()
    pods: Pods = Pods()
    clusters: Clusters = Clusters()
    logs: Logs = Logs()
