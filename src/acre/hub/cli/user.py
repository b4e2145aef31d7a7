"""``acre user``."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.table import Table

from acre.hub.app.operator import Operator
from acre.hub.app.supervisor import read_state
from acre.hub.cli.console import HomeOption, console, find_home
from acre.hub.config import Home, read_frozen
from acre.hub.errors import NotRunningError
from acre.hub.factory import Factory
from acre.wire.people import NewPerson

__all__ = ["app"]

app = typer.Typer(help="Add, list and remove people; the environment must be running.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="The person's name, in lower-case letters and digits.")]
Answer = TypeVar("Answer")


@app.command()
def add(
    name: NameArgument,
    *,
    admin: Annotated[bool, typer.Option("--admin", help="The person may administrate.")] = False,
    renew: Annotated[
        bool, typer.Option("--renew", help="Send somebody a new invitation, and so a new password.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Make an account, and print the link with which the person chooses a password."""
    place = find_home(home)
    invitation = _ask(place, lambda operator: operator.invite(NewPerson(name=name, admin=admin, renew=renew)))
    state = read_state(place) or {}
    console.print(f"[bold]{name}[/] can come in, once, until {invitation.expires:%Y-%m-%d %H:%M} UTC, with this link:")
    console.print(f"  {state.get('address', '')}{invitation.path}", soft_wrap=True, highlight=False)


@app.command("list")
def list_people(home: HomeOption = None) -> None:
    """List everybody who has an account."""
    table = Table("name", "administrates", "server", "last seen (UTC)", box=None, header_style="bold", pad_edge=False)
    for person in _ask(find_home(home), lambda operator: operator.people()):
        seen = f"{person.last_seen:%Y-%m-%d %H:%M}" if person.last_seen else "never"
        table.add_row(person.name, "yes" if person.admin else "", "running" if person.server else "", seen)
    console.print(table)


@app.command()
def remove(name: NameArgument, home: HomeOption = None) -> None:
    """Remove an account; the person's files are put aside, not deleted."""
    removed = _ask(find_home(home), lambda operator: operator.remove(name))
    files = f"the files are now in {removed.files}" if removed.files else "there were no files"
    console.print(f"[bold]{name}[/] has no account any more; {files}", soft_wrap=True, highlight=False)


def _ask(home: Home, question: Callable[[Operator], Awaitable[Answer]]) -> Answer:
    if read_state(home) is None:
        raise NotRunningError(home.root)

    async def ask() -> Answer:
        async with Operator(home, Factory(read_frozen(home), home).secrets.operator) as operator:
            return await question(operator)

    return asyncio.run(ask())
