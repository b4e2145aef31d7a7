"""``acre config``."""

from typing import Any

import typer
from rich.markup import escape
from rich.table import Table

from acre.hub.app.supervisor import read_state
from acre.hub.cli.console import ConfigOption, HomeOption, console, find_home, read_config
from acre.hub.config import Config, Setting, read_frozen

__all__ = ["app"]

app = typer.Typer(help="Look at the configuration.", no_args_is_help=True)


@app.command()
def show(config: ConfigOption = None, home: HomeOption = None) -> None:
    """Print every setting that is in force, and where it comes from."""
    place = find_home(home)
    _, settings = read_config(config, place)
    running = read_frozen(place) if config is None and read_state(place) else None
    table = Table("setting", "value", "from", box=None, header_style="bold", pad_edge=False)
    for setting in settings:
        value, source = _in_force(setting, running)
        shown = "[dim]automatic[/]" if value is None else escape(str(value))
        table.add_row(setting.key, shown, "[dim]default[/]" if source == "default" else escape(source))
    console.print(table)


def _in_force(setting: Setting, running: Config | None) -> tuple[Any, str]:
    """An environment that runs has what it was started with, whatever the file says now."""
    if running is not None:
        section, name = setting.key.split(".")
        value = getattr(getattr(running, section), name)
        if value != setting.value:
            return value, "as started"
    return setting.value, setting.source
