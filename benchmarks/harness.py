"""What a figure is, which benchmarks there are, and how their results are kept."""

import difflib
import json
import math
import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, FiniteFloat, model_validator
from rich.console import Console
from rich.markup import escape
from rich.table import Table

__all__ = ["Figure", "UnknownBenchmarkError", "choose", "circumstances", "names", "run"]

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results"
HARNESS = frozenset({"__init__", "__main__", "harness", "timing"})
PACKAGES = (
    "acre", "dask", "distributed", "ipyparallel", "jax", "joblib", "jupyterhub", "jupyterlab", "numpy", "prosail",
    "scipy", "xarray",
)  # fmt: skip


class Figure(BaseModel):
    """One measured number beside its peer's.

    Attributes:
        figure: What was measured, in words.
        unit: Of `ours` and `peer`.
        ours: What Acre reaches.
        peer: What the peer reaches in the same run; None when nothing comparable exists.
        peer_name: Which peer, with its version or settings where they matter; empty without one.
        ratio: How many times better ours is, whichever direction is better; None without a peer.
        goal: What must be reached, as a number or in words; None when the figure is only watched.
        met: Whether it was; None without a goal.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    figure: str
    unit: str
    ours: FiniteFloat
    peer: FiniteFloat | None
    peer_name: str
    ratio: FiniteFloat | None
    goal: FiniteFloat | str | None
    met: bool | None

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if (self.peer is None) != (self.ratio is None) or (self.peer is None) == bool(self.peer_name):
            raise ValueError(f"{self.figure}: peer, peer_name and ratio are given together or not at all")
        if (self.goal is None) != (self.met is None):
            raise ValueError(f"{self.figure}: goal and met are given together or not at all")
        return self


class UnknownBenchmarkError(Exception):
    """Nobody wrote the benchmark that was asked for."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
        meant = f"did you mean '{nearest[0]}'? " if nearest else ""
        super().__init__(f"There is no benchmark '{name}'; {meant}There are: {', '.join(known) or 'none yet'}")


def names() -> list[str]:
    """Return the benchmarks that there are."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in HARNESS)


def choose(asked: Sequence[str]) -> list[str]:
    """Return the benchmarks to run: those asked for, or all.

    Raises:
        UnknownBenchmarkError: If one of them does not exist.
    """
    known = names()
    for name in asked:
        if name not in known:
            raise UnknownBenchmarkError(name, known)
    return list(asked) or known


def run(name: str) -> list[Figure]:
    """Measure, print the table, and write ``benchmarks/results/NAME.json``.

    Raises:
        pydantic.ValidationError: If the benchmark returns something that is not a figure; nothing is written then.
    """
    before = circumstances()
    figures = [Figure.model_validate(figure) for figure in import_module(f"benchmarks.{name}").measure()]
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{name}.json"
    rows = [{**figure.model_dump(), "circumstances": before} for figure in figures]
    file.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    console = Console()
    console.print(_table(name, figures))
    console.print(f"Written to {file.relative_to(FOLDER.parent)}")
    return figures


def circumstances() -> dict[str, Any]:
    """Return what a reader must know to compare a figure with one from another day or machine."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {package: found for package in PACKAGES if (found := _version(package))},
    }


def _commit() -> str:
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=FOLDER, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return described.stdout.strip() or "unknown: not in a git repository"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _table(name: str, figures: Sequence[Figure]) -> Table:
    """Return the figures as a table; the peers' names, which are long, stand below it by number."""
    peers = list(dict.fromkeys(figure.peer_name for figure in figures if figure.peer_name))
    caption = "\n".join(f"({number}) {peer}" for number, peer in enumerate(peers, start=1))
    table = Table(title=name, title_justify="left", caption=escape(caption), caption_justify="left")
    for heading in ("figure", "ours", "peer", "ratio", "goal", "met"):
        table.add_column(heading, justify="left" if heading == "figure" else "right")
    for figure in figures:
        table.add_row(
            escape(f"{figure.figure} [{figure.unit}]"),
            _number(figure.ours),
            f"{_number(figure.peer)} ({peers.index(figure.peer_name) + 1})" if figure.peer_name else "",
            _number(figure.ratio),
            figure.goal if isinstance(figure.goal, str) else _number(figure.goal),
            {True: "yes", False: "[red]no[/red]", None: ""}[figure.met],
        )
    return table


def _number(value: float | None) -> str:
    """Return three significant digits, without an exponent."""
    if value is None:
        return ""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"
