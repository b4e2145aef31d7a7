"""The first program of a pod: lay out the tutorials, then become the Jupyter server."""

import os
import sys
from pathlib import Path

from acre.server.session import CONFIG, settings
from acre.server.start_here import deliver


def main() -> None:
    """Start; the arguments are those of the Jupyter server."""
    home = Path(os.environ["HOME"])
    for what in deliver(Path(os.environ["ACRE_START_HERE"]), home):
        print(f"Start here: {what}", flush=True)  # noqa: T201 -- this is the log of the server
    from jupyterhub.singleuser import main as serve  # noqa: PLC0415 -- slow; the folder above should be there first

    os.environ["JUPYTER_CONFIG_PATH"] = str(CONFIG)
    sys.argv = ["acre-server", *settings(home), *sys.argv[1:]]
    serve()


if __name__ == "__main__":
    main()
