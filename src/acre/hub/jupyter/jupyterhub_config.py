"""What JupyterHub reads first: it fetches Acre's configuration from the home that the supervisor names."""

import os
from pathlib import Path

from traitlets.config import get_config

from acre.hub.config import Home, read_frozen
from acre.hub.jupyter.configuration import configure

home = Home.at(Path(os.environ["ACRE_HOME"]))
configure(get_config(), read_frozen(home), home)
