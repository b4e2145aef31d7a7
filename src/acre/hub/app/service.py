"""The Acre service as a program: ``python -m acre.hub.app.service``."""

import os
from pathlib import Path

import uvicorn

from acre.hub.config import Home, read_frozen
from acre.hub.factory import Factory
from acre.hub.web import make_api


def main() -> None:
    """Serve until told to stop."""
    home = Home.at(Path(os.environ["ACRE_HOME"]))
    config = read_frozen(home)
    uvicorn.run(
        make_api(Factory(config, home)),
        uds=str(home.service_socket),
        log_level=config.logs.level,
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
