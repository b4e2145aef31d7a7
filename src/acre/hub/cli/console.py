"""Where the commands print, and the options they share."""

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from acre.hub.config import Config, Home, Setting, default_home, load_config
from acre.hub.errors import FolderUnusableError

__all__ = ["ConfigOption", "HomeOption", "command", "console", "errors", "find_config", "find_home", "read_config"]

console = Console()
errors = Console(stderr=True)

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home", help="The folder that holds everything; $ACRE_HOME, or acre in your data folder.", metavar="DIR"
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="The configuration; $ACRE_CONFIG, or acre.yaml in the home.", metavar="FILE"),
]


def find_home(chosen: Path | None) -> Home:
    """Return the home that a command is about."""
    return Home.at(chosen or default_home())


def command(words: str, home: Home) -> str:
    """Return a command as it can be typed here: with the program's path where needed, and the home if it is another."""
    program = "acre" if shutil.which("acre") else os.path.relpath(sys.argv[0])
    other = "" if home == Home.at(default_home()) else f" --home {shlex.quote(str(home.root))}"
    return f"{program} {words}{other}"


def find_config(chosen: Path | None, home: Home) -> Path | None:
    """Return the configuration file, if there is one; one that was named must exist."""
    if chosen is not None:
        return chosen
    if named := os.environ.get("ACRE_CONFIG"):
        return Path(named)
    usual = home.root / "acre.yaml"
    try:
        return usual if usual.exists() else None
    except OSError as error:
        raise FolderUnusableError(home.root, (error.strerror or str(error)).lower()) from error


def read_config(file: Path | None, home: Home, **overrides: Any) -> tuple[Config, list[Setting]]:
    """Return the configuration in force; overrides are dotted keys with ``__`` for the dot."""
    return load_config(find_config(file, home), {key.replace("__", "."): value for key, value in overrides.items()})
