"""The configuration as one typed tree; unknown keys are refused."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from acre.hub.domain.egress import Policy, parse_rule
from acre.hub.domain.names import NAME_PATTERN

__all__ = ["Clusters", "Config", "Egress", "Front", "Logs", "People", "Pods"]


class Section(BaseModel):
    """The base of every section."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class Front(Section):
    """Where people reach the environment."""

    address: str = Field(default="127.0.0.1", min_length=1)
    """The address to listen on; 0.0.0.0 for every interface of the machine, which needs `tls`."""

    port: int = Field(default=8000, ge=1, le=65535)
    """The port to listen on."""

    name: str | None = Field(default=None, pattern=r"^[A-Za-z0-9:]([A-Za-z0-9.:-]*[A-Za-z0-9])?$")
    """The host name that people type, for links and certificates; the address when not given."""

    tls: Literal["off", "internal", "acme", "files"] = "off"
    """`internal` signs a certificate with an authority of its own, `acme` gets one from a public authority (people must
    reach this machine by its name on ports 80 and 443), `files` takes yours; `off` sends passwords in clear."""

    certificate: Path | None = Field(default=None, strict=False)
    """With `tls: files`, the certificate with its chain, in PEM."""

    key: Path | None = Field(default=None, strict=False)
    """With `tls: files`, the key of the certificate, in PEM."""

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        given = [self.certificate, self.key]
        if self.tls == "files" and None in given:
            raise ValueError("tls: files needs both certificate and key")
        if self.tls != "files" and given != [None, None]:
            raise ValueError("certificate and key are used with tls: files only")
        if self.tls == "acme" and (self.name is None or not re.search("[A-Za-z]", self.name.rpartition(".")[2])):
            raise ValueError("tls: acme needs name, the public host name of this machine")
        return self

    @property
    def place(self) -> str:
        """Address and port to listen on, as Caddy writes them."""
        return f"{_bracketed(self.address)}:{self.port}"

    @property
    def host(self) -> str:
        """What people type: the name, else the address, or this machine's loopback when it listens on every address."""
        return self.name or {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.address, self.address)  # noqa: S104 -- compared

    @property
    def url(self) -> str:
        """Where people reach the environment, without a slash at the end."""
        scheme, usual = ("http", 80) if self.tls == "off" else ("https", 443)
        return f"{scheme}://{_bracketed(self.host)}" + ("" if self.port == usual else f":{self.port}")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


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

    start: Literal["zygote", "fresh"] = "zygote"
    """`zygote` forks servers from a process that has imported JupyterLab once, which takes a fraction of a second;
    `fresh` starts each as a new program, which takes seconds and is also what happens when the zygote cannot."""

    start_seconds: int = Field(default=120, ge=5, le=3600)
    """How long a server may take to start, waiting for its turn included."""

    starts_at_once: int | None = Field(default=None, ge=1, le=1000)
    """How many servers start at the same time; as many as the machine has cores when not given."""


class Egress(Section):
    """What people's programs reach outside, by HTTP and HTTPS, while `pods.network` is `private`."""

    default: Literal["allow", "deny"] = "allow"
    """Whether hosts that no rule is about are open."""

    allow: tuple[str, ...] = Field(default=(), strict=False)
    """What is open: names (`example.org`), all names below one (`*.example.org`), every host (`*`), addresses or
    networks (`10.1.2.0/24`), each with `:PORT` after it for a port that is not open anyway. Private addresses and
    those of the machine itself open only by their address or network."""

    deny: tuple[str, ...] = Field(default=(), strict=False)
    """What is closed, in the same form; it wins over `allow`."""

    ports: tuple[Annotated[int, Field(ge=1, le=65535)], ...] = Field(default=(80, 443), strict=False)
    """The ports that are open where a rule names none."""

    connections: int = Field(default=512, ge=1, le=10_000)
    """How many connections one pod may have at the same time."""

    @field_validator("allow", "deny")
    @classmethod
    def _are_rules(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            parse_rule(text)
        return texts

    def to_policy(self) -> Policy:
        """Return what decides."""
        allow, deny = (tuple(map(parse_rule, texts)) for texts in (self.allow, self.deny))
        return Policy(default=self.default, allow=allow, deny=deny, ports=frozenset(self.ports))


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
    egress: Egress = Egress()
    clusters: Clusters = Clusters()
    logs: Logs = Logs()
