"""``acre up``, ``status``, ``logs``, ``doctor`` and ``demo``."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from acre.hub.app.demo import run_demo
from acre.hub.app.doctor import examine
from acre.hub.app.reading import read_events
from acre.hub.app.supervisor import read_state
from acre.hub.app.up import bring_up
from acre.hub.cli.console import ConfigOption, HomeOption, command, console, errors, find_home, read_config
from acre.hub.errors import NotRunningError
from acre.wire.people import Invitation

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Add the commands about the whole environment."""
    for one in (up, status, logs, doctor, demo):
        app.command()(one)


def up(
    config: ConfigOption = None,
    home: HomeOption = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on.", metavar="N")] = None,
) -> None:
    """Start the environment, and keep it running until Ctrl-C.

    At the first start an administrator is made, and a link printed with which that person comes in, once.
    """
    began = time.monotonic()
    place = find_home(home)
    settings, _ = read_config(config, place, front__port=port)
    address = settings.front.url

    def ready(invitation: Invitation | None) -> None:
        console.print(
            f"[bold green]Acre is ready[/] after {time.monotonic() - began:.1f} s:  {address}", highlight=False
        )
        if invitation is not None:
            console.print(
                f"The administrator [bold]{invitation.name}[/] comes in, once, until "
                f"{invitation.expires:%Y-%m-%d %H:%M} UTC, with this link:\n  {address}{invitation.path}",
                soft_wrap=True, highlight=False,
            )  # fmt: skip
        console.print(
            f"Add people with: {escape(command('user add NAME', place))}\nStop with Ctrl-C",
            style="dim", soft_wrap=True, highlight=False,
        )  # fmt: skip

    if settings.pods.isolation == "none":
        errors.print(
            "[bold yellow]Warning:[/] isolation is none: everybody here can read everybody's files, and act as anybody."
        )
    bring_up(settings, place, say=lambda text: console.print(text, style="dim"), ready=ready)


def status(home: HomeOption = None) -> None:
    """Show what runs."""
    place = find_home(home)
    state = read_state(place)
    if state is None:
        raise NotRunningError(place.root)
    console.print(f"{state['address']}  version {state['version']}  home {place.root}", soft_wrap=True, highlight=False)
    table = Table("component", "state", "process", "restarts", box=None, header_style="bold", pad_edge=False)
    for name, one in state["components"].items():
        colour = "green" if one["state"] == "running" else "yellow"
        table.add_row(name, f"[{colour}]{one['state']}[/]", str(one["pid"]), str(one["restarts"]))
    console.print(table)
    if any(one["state"] != "running" for one in state["components"].values()):
        raise typer.Exit(1)


def logs(
    component: Annotated[
        str | None, typer.Argument(help="front, hub, service, pods, egress or supervisor; all when not given.")
    ] = None,
    *,
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many of the last ones.", min=0)] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as they come.")] = False,
    home: HomeOption = None,
) -> None:
    """Print what the components wrote, one line an event, oldest first."""
    for event in read_events(find_home(home).logs, component, last=lines, follow=follow):
        colour = {"warning": "yellow", "error": "red", "critical": "red"}.get(event["level"], "dim")
        console.print(
            f"[dim]{event['time'][:19]}[/] {event['component']:<10} [{colour}]{event['level']:<8}[/]",
            highlight=False, end=" ",
        )  # fmt: skip
        console.print(event["message"], markup=False, highlight=False, soft_wrap=True)


def doctor(config: ConfigOption = None, home: HomeOption = None) -> None:
    """Examine this machine, and say in words what works, what does not, and what to do."""
    place = find_home(home)
    settings, _ = read_config(config, place)
    findings = examine(settings, place)
    for finding in findings:
        mark = "[green]✓[/]" if finding.good else "[red]✗[/]" if finding.needed else "[yellow]![/]"
        console.print(f"{mark} {escape(finding.sentence)}", highlight=False, soft_wrap=True)
    if any(finding.needed and not finding.good for finding in findings):
        raise typer.Exit(1)


def demo(
    home: HomeOption = None,
    output: Annotated[Path, typer.Option(help="The folder for notebook, map and timings.", metavar="DIR")] = Path(
        "demo"
    ),
) -> None:
    """Do the main job without hands, as two people would, against the running environment."""
    place = find_home(home)
    state = read_state(place)
    if state is None:
        raise NotRunningError(place.root)
    table = Table("step", "seconds", box=None, header_style="bold", pad_edge=False)
    for step in run_demo(place, state["address"], output, say=lambda text: errors.print(text, style="dim")):
        table.add_row(step.name, f"{step.seconds:.2f}")
    console.print(table)
    console.print(f"Notebook, map and timings are in [bold]{output.resolve()}[/]", soft_wrap=True, highlight=False)
    sys.stdout.flush()
