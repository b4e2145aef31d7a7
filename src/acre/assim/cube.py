"""Cubes in, cubes out: the only place that knows xarray."""

import datetime as dt
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from acre.assim.types import InputRefusedError

__all__ = ["ANGLES", "TIME", "Column", "build", "check", "days", "pixel_dims", "read", "scene", "series", "windows"]

ANGLES = ("sun_zenith", "view_zenith", "relative_azimuth")
TIME = "time"
_BRIGHTEST_MEDIAN = 1.5
_WIDEST_MEDIAN = 1.0
_SAMPLE = 100_000

Window = dict[str, slice]


@dataclass(frozen=True)
class Column:
    """One variable of the result.

    Attributes:
        name: In the dataset.
        dtype: Of the array.
        attrs: CF attributes.
        without: A dimension of the pixels that this variable lacks.
    """

    name: str
    dtype: str
    attrs: Mapping[str, Any]
    without: str | None = None


def scene(
    reflectance: xr.DataArray,
    *,
    sun_zenith: xr.DataArray | float,
    view_zenith: xr.DataArray | float = 0.0,
    relative_azimuth: xr.DataArray | float = 0.0,
    sd: xr.DataArray | None = None,
) -> xr.Dataset:
    """Make a cube for `acre.assim.assimilate`.

    Args:
        reflectance: Surface reflectance 0–1 with a ``band`` dimension and coordinate; NaN is missing.  An offset that
            was not subtracted, as in Sentinel-2's products from processing baseline 04.00 on, cannot be noticed.
        sun_zenith: Degrees, one number or a field of the cube's other dimensions, with the same coordinates.
        view_zenith: Degrees, 0 is nadir.
        relative_azimuth: Degrees between sun and sensor; 0 when the sun is behind the sensor.
        sd: Standard deviation of the reflectance's noise, where the data bring their own; same bands and coordinates.

    Returns:
        A dataset with ``reflectance``, the angles, and ``reflectance_sd`` where given.

    Raises:
        InputRefusedError: What `check` refuses.
    """
    if not isinstance(reflectance, xr.DataArray):
        raise InputRefusedError(
            f"The reflectance is a {type(reflectance).__name__}; give an xarray.DataArray with a dimension 'band'."
        )
    angles = dict(zip(ANGLES, (sun_zenith, view_zenith, relative_azimuth), strict=True))
    fields = {name: xr.DataArray(angle) for name, angle in angles.items()}
    if sd is not None:
        fields["reflectance_sd"] = xr.DataArray(sd)
    for name, field in fields.items():
        _check_aligned(reflectance, field, name)
    cube = xr.Dataset({"reflectance": reflectance} | fields)
    for name in ANGLES:
        cube[name].attrs["units"] = "degree"
    check(cube, reflectance["band"].to_numpy().tolist() if "band" in reflectance.coords else ())
    return cube


def _check_aligned(reflectance: xr.DataArray, field: xr.DataArray, name: str) -> None:
    """Without this, xarray would join different coordinates into a larger cube, with gaps, and not say so."""
    try:
        xr.align(reflectance, field, join="exact", copy=False)
    except ValueError as error:
        raise InputRefusedError(
            f"'{name}' lies on other coordinates than the reflectance ({str(error).splitlines()[0][:200]}); bring it "
            "onto them first, such as with .interp_like(reflectance) or .reindex_like(reflectance)."
        ) from error


def check(cube: xr.Dataset, bands: Sequence[str]) -> None:
    """Refuse a cube that cannot be right, before any work.

    Args:
        cube: As made by `scene`.
        bands: That the operator needs.

    Raises:
        InputRefusedError: A variable, band or angle is missing, or the numbers are in another unit.
    """
    if "reflectance" not in cube:
        raise InputRefusedError("The cube has no variable 'reflectance'; make the cube with acre.assim.scene(...).")
    reflectance = cube["reflectance"]
    if "band" not in reflectance.dims or "band" not in reflectance.coords:
        raise InputRefusedError("'reflectance' needs a dimension 'band' with the bands' names as its coordinate.")
    present = reflectance["band"].to_numpy().tolist()
    missing = [band for band in bands if band not in present]
    if missing or not present:
        raise InputRefusedError(
            f"The cube has the bands {present} and lacks {missing}; choose the sensor's bands to match, "
            "such as assim.sensors.sentinel_2a(['B02', 'B04'])."
        )
    for whose, names in (("cube", present), ("operator", bands)):
        if twice := sorted({str(band) for band in names if list(names).count(band) > 1}):
            raise InputRefusedError(f"The {whose} has {', '.join(twice)} more than once; keep one.")
    for name in ("reflectance", *ANGLES, "reflectance_sd"):
        if name in cube and cube[name].dtype.kind not in "fiu":
            raise InputRefusedError(f"'{name}' holds {cube[name].dtype}, not real numbers; convert it to float.")
    _check_fields(cube)
    _check_unit(cube)


def _check_fields(cube: xr.Dataset) -> None:
    dims = pixel_dims(cube)
    for name in ANGLES:
        if name not in cube:
            raise InputRefusedError(
                f"The cube has no '{name}'; give it in degrees, as one number or a field of {dims}."
            )
        if not set(cube[name].dims) <= set(dims):
            raise InputRefusedError(f"'{name}' has the dimensions {cube[name].dims}; it may only have those of {dims}.")
        if cube[name].ndim == 0 and not np.isfinite(float(cube[name])):
            raise InputRefusedError(f"'{name}' is NaN; give it in degrees.")
    if "reflectance_sd" in cube and set(cube["reflectance_sd"].dims) != set(cube["reflectance"].dims):
        raise InputRefusedError("'reflectance_sd' must have the dimensions of 'reflectance'.")


def _check_unit(cube: xr.Dataset) -> None:
    middle = _median(cube["reflectance"])
    if middle > _BRIGHTEST_MEDIAN:
        raise InputRefusedError(
            f"Half of the reflectances exceed {middle:.4g}, so they are not between 0 and 1; divide by the "
            "product's scale (10000 for Sentinel-2 L2A, after subtracting 1000 from processing baseline 04.00 on)."
        )
    if "reflectance_sd" in cube and (middle := _median(cube["reflectance_sd"])) > _WIDEST_MEDIAN:
        raise InputRefusedError(
            f"Half of 'reflectance_sd' exceeds {middle:.4g}; give it in the unit of the reflectance, which is 0 to 1."
        )


def _median(field: xr.DataArray) -> float:
    """Of the size of the finite values of a sample; 0 when there are none."""
    step = max(1, math.isqrt(field.size // _SAMPLE))
    sample = field.isel({dim: slice(None, None, step) for dim in field.dims if dim != "band"}).to_numpy()
    finite = np.abs(sample[np.isfinite(sample)])
    return float(np.median(finite)) if finite.size else 0.0


def pixel_dims(cube: xr.Dataset) -> tuple[str, ...]:
    """Names of the dimensions that are not bands, in order."""
    return tuple(str(dim) for dim in cube["reflectance"].dims if dim != "band")


def windows(cube: xr.Dataset, block: int) -> Iterator[Window]:
    """Cut the cube into pieces of at most ``block`` pixels, contiguous in memory where possible."""
    dims = pixel_dims(cube)
    room, steps = max(1, block), []
    for dim in reversed(dims):
        step = min(cube.sizes[dim], room)
        steps.append(max(1, step))
        room = max(1, room // max(1, cube.sizes[dim]))
    ranges = [
        [slice(start, min(start + step, cube.sizes[dim])) for start in range(0, cube.sizes[dim], step)]
        for dim, step in zip(dims, reversed(steps), strict=True)
    ]
    for pieces in itertools.product(*ranges):
        yield dict(zip(dims, pieces, strict=True))


def series(cube: xr.Dataset, block: int) -> Iterator[Window]:
    """Cut a cube with dates into pieces of at most ``block`` pixels in all, but whole series; time is the last."""
    size = cube.sizes[TIME]
    for window in windows(cube.isel({TIME: 0}), max(1, block // size)):
        yield window | {TIME: slice(0, size)}


def days(dates: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Dates in days since the first of ``origin``; numbers are days already, and what is no date becomes NaN.

    Raises:
        InputRefusedError: They are neither dates nor numbers, or one of each.
    """
    kinds = {"number" if part.dtype.kind in "fiu" else part.dtype.kind for part in (dates, origin)}
    if kinds not in ({"number"}, {"M"}):
        raise InputRefusedError(
            f"Dates are {dates.dtype} and those of the cube {origin.dtype}; give both as datetime64, or as days."
        )
    if kinds == {"number"}:
        return dates.astype(float) - float(origin[0])
    return (dates - origin[0]) / np.timedelta64(1, "D")


def read(cube: xr.Dataset, window: Window, bands: Sequence[str]) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Read a piece as plain arrays.

    Args:
        cube: To read from; only this piece of it is loaded.
        window: From `windows`.
        bands: In the operator's order.

    Returns:
        Reflectance (pixels, bands), its standard deviation or None, and angles (pixels, 3), in float64.
    """
    piece = cube.isel(window, missing_dims="ignore")
    like = piece["reflectance"].isel(band=0, drop=True)
    angles = [piece[name].broadcast_like(like).transpose(*window).to_numpy().ravel() for name in ANGLES]
    sd = _spectra(piece["reflectance_sd"], window, bands) if "reflectance_sd" in piece else None
    return _spectra(piece["reflectance"], window, bands), sd, np.stack(angles, axis=-1).astype(float)


def _spectra(field: xr.DataArray, window: Window, bands: Sequence[str]) -> np.ndarray:
    values = field.sel(band=list(bands)).transpose(*window, "band").to_numpy()
    return values.reshape(-1, len(bands)).astype(float)


def build(
    cube: xr.Dataset,
    columns: Sequence[Column],
    pieces: Iterator[tuple[Window, dict[str, np.ndarray]]],
    attrs: dict,
    *,
    times: np.ndarray | None = None,
) -> xr.Dataset:
    """Put results where they belong.

    Args:
        cube: Whose pixels, coordinates and grid mapping the result takes.
        columns: Variables of the result.
        pieces: Windows with an array per variable, its pixels in the order of the window's dimensions.
        attrs: Of the dataset; conventions and date are added.
        times: Dates of the result where they are not those of the cube.

    Returns:
        A dataset on the cube's pixels, float32.
    """
    dims = pixel_dims(cube)
    sizes = dict(cube.sizes) | ({} if times is None else {TIME: len(times)})
    places = {column.name: tuple(dim for dim in dims if dim != column.without) for column in columns}
    arrays = {column.name: np.zeros([sizes[dim] for dim in places[column.name]], column.dtype) for column in columns}
    for window, values in pieces:
        for name, place in places.items():
            order = [dim for dim in window if dim in place]
            found = values[name].reshape([window[dim].stop - window[dim].start for dim in order])
            arrays[name][tuple(window[dim] for dim in place)] = found.transpose([order.index(dim) for dim in place])
    coords = {name: c for name, c in cube.coords.items() if "band" not in c.dims and set(c.dims) <= set(dims)}
    if times is not None:
        coords = {name: c for name, c in coords.items() if TIME not in c.dims} | {TIME: times}
    data = {column.name: (places[column.name], arrays[column.name], dict(column.attrs)) for column in columns}
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return xr.Dataset(data, coords, {"Conventions": "CF-1.11", "date_created": now} | attrs)
