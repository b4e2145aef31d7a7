"""Documents: how soon a large notebook is open. Writing together is measured here once people can."""

import asyncio
import secrets
import statistics
import time
from typing import Any

from acre.hub.app.visitor import Visitor
from benchmarks.instruments.environment import Environment
from benchmarks.instruments.stock_hub import NAME, StockHub

PERSON = "maria"
PATH = "large.ipynb"
OUTPUTS = 500
BYTES = 20 * 10**6
REPEATS = 5
GOAL_SECONDS = 3.0


def measure() -> list[dict[str, Any]]:
    """Open the same notebook in both in turn."""
    with Environment.in_folder() as ours, StockHub.in_folder() as peer:
        ours.start()
        peer.start()
        return asyncio.run(_measure(ours.address, ours.invite(PERSON), peer))


async def _measure(address: str, code: str, peer: StockHub) -> list[dict[str, Any]]:
    password = secrets.token_urlsafe(16)
    notebook = _large_notebook()
    peer.start_server(PERSON)
    peer.save(PERSON, PATH, notebook)
    times = []
    async with Visitor(address, PERSON) as visitor:
        await visitor.accept(code, password)
        await visitor.sign_in(password)
        await visitor.start_server()
        await visitor.save(PATH, notebook)
        for _ in range(REPEATS + 1):  # the first one warms the disk's cache and does not count
            began = time.perf_counter()
            await visitor.read(PATH)
            turned = time.perf_counter()
            peer.read(PERSON, PATH)
            times.append((turned - began, time.perf_counter() - turned))
        await visitor.stop_server()
    opened, peer_opened = (statistics.median(column) for column in zip(*times[1:], strict=True))
    return [
        {
            "figure": f"a notebook of {BYTES // 10**6} MB with {OUTPUTS} outputs arrives whole, p50", "unit": "s",
            "ours": opened, "peer": peer_opened, "peer_name": NAME, "ratio": peer_opened / opened,
            "goal": GOAL_SECONDS, "met": opened <= GOAL_SECONDS,
        }
    ]  # fmt: skip


def _large_notebook() -> dict[str, Any]:
    text = secrets.token_hex(BYTES // OUTPUTS // 2)
    output = {"output_type": "stream", "name": "stdout", "text": text}
    cell = {"cell_type": "code", "source": "", "metadata": {}, "execution_count": 1, "outputs": [output]}
    cells = [{**cell, "id": f"cell-{number}"} for number in range(OUTPUTS)]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
