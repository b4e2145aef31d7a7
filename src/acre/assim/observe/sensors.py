"""Sensors: what wavelengths a band sees, and how strongly.

A band is described by Gauss nodes of its spectral response instead of the whole curve: with the response as a discrete
measure, n nodes integrate every polynomial spectrum of degree 2n − 1 exactly (Golub and Welsch 1969).  Three nodes a
band hold the canopy's spectrum to better than 2e-3.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources

import numpy as np

from acre.assim.types import InputRefusedError

__all__ = ["Band", "Sensor", "sentinel_2a", "sentinel_2b"]

_SHORTEST_NM, _LONGEST_NM = 400.0, 2500.0


@dataclass(frozen=True)
class Band:
    """One band.

    Attributes:
        name: As in the cube's ``band`` coordinate.
        wavelengths: Nodes in nm.
        weights: Of the nodes; they add up to one.
    """

    name: str
    wavelengths: tuple[float, ...]
    weights: tuple[float, ...]

    @property
    def centre(self) -> float:
        """Mean wavelength in nm."""
        return float(np.dot(self.wavelengths, self.weights))


@dataclass(frozen=True)
class Sensor:
    """A named set of bands, in the order of the observations."""

    name: str
    bands: tuple[Band, ...]

    @classmethod
    def from_srf(
        cls, name: str, wavelengths: np.ndarray, responses: Mapping[str, np.ndarray], *, nodes: int = 3
    ) -> "Sensor":
        """Describe a sensor by its spectral response functions.

        Args:
            name: Of the sensor.
            wavelengths: In nm, shape (samples,), 400–2500 where a response is not zero.
            responses: Per band name the response at each wavelength, ≥ 0, in any unit.
            nodes: Gauss nodes per band.

        Returns:
            The sensor, with weights that add up to one.

        Raises:
            InputRefusedError: A response is negative, empty, outside the model's wavelengths, or narrower than the
                nodes asked for.
        """
        return cls(name, tuple(_band(band, wavelengths, response, nodes) for band, response in responses.items()))

    def select(self, names: Iterable[str]) -> "Sensor":
        """Keep these bands, in this order.

        Raises:
            InputRefusedError: The sensor lacks one of them.
        """
        known = {band.name: band for band in self.bands}
        names = tuple(names)
        missing = [name for name in names if name not in known]
        if missing:
            raise InputRefusedError(f"{self.name} has no band {', '.join(missing)}; it has {', '.join(known)}.")
        return Sensor(self.name, tuple(known[name] for name in names))


def sentinel_2a(bands: Iterable[str] | None = None) -> Sensor:
    """Sentinel-2A MSI; all ten land bands (10 and 20 m) unless ``bands`` names some, such as ``["B02", "B8A"]``."""
    return _shipped("Sentinel-2A MSI", bands)


def sentinel_2b(bands: Iterable[str] | None = None) -> Sensor:
    """Sentinel-2B MSI; like `sentinel_2a`."""
    return _shipped("Sentinel-2B MSI", bands)


def _shipped(name: str, bands: Iterable[str] | None) -> Sensor:
    text = resources.files("acre.assim.observe").joinpath("data/sensors.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    nodes: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if row["sensor"] == name:
            nodes.setdefault(row["band"], []).append((float(row["wavelength_nm"]), float(row["weight"])))
    sensor = Sensor(name, tuple(Band(band, *zip(*pairs, strict=True)) for band, pairs in nodes.items()))
    return sensor if bands is None else sensor.select(bands)


def _band(name: str, wavelengths: np.ndarray, response: np.ndarray, nodes: int) -> Band:
    wavelengths, response = np.asarray(wavelengths, float), np.asarray(response, float)
    if wavelengths.ndim != 1 or wavelengths.shape != response.shape:
        raise InputRefusedError(f"The response of {name} needs one number for each wavelength, in one dimension.")
    if not np.isfinite(response).all() or (response < 0).any():
        raise InputRefusedError(f"The response of {name} holds NaN or negative values; give zeros outside the band.")
    inside = response > 0
    if inside.sum() < nodes:
        raise InputRefusedError(f"The response of {name} has {inside.sum()} samples; {nodes} nodes need as many.")
    if not (wavelengths[inside].min() >= _SHORTEST_NM and wavelengths[inside].max() <= _LONGEST_NM):
        raise InputRefusedError(
            f"The response of {name} lies at {wavelengths[inside].min():g} to {wavelengths[inside].max():g}; the "
            f"model knows {_SHORTEST_NM:g} to {_LONGEST_NM:g} nm, so give nanometres, and zeros outside the band."
        )
    spacing = np.abs(np.gradient(wavelengths)) if len(wavelengths) > 1 else np.ones(1)  # it may be uneven
    measure = (response * spacing)[inside]
    centres, weights = _gauss(wavelengths[inside], measure / measure.sum(), nodes)
    return Band(name, tuple(centres.tolist()), tuple(weights.tolist()))


def _gauss(points: np.ndarray, measure: np.ndarray, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss nodes and weights of a discrete measure, by Stieltjes' recurrence and Golub and Welsch's eigenvalues."""
    centre, scale = points.mean(), np.ptp(points) / 2 or 1.0
    x = (points - centre) / scale
    diagonal, beside = np.zeros(nodes), np.zeros(nodes)
    previous, current = np.zeros_like(x), np.ones_like(x)
    norm = 1.0
    for i in range(nodes):
        diagonal[i] = measure @ (x * current**2)
        following = (x - diagonal[i]) * current - beside[i] * previous
        norm = np.sqrt(measure @ following**2)
        if i + 1 < nodes:
            beside[i + 1] = norm
            previous, current = current, following / norm
    value, vector = np.linalg.eigh(np.diag(diagonal) + np.diag(beside[1:], 1) + np.diag(beside[1:], -1))
    return centre + scale * value, vector[0] ** 2
