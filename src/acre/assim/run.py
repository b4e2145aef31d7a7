"""The one door: a cube of reflectances in, a cube of parameters with their uncertainty out."""

import importlib.metadata
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np
import xarray as xr

from acre.assim import cube as cubes
from acre.assim.drive import run_tasks
from acre.assim.observe import Noise
from acre.assim.prior import Prior
from acre.assim.propagate import RandomWalk
from acre.assim.solve import MAP, Code, FourDVar, Pixels, Problem, Series
from acre.assim.state import lookup
from acre.assim.types import InputRefusedError, Operator

__all__ = ["assimilate", "describe", "solve_block"]

Solver = MAP | FourDVar

_PER_PARAMETER = {
    "": ("median", "posterior median"),
    "_map": ("mode", "most probable value in transformed space"),
    "_sd": ("sd", "posterior standard deviation"),
    "_p05": ("low", "5 % quantile"),
    "_p95": ("high", "95 % quantile"),
}


def assimilate(
    cube: xr.Dataset,
    operators: Operator | Sequence[Operator],
    prior: Prior,
    *,
    dynamics: RandomWalk | None = None,
    solver: Solver | None = None,
    noise: Noise | None = None,
    times: np.ndarray | xr.DataArray | None = None,
    executor: Executor | None = None,
    progress: bool = True,
    block: int = 16_384,
) -> xr.Dataset:
    """Retrieve the state of every pixel from its reflectance.

    NaN in the cube is a missing observation.  A pixel that fails has a code, never an exception; see `describe`.  One
    block or many, here or on workers: the numbers are the same.

    Args:
        cube: Made by `acre.assim.scene`: ``reflectance`` 0–1 with a ``band`` dimension, and angles in degrees.
        operators: What maps the state to the bands.
        prior: What is known before.
        dynamics: How the state may change along the dimension ``time``; None solves every date by itself.
        solver: Settings; the default is `MAP()`, or `FourDVar()` with dynamics.
        noise: Of the observations and the model; the default is `Noise()`.
        times: With dynamics, the dates of the result, rising, as datetime64 or days like those of the cube; there may
            be more of them than observations.  The default is the cube's.
        executor: Where blocks run, any `concurrent.futures.Executor`; None is this process.
        progress: Whether to show a progress bar.
        block: Pixels per task; with dynamics, pixels times dates, in whole series.

    Returns:
        Per parameter NAME the variables ``NAME`` (median), ``NAME_map``, ``NAME_sd``, ``NAME_p05`` and ``NAME_p95``,
        and ``chi2``, ``iterations`` and ``code``; with dynamics also ``chi2_series``.

    Raises:
        InputRefusedError: The input cannot be right; nothing was computed.
    """
    problem = Problem(_only(operators), prior, noise or Noise(), dynamics)
    solver = solver or (MAP() if dynamics is None else FourDVar())
    if block < 1:
        raise InputRefusedError(f"block is {block}; give the pixels per task, such as 16384.")
    _check_time(cube, problem, solver, times)
    cubes.check(cube, problem.operator.bands)
    grid = None if times is None else np.asarray(times)
    tasks = _tasks(cube, problem, solver, block) if dynamics is None else _series(cube, problem, solver, block, grid)
    total = cube["reflectance"].size // cube.sizes["band"]
    pieces = run_tasks(solve_block, tasks, executor, total=total, progress=progress)
    named = ((dict(key), values) for key, values in pieces)
    return cubes.build(cube, _columns(problem), named, _provenance(cube, problem, solver), times=grid)


def describe(result: xr.Dataset) -> dict[str, int]:
    """Count the pixels of a result by how they ended.

    Args:
        result: From `assimilate`.

    Returns:
        A sentence per result code that occurs, with its number of pixels, the most frequent first.
    """
    values, counts = np.unique(result["code"].to_numpy(), return_counts=True)
    pairs = sorted(zip(counts.tolist(), values.tolist(), strict=True), reverse=True)
    return {Code(value).sentence: count for count, value in pairs}


def solve_block(problem: Problem, solver: Solver, observations: Pixels | Series) -> dict[str, np.ndarray]:
    """Solve a block in whatever process this is; arrays in and out are plain NumPy.

    Args:
        problem: Operator, prior, noise and dynamics.
        solver: Settings.
        observations: What its solver takes.

    Returns:
        An array (pixels,), (series, dates) or (series,) per variable of the result.
    """
    solution = solver.solve(problem, observations)
    fields = {"chi2", "chi2_series", "iterations", "code"} & set(solution._fields)
    values = {field: getattr(solution, field) for field in fields}
    for i, name in enumerate(problem.prior.names):
        for suffix, (field, _) in _PER_PARAMETER.items():
            values[name + suffix] = np.ascontiguousarray(getattr(solution, field)[..., i])
    return values


def _only(operators: Operator | Sequence[Operator]) -> Operator:
    listed = list(operators) if isinstance(operators, Sequence) else [operators]
    if len(listed) != 1:
        raise InputRefusedError(f"{len(listed)} operators were given; one sensor at a time can be used today.")
    return listed[0]


def _check_time(cube: xr.Dataset, problem: Problem, solver: Solver, times: object) -> None:
    if isinstance(solver, FourDVar) != (problem.dynamics is not None):
        raise InputRefusedError(
            "MAP() solves single dates and FourDVar() series: give dynamics=RandomWalk() with FourDVar(), or neither."
        )
    if problem.dynamics is None:
        if times is not None:
            raise InputRefusedError("times=... needs dynamics=RandomWalk(), which says how the state changes between.")
        return
    if cubes.TIME not in cube.dims or cubes.TIME not in cube.coords:
        raise InputRefusedError("Dynamics need a dimension 'time' with dates as its coordinate; the cube has none.")
    dates = cube[cubes.TIME].to_numpy()
    for given in (dates, dates if times is None else np.asarray(times)):
        problem.chain(cubes.days(given, dates))


def _series(
    cube: xr.Dataset, problem: Problem, solver: Solver, block: int, grid: np.ndarray | None
) -> Iterator[tuple[Any, int, tuple]]:
    dates = cube[cubes.TIME].to_numpy()
    wanted = dates if grid is None else grid
    for window in cubes.series(cube, block):
        y, sd, angles = (
            None if part is None else part.reshape(-1, len(dates), part.shape[-1])
            for part in cubes.read(cube, window, problem.operator.bands)
        )
        series = Series(y, sd, angles, cubes.days(dates, dates), cubes.days(wanted, dates))
        key = window | {cubes.TIME: slice(0, len(wanted))}
        yield tuple(key.items()), y.shape[0] * y.shape[1], (problem, solver, series)


def _tasks(cube: xr.Dataset, problem: Problem, solver: Solver, block: int) -> Iterator[tuple[Any, int, tuple]]:
    for window in cubes.windows(cube, block):
        pixels = Pixels(*cubes.read(cube, window, problem.operator.bands))
        yield tuple(window.items()), len(pixels.y), (problem, solver, pixels)


def _columns(problem: Problem) -> list[cubes.Column]:
    columns = []
    for name in problem.prior.names:
        parameter = lookup(name)
        for suffix, (_, what) in _PER_PARAMETER.items():
            attrs = {"long_name": f"{parameter.long_name}, {what}", "units": parameter.unit}
            if parameter.standard_name and not suffix:
                attrs["standard_name"] = parameter.standard_name
                attrs["ancillary_variables"] = f"{name}_sd code"
            columns.append(cubes.Column(name + suffix, "float32", attrs))
    flags = {
        "long_name": "result code",
        "flag_values": np.array([int(code) for code in Code], np.int8),
        "flag_meanings": " ".join(code.name.lower() for code in Code),
        "comment": " | ".join(f"{int(code)}: {code.sentence}" for code in Code),
    }
    date, whole = "twice the cost of the observations at the mode", "twice the cost at the mode"
    series = cubes.TIME if problem.dynamics else None
    columns += [
        cubes.Column(
            "chi2", "float32", _count(f"{date if series else whole}; near the number of bands when all is well")
        ),
        cubes.Column("iterations", "int16", _count("evaluations of the model"), series),
        cubes.Column("code", "int8", flags),
    ]
    if series:
        text = f"{whole}; near the number of observations of the series when all is well"
        columns.append(cubes.Column("chi2_series", "float32", _count(text), series))
    return columns


def _count(long_name: str) -> dict[str, str]:
    return {"long_name": long_name, "units": "1"}


def _provenance(cube: xr.Dataset, problem: Problem, solver: Solver) -> dict[str, str]:
    versions = {name: importlib.metadata.version(name) for name in ("acre", "jax", "numpy", "xarray")}
    return {
        "title": "Land surface parameters from surface reflectance",
        "source": str(cube.attrs.get("source", cube["reflectance"].attrs.get("source", "surface reflectance"))),
        "acre_operator": repr(problem.operator),
        "acre_prior": json.dumps({"varying": problem.prior.marginal(), "fixed": dict(problem.prior.fixed)}),
        "acre_noise": repr(problem.noise),
        "acre_dynamics": repr(problem.dynamics),
        "acre_solver": repr(solver),
        "acre_versions": json.dumps(versions),
    }
