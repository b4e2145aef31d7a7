"""``acre config``."""

import typer
from rich.markup import escape
from rich.table import Table

from acre.hub.cli.console import ConfigOption, HomeOption, console, find_home, read_config

__all__ = ["app"]

app = typer.Typer(help="Look at the configuration.", no_args_is_help=True)


@app.command()
def show(config: ConfigOption = None, home: HomeOption = None) -> None:
    """Print every setting that is in force, and where it comes from."""
    _, settings = read_config(config, find_home(home))
    table = Table("setting", "value", "from", box=None, header_style="bold", pad_edge=False)
    for setting in settings:
        shown = "[dim]automatic[/]" if setting.value is None else escape(str(setting.value))
        table.add_row(setting.key, shown, "[dim]default[/]" if setting.source == "default" else escape(setting.source))
    console.print(table)
