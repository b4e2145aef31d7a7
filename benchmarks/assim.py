"""The data-assimilation library against ``prosail`` and SciPy, measured in the same run."""

import importlib.metadata
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import jax
import numpy as np
import prosail
import xarray as xr
from scipy.optimize import least_squares

from acre import assim
from acre.assim.linalg import compiled
from acre.assim.types import Geometry

__all__ = ["measure"]

SENSOR = assim.sensors.sentinel_2a()
OPERATOR = assim.Prosail(sensor=SENSOR)
PRIOR = assim.Prior.vegetation()
NOISE = assim.Noise()
ANGLES = (35.0, 5.0, 110.0)
BATCH, PEER_SPECTRA, PEER_PIXELS, PIXELS, PARALLEL_PIXELS = 4096, 200, 12, 65_536, 163_840


def measure() -> list[dict[str, Any]]:
    """Measure all figures; takes one to two minutes."""
    truth = _draw(np.random.default_rng(1), PARALLEL_PIXELS)
    observed = _observe(truth)
    return [_spectra(truth), _jacobians(truth), _retrieval(truth, observed), _efficiency(observed)]


def _row(
    figure: str, unit: str, rates: tuple[float, float | None], peer_name: str | None, goal: float
) -> dict[str, Any]:
    ours, peer = rates
    return {
        "figure": figure,
        "unit": unit,
        "ours": round(ours, 3),
        "peer": None if peer is None else round(peer, 3),
        "peer_name": peer_name,
        "ratio": None if peer is None else round(ours / peer, 1),
        "goal": goal,
        "met": bool(ours >= goal),
    }


def _spectra(truth: np.ndarray) -> dict[str, Any]:
    view = _view(BATCH)
    predict = compiled(OPERATOR.predict)
    ours = BATCH / _seconds(lambda: jax.block_until_ready(predict(truth[:, :BATCH], view)))
    peer = PEER_SPECTRA / _seconds(lambda: [_peer(truth[:, i]) for i in range(PEER_SPECTRA)])
    return _row("PROSAIL spectra, Sentinel-2 bands", "1/s", (ours, peer), _name("prosail"), 250_000)


def _jacobians(truth: np.ndarray) -> dict[str, Any]:
    view = _view(BATCH)
    linearise = compiled(OPERATOR.linearise)
    ours = BATCH / _seconds(lambda: jax.block_until_ready(linearise(truth[:, :BATCH], view)))
    count = PEER_SPECTRA // 10
    peer = count / _seconds(lambda: [_peer_jacobian(truth[:, i]) for i in range(count)])
    name = _name("prosail") + ", one-sided differences"
    return _row("PROSAIL spectra with Jacobian", "1/s", (ours, peer), name, 80_000)


def _retrieval(truth: np.ndarray, observed: np.ndarray) -> dict[str, Any]:
    cube = _cube(observed[:PIXELS])
    ours = PIXELS / _seconds(lambda: assim.assimilate(cube, OPERATOR, PRIOR, progress=False))
    peer = PEER_PIXELS / _seconds(lambda: [_peer_retrieval(y, truth) for y in observed[:PEER_PIXELS]], repeat=1)
    name = f"{_name('prosail')} + scipy {importlib.metadata.version('scipy')} least_squares (TRF)"
    return _row("Single-date retrieval, 9 parameters with posterior", "px/s", (ours, peer), name, 25_000)


def _efficiency(observed: np.ndarray) -> dict[str, Any]:
    rates = [_parallel_rate(_cube(observed), workers) for workers in (1, 2)]
    return _row("Efficiency of 2 workers against 1", "1", (rates[1] / rates[0] / 2, None), None, 0.9)


def _parallel_rate(cube: xr.Dataset, workers: int) -> float:
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as executor:

        def run(part: xr.Dataset) -> None:
            assim.assimilate(part, OPERATOR, PRIOR, executor=executor, block=8192, progress=False)

        run(cube.isel(x=slice(0, 8192 * 2 * workers)))
        start = time.perf_counter()
        run(cube)
        return cube.sizes["x"] / (time.perf_counter() - start)


def _draw(rng: np.random.Generator, count: int) -> np.ndarray:
    """Surfaces drawn from the prior's 90 % intervals, shape (parameters, count)."""
    known = PRIOR.marginal()
    rows = [
        rng.uniform(known[name]["low"], known[name]["high"], count)
        if name in known
        else np.full(count, PRIOR.value(name))
        for name in OPERATOR.parameters
    ]
    return np.stack(rows).astype("float32")


def _observe(truth: np.ndarray) -> np.ndarray:
    predict = compiled(OPERATOR.predict)
    parts = [np.asarray(predict(truth[:, i : i + BATCH], _view(BATCH))) for i in range(0, truth.shape[1], BATCH)]
    clean = np.concatenate(parts, axis=1).T
    return clean * np.random.default_rng(2).normal(1, 0.02, clean.shape)


def _view(count: int) -> object:
    return OPERATOR.look(Geometry(*(np.full(count, angle, "float32") for angle in ANGLES)))


def _cube(observed: np.ndarray) -> xr.Dataset:
    field = xr.DataArray(observed.T, {"band": list(OPERATOR.bands)}, ("band", "x"))
    return assim.scene(field, sun_zenith=ANGLES[0], view_zenith=ANGLES[1], relative_azimuth=ANGLES[2])


def _peer(x: np.ndarray) -> np.ndarray:
    """The same surface through prosail's full spectrum."""
    p = dict(zip(OPERATOR.parameters, map(float, x), strict=True))
    car, soil = 0.25 * p["cab"], (p["soil_brightness"], 1 - p["soil_wetness"])
    leaf = (p["n"], p["cab"], car, p["senescence"], p["cw"], p["cm"])
    canopy = (p["lai"], p["ala"], p["hotspot"])
    return prosail.run_prosail(
        *leaf, *canopy, *ANGLES, ant=p["ant"], prospect_version="D", rsoil=soil[0], psoil=soil[1]
    )


def _peer_bands(x: np.ndarray) -> np.ndarray:
    spectrum, wavelengths = _peer(x), np.arange(400, 2501)
    return np.array([np.interp(band.wavelengths, wavelengths, spectrum) @ band.weights for band in SENSOR.bands])


def _peer_jacobian(x: np.ndarray) -> np.ndarray:
    here = _peer_bands(x)
    steps = np.maximum(np.abs(x), 1e-2) * 1e-3
    return np.stack([(_peer_bands(x + step) - here) / step.sum() for step in np.diag(steps)], axis=1)


def _peer_retrieval(y: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The same cost, minimised with SciPy in transformed space."""
    x, rows = truth[:, 0].astype(float), [OPERATOR.parameters.index(name) for name in PRIOR.names]
    mean, sd = np.asarray(PRIOR.mean), np.sqrt(np.diag(np.asarray(PRIOR.covariance)))
    error = np.asarray(NOISE.covariance(y[:, None].astype("float32"), None, centres=OPERATOR.centres))[:, :, 0]
    whiten = np.linalg.inv(np.linalg.cholesky(error.astype(float)))
    scale = [parameter.scale for parameter in PRIOR.transforms.parameters]

    def residual(z: np.ndarray) -> np.ndarray:
        x[rows] = [value if s is None else -s * np.log(value) for s, value in zip(scale, z, strict=True)]
        return np.concatenate([(z - mean) / sd, whiten @ (y - _peer_bands(x))])

    found = least_squares(residual, mean, bounds=PRIOR.transforms.bounds, x_scale=sd, xtol=1e-4, ftol=1e-4)
    return np.linalg.inv(found.jac.T @ found.jac)


def _seconds(function: Callable[[], object], repeat: int = 3) -> float:
    """The shortest of some runs, after one that compiles."""
    function()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def _name(package: str) -> str:
    return f"{package} {importlib.metadata.version(package)}, 1 core"
