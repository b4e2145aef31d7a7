"""The operator: bands of a sensor from leaf, canopy and soil, with exact derivatives at little cost.

Reflectance at one wavelength depends on twelve scalars only: absorption k and number of plates of the leaf, soil
reflectance, and the structure of the canopy.  One reverse sweep gives the derivatives to all of them at once; they are
then summed over the nodes of each band and carried on to the state by small derivatives that are either linear
(contents to absorption, soil) or the same for all wavelengths (structure).
"""

import functools
from dataclasses import dataclass
from importlib import resources
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from acre.assim.observe.prospect import Interface, leaf
from acre.assim.observe.sail import Canopy, bidirectional
from acre.assim.observe.sensors import Sensor
from acre.assim.observe.structure import View, arrange, look
from acre.assim.types import Geometry

__all__ = ["CAROTENOIDS_PER_CHLOROPHYLL", "Prosail", "spectra"]

CAROTENOIDS_PER_CHLOROPHYLL = 0.25
"""Carotenoids follow chlorophyll at this ratio unless ``car`` is asked for (mean of the LOPEX and ANGERS leaves)."""

_CONTENTS = ("cab", "car", "ant", "senescence", "cw", "cm")
_STRUCTURE = ("lai", "ala", "hotspot")
_SOIL = ("soil_brightness", "soil_wetness")
_PARAMETERS = ("n", *_CONTENTS, *_STRUCTURE, *_SOIL)
_CLEAREST = 1e-6


class _Tables(NamedTuple):
    """Optical properties at the wavelengths asked for: (wavelengths, 1) each, ``absorption`` (wavelengths, 6)."""

    interface: Interface
    absorption: np.ndarray
    dry: np.ndarray
    wet: np.ndarray


@functools.lru_cache(maxsize=32)
def _tables(wavelengths: tuple[float, ...]) -> _Tables:
    source = resources.files("acre.assim.observe").joinpath("data/leaf-and-soil.csv")
    with source.open(encoding="utf-8") as lines:
        table = np.loadtxt((line for line in lines if line[0].isdigit()), delimiter=",")
    at = np.stack([np.interp(wavelengths, table[:, 0], column) for column in table[:, 1:].T], axis=1)
    interface = Interface.from_index(at[:, 0])
    return _Tables(Interface(*(part[:, None] for part in interface)), at[:, 1:7], at[:, 7:8], at[:, 8:9])


@dataclass(frozen=True)
class Prosail:
    """PROSPECT-D + 4SAIL seen by a sensor.

    Attributes:
        sensor: Its bands are the observations.
        free_carotenoids: Take ``car`` as a parameter of its own instead of a share of chlorophyll.
    """

    sensor: Sensor
    free_carotenoids: bool = False

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of the observations, in order."""
        return tuple(band.name for band in self.sensor.bands)

    @property
    def centres(self) -> tuple[float, ...]:
        """Mean wavelength of each band in nm."""
        return tuple(band.centre for band in self.sensor.bands)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the inputs, in order."""
        return tuple(name for name in _PARAMETERS if self.free_carotenoids or name != "car")

    def look(self, geometry: Geometry) -> View:
        """Work out what depends on angles alone."""
        return look(*geometry)

    def predict(self, x: jax.Array, view: View) -> jax.Array:
        """Reflectance factor per band, shape (bands, pixels), from ``x`` of shape (parameters, pixels)."""
        wavelengths, weights, starts = _nodes(self.sensor)
        return _per_band(_reflectance(self._complete(x), view, wavelengths), weights, starts)

    def linearise(self, x: jax.Array, view: View) -> tuple[jax.Array, jax.Array]:
        """Reflectance factor per band and its derivatives; see `acre.assim.types.Operator`."""
        wavelengths, weights, starts = _nodes(self.sensor)
        full = self._complete(x)
        spectrum, by_leaf, by_structure, by_soil = _sensitivities(full, view, wavelengths)
        band = functools.partial(_per_band, weights=weights, starts=starts)
        jacobian = jnp.stack([band(part) for part in by_leaf + by_structure + by_soil], axis=1)
        return band(spectrum), self._reduce(jacobian)

    def _complete(self, x: jax.Array) -> dict[str, jax.Array]:
        full = dict(zip(self.parameters, x, strict=True))
        if not self.free_carotenoids:
            full["car"] = CAROTENOIDS_PER_CHLOROPHYLL * full["cab"]
        return full

    def _reduce(self, jacobian: jax.Array) -> jax.Array:
        if self.free_carotenoids:
            return jacobian
        cab, car = _PARAMETERS.index("cab"), _PARAMETERS.index("car")
        tied = jacobian[:, cab] + CAROTENOIDS_PER_CHLOROPHYLL * jacobian[:, car]
        return jnp.concatenate([jacobian[:, :cab], tied[:, None], jacobian[:, car + 1 :]], axis=1)


def spectra(x: jax.Array, geometry: Geometry, wavelengths: tuple[float, ...]) -> jax.Array:
    """Reflectance factor at single wavelengths.

    Args:
        x: All twelve parameters in the order of `acre.assim.state.PARAMETERS`, shape (12, pixels).
        geometry: Angles per pixel.
        wavelengths: In nm, 400–2500.

    Returns:
        Shape (wavelengths, pixels).
    """
    return _reflectance(dict(zip(_PARAMETERS, x, strict=True)), look(*geometry), wavelengths)


def _nodes(sensor: Sensor) -> tuple[tuple[float, ...], np.ndarray, np.ndarray]:
    wavelengths = tuple(node for band in sensor.bands for node in band.wavelengths)
    weights = np.array([weight for band in sensor.bands for weight in band.weights])
    starts = np.cumsum([0] + [len(band.wavelengths) for band in sensor.bands])
    return wavelengths, weights, starts


def _per_band(spectrum: jax.Array, weights: np.ndarray, starts: np.ndarray) -> jax.Array:
    weighted = spectrum * jnp.asarray(weights, spectrum.dtype)[:, None]
    lengths = np.diff(starts)
    if (lengths == lengths[0]).all():
        return weighted.reshape(len(lengths), lengths[0], -1).sum(1)
    return jnp.stack([weighted[a:b].sum(0) for a, b in zip(starts[:-1], starts[1:], strict=True)])


def _absorption(full: dict[str, jax.Array], tables: _Tables) -> jax.Array:
    """Absorption of one plate, shape (wavelengths, pixels)."""
    total = sum(tables.absorption[:, i, None] * full[name] for i, name in enumerate(_CONTENTS))
    return jnp.maximum(total / full["n"], _CLEAREST)


def _soil(full: dict[str, jax.Array], tables: _Tables) -> jax.Array:
    return full["soil_brightness"] * (tables.dry + full["soil_wetness"] * (tables.wet - tables.dry))


def _spectrum(k: jax.Array, layers: jax.Array, soil: jax.Array, canopy: Canopy, interface: Interface) -> jax.Array:
    return bidirectional(*leaf(k, layers, interface), soil, canopy)


def _reflectance(full: dict[str, jax.Array], view: View, wavelengths: tuple[float, ...]) -> jax.Array:
    tables = _cast(_tables(wavelengths), full["lai"].dtype)
    canopy = arrange(*(full[name] for name in _STRUCTURE), view=view)
    return _spectrum(_absorption(full, tables), full["n"], _soil(full, tables), canopy, tables.interface)


def _cast(tables: _Tables, dtype: jnp.dtype) -> _Tables:
    return jax.tree.map(lambda part: jnp.asarray(part, dtype), tables)


def _sensitivities(full: dict[str, jax.Array], view: View, wavelengths: tuple[float, ...]) -> tuple:
    """Spectrum and its derivatives to all twelve parameters, each of shape (wavelengths, pixels)."""
    tables = _cast(_tables(wavelengths), full["lai"].dtype)
    k, soil = _absorption(full, tables), _soil(full, tables)
    structure = tuple(full[name] for name in _STRUCTURE)
    canopy = arrange(*structure, view=view)
    wide = jax.tree.map(lambda part: jnp.broadcast_to(part, k.shape), (full["n"], canopy))
    spectrum, pull = jax.vjp(lambda *scalars: _spectrum(*scalars, tables.interface), k, wide[0], soil, wide[1])
    by_k, by_layers, by_soil, by_canopy = pull(jnp.ones_like(spectrum))

    by_leaf = [by_layers - by_k * k / full["n"]]
    by_leaf += [by_k * tables.absorption[:, i, None] / full["n"] for i in range(len(_CONTENTS))]
    by_structure = []
    for i in range(len(_STRUCTURE)):
        direction = tuple(jnp.ones_like(part) if j == i else jnp.zeros_like(part) for j, part in enumerate(structure))
        change = jax.jvp(functools.partial(arrange, view=view), structure, direction)[1]
        by_structure.append(sum(a * b for a, b in zip(by_canopy, change, strict=True)))
    dampen = tables.wet - tables.dry
    soils = [by_soil * (tables.dry + full["soil_wetness"] * dampen), by_soil * full["soil_brightness"] * dampen]
    return spectrum, by_leaf, by_structure, soils
