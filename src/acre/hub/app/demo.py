"""``acre demo``: the main job without hands, as a real client of the running environment."""

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from acre.hub.app.operator import Operator
from acre.hub.app.visitor import Visitor
from acre.hub.config import Home, read_frozen
from acre.hub.errors import DemoFailedError
from acre.hub.factory import Factory
from acre.wire.people import NewPerson

__all__ = ["Step", "run_demo"]

TUTORIAL = "Start here/Leaf area from Sentinel-2.ipynb"
MAP = "Start here/leaf-area.png"
PEOPLE = ("demo-ada", "demo-ben")

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Step:
    """What was done, and how long it took."""

    name: str
    seconds: float


class _Stopwatch:
    def __init__(self, say: Callable[[str], None]) -> None:
        self.steps: list[Step] = []
        self._say = say

    async def time(self, name: str, job: Awaitable[Answer]) -> Answer:
        self._say(name)
        began = time.perf_counter()
        answer = await job
        self.steps.append(Step(name, time.perf_counter() - began))
        return answer


def run_demo(home: Home, address: str, output: Path, *, say: Callable[[str], None]) -> list[Step]:
    """Do it, and leave the executed notebook, the map and the timings in a folder.

    Raises:
        DemoFailedError: If a step fails, or a cell of the notebook.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise DemoFailedError(
            f"The folder {output} for the results cannot be made: {why}. Choose another one with --output DIR"
        ) from error
    watch = _Stopwatch(say)
    asyncio.run(_demonstrate(home, address, output, watch))
    (output / "timings.json").write_text(json.dumps([asdict(step) for step in watch.steps], indent=1))
    return watch.steps


async def _demonstrate(home: Home, address: str, output: Path, watch: _Stopwatch) -> None:
    async with Visitor(address, PEOPLE[0]) as ada, Visitor(address, PEOPLE[1]) as ben:
        for person in (ada, ben):
            await _let_in(home, person, watch)
        notebook = await _run_tutorial(ada, output, watch)
        await watch.time("ada saves it", ada.save(TUTORIAL, notebook))
        (output / "leaf-area.png").write_bytes(await watch.time("ada downloads the map", ada.read_bytes(MAP)))
        refused = await watch.time("ben tries ada's server", ben.visit(f"/user/{ada.name}/api/contents"))
        if refused not in {403, 404}:
            raise DemoFailedError(f"Ben could open Ada's files: the answer was {refused}")
        for person in (ada, ben):
            await watch.time(f"{_short(person)}'s server stops", person.stop_server())


async def _let_in(home: Home, person: Visitor, watch: _Stopwatch) -> None:
    password = secrets.token_urlsafe(16)
    code = await watch.time(f"{_short(person)} gets an invitation", _invite(home, person.name))
    await watch.time(f"{_short(person)} redeems it", person.accept(code, password))
    await watch.time(f"{_short(person)} signs in", person.sign_in(password))
    await watch.time(f"{_short(person)}'s server starts", person.start_server())


async def _invite(home: Home, name: str) -> str:
    async with Operator(home, Factory(read_frozen(home), home).secrets.operator) as operator:
        known = name in {person.name for person in await operator.people()}
        return (await operator.invite(NewPerson(name=name, renew=known))).code


async def _run_tutorial(person: Visitor, output: Path, watch: _Stopwatch) -> dict[str, Any]:
    notebook = await watch.time("ada opens the tutorial", person.read(TUTORIAL))
    kernel = await watch.time("a kernel starts", person.open_kernel(TUTORIAL))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    try:
        for number, cell in enumerate(cells, 1):
            name = f"cell {number} of {len(cells)}"
            cell["outputs"] = await watch.time(name, kernel.run(cell["source"]))
            cell["execution_count"] = number
            _save_copy(notebook, output)
            _check(cell, name, output)
    finally:
        kernel.close()
    return notebook


def _save_copy(notebook: dict[str, Any], output: Path) -> None:
    (output / Path(TUTORIAL).name).write_text(json.dumps(notebook, indent=1))


def _check(cell: dict[str, Any], name: str, output: Path) -> None:
    for one in cell["outputs"]:
        if one["output_type"] == "error":
            raise DemoFailedError(
                f"{name} failed with {one['ename']}: {one['evalue']}. "
                f"The notebook as far as it came is in {output.resolve()}; the cell: {cell['source'][:200]}"
            )


def _short(person: Visitor) -> str:
    return person.name.removeprefix("demo-")
