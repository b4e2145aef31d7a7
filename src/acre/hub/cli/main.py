"""Commands: thin, each says what it does and what to do next."""

import sys
from typing import Annotated

import typer
from rich.markup import escape

import acre
from acre.hub.cli import config, environment, user
from acre.hub.cli.console import errors
from acre.hub.errors import AcreError

__all__ = ["app", "main"]

app = typer.Typer(
    help="Acre, a collaborative research environment: notebooks for many people, parallel computing in plain Python.",
    epilog="Begin with: acre up. Then open the link that it prints.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
app.add_typer(user.app, name="user")
app.add_typer(config.app, name="config")
environment.add_to(app)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 -- typer calls it so
    if wanted:
        typer.echo(acre.__version__)
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Options of the program itself."""


def main() -> None:
    """Run the command; an error that has a sentence for people is shown as that sentence alone."""
    try:
        app()
    except AcreError as error:
        errors.print(f"[bold red]acre:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)
