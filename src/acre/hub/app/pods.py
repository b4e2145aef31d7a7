"""The keeper of pods as a program: ``python -m acre.hub.app.pods``."""

import asyncio
import logging
import os
from pathlib import Path

from acre.hub.config import Home, read_frozen
from acre.hub.pods import PodService

__all__ = ["main"]


def main() -> None:
    """Serve until told to stop; pods and the servers in them go on."""
    home = Home.at(Path(os.environ["ACRE_HOME"]))
    config = read_frozen(home)
    logging.basicConfig(level=config.logs.level.upper(), format="%(levelname)s: %(message)s")
    start = config.pods.start if config.pods.isolation == "pods" else "fresh"
    asyncio.run(PodService(start).serve(home.pods_socket))


if __name__ == "__main__":
    main()
