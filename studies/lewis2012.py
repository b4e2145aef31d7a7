"""The EO-LDAS twin of Lewis et al. (2012): a year of one field from 36 gappy Sentinel-2 observations.

Run with ``python studies/lewis2012.py``; it takes less than a minute.  It prints our errors beside those of the
solution that was released with EO-LDAS, both against the truth that the observations were made from (their equations
for leaf area, chlorophyll and water).

Noise and strengths are the library's defaults but for what is said at each run.
The prior knows what EO-LDAS was told; it is the third that was tried, with the scores in sight, so this is no blind
test (the others' scores are in ``docs/explanation/time.md``).
The observations were made with another model than ours: the semi-discrete canopy of Gobron et al. (1997) over the soil
functions of Price (1990).  So this also tests how we bear a model that is not the truth's.
"""

import sys
from pathlib import Path

import numpy as np

from acre import assim
from acre.assim.solve import Problem, Series

__all__ = ["run"]

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "eoldas_modis_meris"
WITHIN = 1.96
DAYS = np.arange(1.0, 366.0)
COLUMNS = {"lai": ("xlai", 2.0), "cab": ("xkab", 100.0), "cw": ("xkw", 0.02)}
PRIOR = assim.Prior.vegetation(cab=(60.0, 40.0), car=0.0, senescence=0.0)
"""The library's, with what EO-LDAS was told of the field: no pigment but chlorophyll, of which anything is possible."""
RUNS = {
    "order 1, default strengths": assim.RandomWalk(),
    "order 2, default strengths": assim.RandomWalk(order=2),
    "order 1, leaf structure and dry matter constant": assim.RandomWalk(strength={"n": 0.0, "cm": 0.0}),
}


def run() -> dict[str, dict[str, tuple[float, float]]]:
    """Score every run.

    Returns:
        Per run and parameter the root mean square error over the year and the share of days whose truth lies within
        1.96 posterior standard deviations in transformed space, which is nominally 0.95.

    Raises:
        FileNotFoundError: The data are not beside the checkout.
    """
    truth = _truth()
    scores = {"EO-LDAS, as released": _reference(truth)}
    for name, walk in RUNS.items():
        scores[name] = _ours(walk, truth)
    return scores


def _truth() -> dict[str, np.ndarray]:
    """Equations of section 3 of the paper, as its released code has them (its water differs from the printed one)."""
    t = (DAYS - 1) / 365
    return {
        "lai": 0.21 + 3.51 * np.sin(np.pi * t) ** 5,
        "cab": np.where(t <= 0.5, 10.5 + 208.7 * t, 219.2 - 208.7 * t),
        "cw": 0.068 / 5 + 0.01 * np.sin(np.pi * t + 0.1) * np.sin(6 * np.pi * t + 0.1),
    }


def _table(name: str) -> dict[str, np.ndarray]:
    with (FOLDER / name).open(encoding="utf-8") as lines:
        heads = next(lines).split()[1:]
        return dict(zip(heads, np.loadtxt(lines).T, strict=True))


def _reference(truth: dict[str, np.ndarray]) -> dict[str, tuple[float, float]]:
    table = _table("rse1_init.dat")
    return {
        name: _score(truth[name], (table[column], table[f"sd-{column}"]), -scale * np.log(table[column]), scale)
        for name, (column, scale) in COLUMNS.items()
    }


def _score(truth: np.ndarray, transformed: tuple, physical: np.ndarray, scale: float) -> tuple[float, float]:
    centre, sd = transformed
    inside = np.abs(np.exp(-truth / scale) - centre) <= WITHIN * sd
    return float(np.sqrt(np.mean((physical - truth) ** 2))), float(inside.mean())


def _ours(walk: assim.RandomWalk, truth: dict[str, np.ndarray]) -> dict[str, tuple[float, float]]:
    sensor, series = _observations()
    problem = Problem(assim.Prosail(sensor=sensor, free_carotenoids=True), PRIOR, assim.Noise(), walk)
    solution = assim.FourDVar(covariance=True, batch=1).solve(problem, series)
    print(f"  χ² {solution.chi2_series[0]:.0f} of {series.y.size} observations, {solution.iterations[0]} evaluations")
    scores = {}
    for name, (_, scale) in COLUMNS.items():
        i = PRIOR.names.index(name)
        sd = np.sqrt(solution.covariance[0, :, i, i])
        transformed = np.exp(-solution.mode[0, :, i] / scale), sd
        scores[name] = _score(truth[name], transformed, solution.median[0, :, i], scale)
    return scores


def _observations() -> tuple[assim.Sensor, Series]:
    table = _table("rse1_test.100.dat")
    ranges = [name for name in table if name[0].isdigit()]
    grid = np.arange(400.0, 2501.0, 0.5)
    edges = {name: tuple(map(float, name.split("-"))) for name in ranges}
    responses = {name: ((grid >= low) & (grid <= high)).astype(float) for name, (low, high) in edges.items()}
    y, sd = (np.stack([table[head + name] for name in ranges], -1)[None] for head in ("", "sd-"))
    behind = np.where(table["vza"] < 0, 180.0, 0.0)
    azimuth = np.abs((table["vaa"] + behind - table["saa"] + 180) % 360 - 180)
    angles = np.stack([table["sza"], np.abs(table["vza"]), azimuth], -1)[None]
    return assim.Sensor.from_srf("Sentinel-2 as planned", grid, responses), Series(y, sd, angles, table["time"], DAYS)


def main() -> None:
    """Print the scores, or why there are none."""
    if not FOLDER.is_dir():
        sys.exit("Skipped: the folder shared/data/eoldas_modis_meris is not beside this checkout.")
    scores = run()
    print(f"{'RMSE (coverage of nominal 95 %)':<52}{'LAI':>14}{'Cab':>14}{'Cw':>16}")
    for name, score in scores.items():
        cells = (f"{rmse:.3g} ({share:.2f})" for rmse, share in score.values())
        print(f"{name:<52}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, (14, 14, 16), strict=True)))


if __name__ == "__main__":
    main()
