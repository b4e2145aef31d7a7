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
from acre.assim.solve import MAP, Code, Pixels, Problem
from acre.assim.state import lookup
from acre.assim.types import InputRefusedError, Operator

__all__ = ["assimilate", "describe", "solve_block"]

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
    dynamics: None = None,
    solver: MAP | None = None,
    noise: Noise | None = None,
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
        dynamics: Reserved for series; every pixel and date is solved by itself.
        solver: Settings; the default is `MAP()`.
        noise: Of the observations and the model; the default is `Noise()`.
        executor: Where blocks run, any `concurrent.futures.Executor`; None is this process.
        progress: Whether to show a progress bar.
        block: Pixels per task.

    Returns:
        Per parameter NAME the variables ``NAME`` (median), ``NAME_map``, ``NAME_sd``, ``NAME_p05`` and ``NAME_p95``,
        and ``chi2``, ``iterations`` and ``code``.

    Raises:
        InputRefusedError: The input cannot be right; nothing was computed.
    """
    problem = Problem(_only(operators), prior, noise or Noise())
    if dynamics is not None:
        raise InputRefusedError("Dynamics are not available yet; leave dynamics=None to solve every date by itself.")
    if block < 1:
        raise InputRefusedError(f"block is {block}; give the pixels per task, such as 16384.")
    cubes.check(cube, problem.operator.bands)
    solver = solver or MAP()
    tasks = _tasks(cube, problem, solver, block)
    total = cube["reflectance"].size // cube.sizes["band"]
    pieces = run_tasks(solve_block, tasks, executor, total=total, progress=progress)
    named = ((dict(key), values) for key, values in pieces)
    return cubes.build(cube, _columns(prior), named, _provenance(cube, problem, solver))


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


def solve_block(problem: Problem, solver: MAP, pixels: Pixels) -> dict[str, np.ndarray]:
    """Solve a block in whatever process this is; arrays in and out are plain NumPy.

    Args:
        problem: Operator, prior and noise.
        solver: Settings.
        pixels: Observations.

    Returns:
        An array (pixels,) per variable of the result.
    """
    solution = solver.solve(problem, pixels)
    values = {"chi2": solution.chi2, "iterations": solution.iterations, "code": solution.code}
    for i, name in enumerate(problem.prior.names):
        for suffix, (field, _) in _PER_PARAMETER.items():
            values[name + suffix] = np.ascontiguousarray(getattr(solution, field)[:, i])
    return values


def _only(operators: Operator | Sequence[Operator]) -> Operator:
    listed = list(operators) if isinstance(operators, Sequence) else [operators]
    if len(listed) != 1:
        raise InputRefusedError(f"{len(listed)} operators were given; one sensor at a time can be used today.")
    return listed[0]


def _tasks(cube: xr.Dataset, problem: Problem, solver: MAP, block: int) -> Iterator[tuple[Any, int, tuple]]:
    for window in cubes.windows(cube, block):
        pixels = Pixels(*cubes.read(cube, window, problem.operator.bands))
        yield tuple(window.items()), len(pixels.y), (problem, solver, pixels)


def _columns(prior: Prior) -> list[cubes.Column]:
    columns = []
    for name in prior.names:
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
    chi2 = {"long_name": "twice the cost at the mode; near the number of bands when all is well", "units": "1"}
    rounds = {"long_name": "evaluations of the model", "units": "1"}
    return [
        *columns,
        cubes.Column("chi2", "float32", chi2),
        cubes.Column("iterations", "int16", rounds),
        cubes.Column("code", "int8", flags),
    ]


def _provenance(cube: xr.Dataset, problem: Problem, solver: MAP) -> dict[str, str]:
    versions = {name: importlib.metadata.version(name) for name in ("acre", "jax", "numpy", "xarray")}
    return {
        "title": "Land surface parameters from surface reflectance",
        "source": str(cube.attrs.get("source", cube["reflectance"].attrs.get("source", "surface reflectance"))),
        "acre_operator": repr(problem.operator),
        "acre_prior": json.dumps({"varying": problem.prior.marginal(), "fixed": dict(problem.prior.fixed)}),
        "acre_noise": repr(problem.noise),
        "acre_solver": repr(solver),
        "acre_versions": json.dumps(versions),
    }
