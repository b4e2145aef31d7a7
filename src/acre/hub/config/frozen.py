"""The configuration in force, as the supervisor hands it to the processes it starts."""

from acre.hub.config.home import Home
from acre.hub.config.tree import Config

__all__ = ["freeze", "read_frozen"]


def freeze(config: Config, home: Home) -> None:
    """Write the configuration down, once, so that all processes of one start share it."""
    home.frozen_config.write_text(config.model_dump_json())


def read_frozen(home: Home) -> Config:
    """Return the configuration in force."""
    return Config.model_validate_json(home.frozen_config.read_text())
