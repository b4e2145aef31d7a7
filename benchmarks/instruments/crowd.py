"""Many people at once, and what a single pod costs."""

import asyncio
import secrets
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from acre.hub.app.operator import Operator
from acre.hub.app.visitor import Visitor
from acre.hub.config import read_frozen
from acre.hub.errors import DemoFailedError
from acre.hub.factory import Factory
from acre.hub.pods import Sandbox, recorded
from acre.hub.pods.launching import launch_waiting
from acre.hub.pods.zygote import Zygote
from acre.wire.people import NewPerson
from acre.wire.pods import ServerOrder
from benchmarks.instruments.environment import Environment
from benchmarks.instruments.processes import PATIENCE
from benchmarks.instruments.stock_hub import NAME, StockHub

__all__ = ["measure_crowds", "measure_join"]

GOAL_TEN_SECONDS, GOAL_TEN_FACTOR = 3.0, 8.0
GOAL_LAST_SECONDS = 8.0
GOAL_MEGABYTES = 60.0
GOAL_POD_MILLISECONDS = 30.0
IDLE_SECONDS = 3.0
PODS = 10
PAUSE_SECONDS = 1.0


async def measure_crowds(ours: Environment, peer: StockHub) -> list[dict[str, Any]]:
    """Let ten and then twenty people start their servers at once, ours first, then the peer's."""
    async with AsyncExitStack() as stack:
        people = [await stack.enter_async_context(one) for one in await _let_in(ours, 20)]
        ten = await asyncio.gather(*(_start(one) for one in people[:10]))
        await asyncio.sleep(IDLE_SECONDS)
        weight = _median_pss([pod.record.process().children(recursive=True) for pod in recorded(ours.home.pods)])
        await asyncio.gather(*(one.stop_server() for one in people[:10]))
        twenty = await asyncio.gather(*(_start(one) for one in people))
        await asyncio.gather(*(one.stop_server() for one in people))
    peer_ten = await peer.start_servers(names := [f"crowd-{number}" for number in range(10)])
    await asyncio.sleep(IDLE_SECONDS)
    peer_weight = _median_pss([[server] for server in peer.servers()])
    for name in names:
        peer.stop_server(name)
    peer_twenty = await peer.start_servers([f"crowd-2-{number}" for number in range(20)])
    return [_ten(ten, peer_ten), *_twenty(twenty, peer_twenty), _weight(weight, peer_weight)]


async def measure_join() -> dict[str, Any]:
    """Make pods, and let a child of a zygote into each."""
    times = []
    keeper = Zygote()
    keeping = asyncio.create_task(keeper.keep())
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("ab") as log:
        sandbox = _sandbox(Path(folder))
        nothing = ServerOrder(["--version"], {"HOME": "/tmp"}, "/")  # noqa: S108 -- of the pod
        for _ in range(PODS + 1):
            began = time.perf_counter()
            async with launch_waiting(sandbox, folder=Path(folder), log=log.fileno()) as (pod, alive):
                await keeper.ask(nothing, pod=pod.record.pid, log=log.fileno(), alive=alive)
                times.append(1000 * (time.perf_counter() - began))
            await pod.stop(now=True)
            await asyncio.sleep(PAUSE_SECONDS)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    took = statistics.median(times[1:])
    return _alone("pod start: bubblewrap, join, privileges dropped, p50", "ms", took, GOAL_POD_MILLISECONDS)


async def _let_in(ours: Environment, number: int) -> list[Visitor]:
    people = []
    async with Operator(ours.home, Factory(read_frozen(ours.home), ours.home).secrets.operator) as operator:
        for index in range(number):
            invitation = await operator.invite(NewPerson(name=f"crowd-{index}"))
            visitor = Visitor(ours.address, invitation.name)
            password = secrets.token_urlsafe(16)
            await visitor.accept(invitation.code, password)
            await visitor.sign_in(password)
            people.append(visitor)
    return people


async def _start(person: Visitor) -> float | None:
    began = time.perf_counter()
    try:
        await person.start_server()
    except DemoFailedError:
        return None
    return time.perf_counter() - began


def _median_pss(servers: Sequence[Sequence[Any]]) -> float:
    """Return the median of what one person's processes weigh, in megabytes; what several share is divided by them."""
    return statistics.median(sum(one.memory_full_info().pss for one in processes) / 1e6 for processes in servers)


def _sandbox(folder: Path) -> Sandbox:
    parts = {name: folder / name for name in ("home", "doors", "folder", "start_here", "identity")}
    for part in parts.values():
        part.mkdir()
    for name in ("passwd", "group", "hosts"):
        (parts["identity"] / name).touch()
    return Sandbox(name="nobody", **parts)


def _ten(ours: Sequence[float | None], peer: Sequence[float | None]) -> dict[str, Any]:
    mine, theirs = (statistics.median(one or PATIENCE for one in times) for times in (ours, peer))
    return {
        "figure": "ten people at once, server and Lab ready, p50", "unit": "s", "ours": mine,
        "peer": theirs, "peer_name": f"{NAME}; its Lab page does not count", "ratio": theirs / mine,
        "goal": f"≤ {GOAL_TEN_SECONDS} s and ≥ {GOAL_TEN_FACTOR:.0f} times as fast",
        "met": mine <= GOAL_TEN_SECONDS and theirs / mine >= GOAL_TEN_FACTOR,
    }  # fmt: skip


def _twenty(ours: Sequence[float | None], peer: Sequence[float | None]) -> list[dict[str, Any]]:
    mine, theirs = ([one for one in times if one is not None] for times in (ours, peer))
    share, peer_share = len(mine) / len(ours), len(theirs) / len(peer)
    first = {
        "figure": "twenty people at once, share that gets a server", "unit": "", "ours": share,
        "peer": peer_share, "peer_name": NAME, "ratio": share / max(peer_share, 1 / len(peer)),
        "goal": 1.0, "met": share == 1,
    }  # fmt: skip
    return [first, _alone("twenty people at once, the last one's wait", "s", max(mine), GOAL_LAST_SECONDS)]


def _weight(ours: float, peer: float) -> dict[str, Any]:
    return {
        "figure": "memory of an idle person (PSS, no kernel, ten at once)", "unit": "MB", "ours": ours,
        "peer": peer, "peer_name": NAME, "ratio": peer / ours, "goal": GOAL_MEGABYTES, "met": ours <= GOAL_MEGABYTES,
    }  # fmt: skip


def _alone(figure: str, unit: str, ours: float, goal: float) -> dict[str, Any]:
    return {
        "figure": figure, "unit": unit, "ours": ours, "peer": None, "peer_name": "", "ratio": None,
        "goal": goal, "met": ours <= goal,
    }  # fmt: skip
