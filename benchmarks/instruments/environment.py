"""An environment of ours, entered by the commands and pages that people use."""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from acre.hub.config import Home
from benchmarks.instruments.processes import end, free_port, start, wait_for_page

__all__ = ["Environment"]

ACRE = Path(sys.executable).with_name("acre")


class Environment:
    """A home and a port, with the environment started or not.

    Attributes:
        address: Where the front listens.
        home: Where everything lies.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.home = Home.at(folder / "home")
        self._port = free_port()
        self.address = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextmanager
    def in_folder(cls) -> Iterator[Self]:
        """Give an environment that is not started yet; whatever runs at the end is stopped."""
        folder = Path(tempfile.mkdtemp(prefix="acre-bench-"))
        environment = cls(folder)
        try:
            yield environment
        finally:
            environment.stop()
            shutil.rmtree(folder)

    def start(self) -> float:
        """Start the environment; return the seconds until the sign-in page comes."""
        began = time.perf_counter()
        command = [ACRE, "up", "--home", self.home.root, "--port", str(self._port)]
        self._process = start(command, folder=self._folder, settings={})
        wait_for_page(f"{self.address}/hub/login", self._process)
        return time.perf_counter() - began

    def stop(self) -> float:
        """Stop the environment with everything in it; return the seconds that it took."""
        process, self._process = self._process, None
        return end(process) if process else 0.0

    def invite(self, name: str) -> str:
        """Make an account, and return the code of its invitation."""
        added = subprocess.run(
            [ACRE, "user", "add", name, "--home", self.home.root], capture_output=True, text=True, check=True
        )
        found = re.search(r"#code=(\S+)", added.stdout)
        if found is None:
            raise ValueError(f"acre user add printed no link: {added.stdout}")
        return found[1]
