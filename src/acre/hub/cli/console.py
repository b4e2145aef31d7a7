"""Where the commands print, and the options they share."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from acre.hub.config import Config, Home, Setting, default_home, load_config

__all__ = ["ConfigOption", "HomeOption", "console", "errors", "find_config", "find_home", "read_config"]

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


def find_config(chosen: Path | None, home: Home) -> Path | None:
    """Return the configuration file, if there is one; one that was named must exist."""
    if chosen is not None:
        return chosen
    if named := os.environ.get("ACRE_CONFIG"):
        return Path(named)
    usual = home.root / "acre.yaml"
    return usual if usual.exists() else None


def read_config(file: Path | None, home: Home, **overrides: Any) -> tuple[Config, list[Setting]]:
    """Return the configuration in force; overrides are dotted keys with ``__`` for the dot."""
    return load_config(find_config(file, home), {key.replace("__", "."): value for key, value in overrides.items()})
