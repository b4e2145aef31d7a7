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

from acre.assim.linalg import keep
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
        wavelengths, weights = _nodes(self.sensor)
        return _product(weights, _reflectance(self._complete(x), view, wavelengths))

    def linearise(self, x: jax.Array, view: View) -> tuple[jax.Array, jax.Array]:
        """Reflectance factor per band and its derivatives; see `acre.assim.types.Operator`."""
        predicted, columns = _sensitivities(self._complete(x), view, *_nodes(self.sensor))
        if not self.free_carotenoids:
            columns["cab"] = columns["cab"] + CAROTENOIDS_PER_CHLOROPHYLL * columns["car"]
        return predicted, jnp.stack([columns[name] for name in self.parameters], axis=1)

    def _complete(self, x: jax.Array) -> dict[str, jax.Array]:
        full = dict(zip(self.parameters, x, strict=True))
        if not self.free_carotenoids:
            full["car"] = CAROTENOIDS_PER_CHLOROPHYLL * full["cab"]
        return full


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


def _nodes(sensor: Sensor) -> tuple[tuple[float, ...], np.ndarray]:
    """Wavelengths of all nodes, and the weights that turn a spectrum into bands, shape (bands, wavelengths)."""
    wavelengths = tuple(node for band in sensor.bands for node in band.wavelengths)
    rows = np.repeat(np.arange(len(sensor.bands)), [len(band.wavelengths) for band in sensor.bands])
    weights = np.zeros((len(sensor.bands), len(wavelengths)))
    weights[rows, np.arange(len(wavelengths))] = [weight for band in sensor.bands for weight in band.weights]
    return wavelengths, weights


def _product(weights: np.ndarray, spectrum: jax.Array) -> jax.Array:
    """Weighted sums over wavelengths, shape (…, pixels).

    A matrix product makes the compiler keep its operand; sums would work it out again for each band.
    """
    return jnp.tensordot(jnp.asarray(weights, spectrum.dtype), spectrum, axes=1, precision="highest")


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


def _sensitivities(
    full: dict[str, jax.Array], view: View, wavelengths: tuple[float, ...], weights: np.ndarray
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Bands and their derivatives to all twelve parameters, each of shape (bands, pixels).

    What is linear, the way from contents to absorption and from wetness to soil, goes into the weights.
    """
    exact, tables = _tables(wavelengths), _cast(_tables(wavelengths), full["lai"].dtype)
    k, soil, canopy, changes = keep(functools.partial(_ingredients, tables=tables), full, view)
    spectrum, by_k, by_layers, by_soil, by_canopy = _by_scalars(k, full["n"], soil, canopy, tables.interface)

    contents = _product(weights[None] * exact.absorption.T[:, None], by_k) / full["n"]
    columns = dict(zip(_CONTENTS, contents, strict=True))
    diluted = sum(full[name] * columns[name] for name in _CONTENTS) / full["n"]
    columns["n"] = _product(weights, by_layers) - diluted
    dry, dampen = _product(np.stack([weights * exact.dry.T, weights * (exact.wet - exact.dry).T]), by_soil)
    columns["soil_brightness"] = dry + full["soil_wetness"] * dampen
    columns["soil_wetness"] = full["soil_brightness"] * dampen
    by_part = [_product(weights, part) for part in by_canopy]
    for name, change in zip(_STRUCTURE, changes, strict=True):
        columns[name] = sum(a * b for a, b in zip(by_part, change, strict=True))
    return _product(weights, spectrum), columns


def _ingredients(full: dict[str, jax.Array], view: View, *, tables: _Tables) -> tuple:
    """Absorption and soil per wavelength, structure per pixel, and how structure changes."""
    structure = tuple(full[name] for name in _STRUCTURE)
    return _absorption(full, tables), _soil(full, tables), arrange(*structure, view=view), _changes(structure, view)


def _by_scalars(k: jax.Array, layers: jax.Array, soil: jax.Array, canopy: Canopy, interface: Interface) -> tuple:
    """The spectrum and its derivatives to everything that it depends on, each of shape (wavelengths, pixels)."""

    def of_leaf(k: jax.Array, layers: jax.Array) -> tuple[jax.Array, jax.Array]:
        return leaf(k, layers, interface)

    def of_canopy(canopy: Canopy, *scalars: jax.Array) -> tuple:
        wide = jax.tree.map(lambda part: jnp.broadcast_to(part, k.shape), canopy)
        spectrum, pull = jax.vjp(bidirectional, *scalars, wide)
        return spectrum, pull(jnp.ones_like(spectrum))

    def of_plates(k: jax.Array, layers: jax.Array, *by_reflected: jax.Array) -> tuple:
        return jax.vjp(of_leaf, k, jnp.broadcast_to(layers, k.shape))[1](by_reflected)

    reflected = keep(of_leaf, k, layers)
    spectrum, (*by_reflected, by_soil, by_canopy) = keep(of_canopy, canopy, *reflected, soil)
    by_k, by_layers = keep(of_plates, k, layers, *by_reflected)
    return spectrum, by_k, by_layers, by_soil, by_canopy


def _changes(structure: tuple[jax.Array, ...], view: View) -> list[Canopy]:
    """How the canopy's structure changes with each of its parameters."""
    put = functools.partial(arrange, view=view)
    directions = [
        tuple(jnp.full_like(part, float(i == j)) for j, part in enumerate(structure)) for i in range(len(structure))
    ]
    return [jax.jvp(put, structure, direction)[1] for direction in directions]
