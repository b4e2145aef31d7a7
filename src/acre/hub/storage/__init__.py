"""Translating to what lies outside: the database, the hub's REST API, files. Nothing is decided here."""

from acre.hub.storage.database import open_database
from acre.hub.storage.folders import FolderStorage
from acre.hub.storage.hub_api import HubApi
from acre.hub.storage.invitations import InvitationStorage
from acre.hub.storage.secrets import SecretStorage

__all__ = ["FolderStorage", "HubApi", "InvitationStorage", "SecretStorage", "open_database"]
