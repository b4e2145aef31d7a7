"""The one place that builds everything."""

from dataclasses import dataclass
from datetime import timedelta

from acre.hub.config import Config, Home
from acre.hub.places import LocalPlace
from acre.hub.services import ClusterService, PeopleService
from acre.hub.storage import FolderStorage, HubApi, InvitationStorage, SecretStorage, open_database

__all__ = ["Factory", "Secrets"]


@dataclass(frozen=True)
class Secrets:
    """The secrets by their use; each is made on its first."""

    storage: SecretStorage

    @property
    def cookie(self) -> bytes:
        """JupyterHub signs its cookies with it."""
        return bytes.fromhex(self.storage.get("cookie"))

    @property
    def service_to_hub(self) -> str:
        """The service shows it to the hub."""
        return self.storage.get("service_to_hub")

    @property
    def hub_to_service(self) -> str:
        """The hub shows it to the service."""
        return self.storage.get("hub_to_service")

    @property
    def operator(self) -> str:
        """The operator's commands show it to the service."""
        return self.storage.get("operator")


class Factory:
    """Makes each service, and hands it exactly what it needs."""

    def __init__(self, config: Config, home: Home) -> None:
        self._config = config
        self._home = home
        self.secrets = Secrets(SecretStorage(home.secrets))

    def hub_api(self) -> HubApi:
        """Return a new connection to the hub."""
        return HubApi(self._home.hub_socket, self.secrets.service_to_hub)

    def people(self, hub: HubApi) -> PeopleService:
        """Return the service for accounts."""
        return PeopleService(
            hub,
            InvitationStorage(open_database(self._home.database / "acre.sqlite")),
            FolderStorage(self._home.people, self._home.removed),
            lifetime=timedelta(hours=self._config.people.invitation_hours),
        )

    def clusters(self) -> ClusterService:
        """Return the service for clusters."""
        return ClusterService(LocalPlace(), limit=self._config.clusters.workers)
