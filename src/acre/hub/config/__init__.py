"""What the operator decides, and where things lie on the disk."""

from acre.hub.config.files import Setting, load_config
from acre.hub.config.frozen import freeze, read_frozen
from acre.hub.config.home import Home, default_home
from acre.hub.config.tree import Clusters, Config, Egress, Front, Logs, People, Pods

__all__ = [
    "Clusters",
    "Config",
    "Egress",
    "Front",
    "Home",
    "Logs",
    "People",
    "Pods",
    "Setting",
    "default_home",
    "freeze",
    "load_config",
    "read_frozen",
]
