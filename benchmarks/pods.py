"""People's servers: how soon one, ten and twenty are ready, what one weighs, and how fast its kernel answers."""

import asyncio
import secrets
import statistics
import time
from typing import Any

from acre.hub.app.visitor import Kernel, Visitor
from benchmarks.instruments.crowd import measure_crowds, measure_join
from benchmarks.instruments.environment import Environment
from benchmarks.instruments.stock_hub import NAME, StockHub

PERSON = "maria"
STARTS = 5
ROUND_TRIPS = 100
GOAL_SECONDS, GOAL_FACTOR = 0.8, 5.0
GOAL_MILLISECONDS = 10.0


def measure() -> list[dict[str, Any]]:
    """Start servers of both in turn, then ask a kernel of each."""
    join = asyncio.run(measure_join())
    with Environment.in_folder() as ours, StockHub.in_folder() as peer:
        ours.start()
        peer.start()
        alone = asyncio.run(_measure(ours.address, ours.invite(PERSON), peer))
        peer.stop_server(PERSON)
        return [*alone, *asyncio.run(measure_crowds(ours, peer)), join]


async def _measure(address: str, code: str, peer: StockHub) -> list[dict[str, Any]]:
    password = secrets.token_urlsafe(16)
    async with Visitor(address, PERSON) as visitor:
        await visitor.accept(code, password)
    # The first ones warm the disk's cache and do not count.
    times = [(await _enter(address, password), _start(peer)) for _ in range(STARTS + 1)][1:]
    ready, peer_ready = (statistics.median(column) for column in zip(*times, strict=True))
    async with Visitor(address, PERSON) as visitor:
        await visitor.sign_in(password)
        await visitor.start_server()
        answer = await _round_trip(await visitor.open_kernel("scratch.ipynb"))
        await visitor.stop_server()
    peer.start_server(PERSON)
    peer_answer = await _round_trip(await peer.open_kernel(PERSON))
    return [_ready(ready, peer_ready), _answer(answer, peer_answer)]


async def _enter(address: str, password: str) -> float:
    async with Visitor(address, PERSON) as visitor:
        began = time.perf_counter()
        await visitor.sign_in(password)
        await visitor.start_server()
        took = time.perf_counter() - began
        await visitor.stop_server()
    return took


def _start(peer: StockHub) -> float:
    took = peer.start_server(PERSON)
    peer.stop_server(PERSON)
    return took


async def _round_trip(kernel: Kernel) -> float:
    """Return the median of the milliseconds from sending `1+1` until the kernel is idle again."""
    times = []
    for _ in range(ROUND_TRIPS):
        began = time.perf_counter()
        await kernel.run("1+1")
        times.append(1000 * (time.perf_counter() - began))
    kernel.close()
    return statistics.median(times)


def _ready(ours: float, peer: float) -> dict[str, Any]:
    return {
        "figure": "login to Lab ready, one person, p50", "unit": "s", "ours": ours,
        "peer": peer, "peer_name": f"{NAME}; its login does not count", "ratio": peer / ours,
        "goal": f"≤ {GOAL_SECONDS} s and ≥ {GOAL_FACTOR:.0f} times as fast",
        "met": ours <= GOAL_SECONDS and peer / ours >= GOAL_FACTOR,
    }  # fmt: skip


def _answer(ours: float, peer: float) -> dict[str, Any]:
    return {
        "figure": "1+1 round trip, p50", "unit": "ms", "ours": ours,
        "peer": peer, "peer_name": NAME, "ratio": peer / ours,
        "goal": GOAL_MILLISECONDS, "met": ours <= GOAL_MILLISECONDS,
    }  # fmt: skip
