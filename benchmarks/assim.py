"""The data-assimilation library against ``prosail`` and SciPy, measured in the same run."""

import importlib.metadata
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import jax
import numpy as np
import prosail
import xarray as xr
from scipy import sparse
from scipy.optimize import least_squares
from scipy.sparse.linalg import splu

from acre import assim
from acre.assim.linalg import compiled
from acre.assim.propagate import Chain
from acre.assim.solve import smooth
from acre.assim.types import Geometry

__all__ = ["measure"]

SENSOR = assim.sensors.sentinel_2a()
OPERATOR = assim.Prosail(sensor=SENSOR)
PRIOR = assim.Prior.vegetation()
NOISE = assim.Noise()
ANGLES = (35.0, 5.0, 110.0)
BATCH, PEER_SPECTRA, PEER_PIXELS, PIXELS, PARALLEL_PIXELS = 4096, 200, 12, 65_536, 163_840
DATES, SERIES, SERIES_BATCH, PEER_SERIES = 73, 4096, 64, 10


def measure() -> list[dict[str, Any]]:
    """Measure all figures; takes one to two minutes."""
    truth = _draw(np.random.default_rng(1), PARALLEL_PIXELS)
    observed = _observe(truth)
    return [_spectra(truth), _jacobians(truth), _retrieval(truth, observed), _smoother(), _efficiency(observed)]


def _row(figure: str, unit: str, rates: tuple[float, float | None], peer_name: str, goal: float) -> dict[str, Any]:
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


def _smoother() -> dict[str, Any]:
    """A linear smoother in double precision: solution and marginal standard deviations of every date."""
    rng = np.random.default_rng(3)
    n = len(PRIOR.names)
    chain = assim.RandomWalk().chain(np.arange(DATES) * 5.0, np.full(n, 0.1), np.eye(n))
    leaning = rng.normal(size=(SERIES, DATES, n, 4))
    information, pull = leaning @ leaning.swapaxes(2, 3), rng.normal(size=(SERIES, DATES, n))
    batches = [slice(start, start + SERIES_BATCH) for start in range(0, SERIES, SERIES_BATCH)]
    parts = [(np.moveaxis(information[b], 0, -1).copy(), np.moveaxis(pull[b], 0, -1).copy()) for b in batches]
    found: list[Any] = []

    def one(part: tuple[np.ndarray, np.ndarray]) -> object:
        with jax.enable_x64(True):
            return jax.block_until_ready(smooth(chain, *part))

    with ThreadPoolExecutor(2) as executor:
        ours = SERIES / _seconds(lambda: found.append(list(executor.map(one, parts))))
    peer_series = range(PEER_SERIES)
    peer = PEER_SERIES / _seconds(lambda: [_peer_smoother(chain, information[i], pull[i]) for i in peer_series], 1)
    mean, variance = _peer_smoother(chain, information[0], pull[0])
    np.testing.assert_allclose(found[-1][0][0][..., 0], mean, atol=1e-9)
    np.testing.assert_allclose(found[-1][0][1][..., 0], variance, rtol=1e-9)
    name = f"scipy {importlib.metadata.version('scipy')} sparse LU, one series at a time"
    return _row(f"Smoother, {DATES} dates, {n} parameters, with marginal sd", "1/s", (ours, peer), name, 20_000)


def _peer_smoother(chain: Chain, information: np.ndarray, pull: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same by one factorisation of the whole series, and a column of its inverse per unknown."""
    dates, n = pull.shape
    beside = sparse.diags(chain.beside.ravel(), n, shape=(dates * n, dates * n))
    factor = splu((sparse.block_diag(chain.diagonal + information) + beside + beside.T).tocsc())
    variance = np.diagonal(factor.solve(np.eye(dates * n)))
    return factor.solve(pull.ravel()).reshape(dates, n), variance.reshape(dates, n)


def _efficiency(observed: np.ndarray) -> dict[str, Any]:
    rates = [_parallel_rate(_cube(observed), workers) for workers in (1, 2)]
    return _row("Efficiency of 2 workers against 1", "1", (rates[1] / rates[0] / 2, None), "", 0.9)


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
