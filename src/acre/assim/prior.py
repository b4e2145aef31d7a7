"""What is known before looking: a Gaussian in transformed space."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from acre.assim.state import Marginal, Transforms, lookup, summarise
from acre.assim.types import InputRefusedError

__all__ = ["Prior"]

_VEGETATION: dict[str, tuple[float, float] | float] = {
    "n": (1.6, 0.4),
    "cab": (40.0, 20.0),
    "senescence": (0.1, 0.2),
    "cw": (0.017, 0.01),
    "cm": (0.007, 0.004),
    "lai": (2.0, 2.0),
    "ala": (57.0, 10.0),
    "hotspot": 0.05,
    "soil_brightness": (1.0, 0.25),
    "soil_wetness": (0.5, 0.3),
}


_SINGULAR = 1e-6


@dataclass(frozen=True)
class Prior:
    """Prior of the varying parameters, and values of the fixed ones.

    Parameters that are in neither stay at the default of `acre.assim.state.PARAMETERS`.

    Attributes:
        names: Varying parameters, in order.
        mean: In transformed space, one per name.
        covariance: In transformed space, a row per name.
        fixed: Pairs of name and physical value.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    fixed: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        stated = (*self.names, *(name for name, _ in self.fixed))
        for name in stated:
            lookup(name)
        if not self.names or len(set(stated)) < len(stated):
            raise InputRefusedError("A prior needs one parameter that varies or more, and each parameter once.")
        if len(self.mean) != len(self.names) or not np.isfinite(self.mean).all():
            raise InputRefusedError(f"The prior's mean is {self.mean}; give a finite number for each of {self.names}.")
        for name, value in self.fixed:
            _check_value(name, value)
        _check_covariance(np.asarray(self.covariance, float), len(self.names))

    @classmethod
    def from_table(
        cls,
        table: Mapping[str, tuple[float, float] | float],
        *,
        correlations: Mapping[tuple[str, str], float] | None = None,
    ) -> "Prior":
        """Make a prior from numbers in physical units.

        Args:
            table: ``name: (median, sd)`` for a varying parameter, ``name: value`` for a fixed one.  The standard
                deviation is carried to transformed space as half the distance of the transformed median ± sd, cut at
                the bounds.  The normal itself is cut there too, which moves the median of a wide one: see `marginal`.
            correlations: ``(name, name): r`` in transformed space; 0 where not given.

        Returns:
            The prior.

        Raises:
            InputRefusedError: An unknown name, a value outside its bounds, a standard deviation that is not
                positive, or correlations that no distribution can have.
        """
        varying = {name: _pair(name, entry) for name, entry in table.items() if isinstance(entry, Sequence)}
        fixed = tuple((name, float(entry)) for name, entry in table.items() if not isinstance(entry, Sequence))
        names = tuple(varying)
        sds = np.array([_transformed_sd(name, *entry) for name, entry in varying.items()])
        matrix = np.eye(len(names))
        for (one, other), r in (correlations or {}).items():
            if one not in names or other not in names or one == other:
                raise InputRefusedError(f"The correlation of {one} and {other} needs two that vary in the table.")
            i, j = names.index(one), names.index(other)
            matrix[i, j] = matrix[j, i] = r
        mean = tuple(lookup(name).forward(median) for name, (median, _) in varying.items())
        return cls(names, mean, _rows(matrix * np.outer(sds, sds)), fixed)

    @classmethod
    def vegetation(cls, **changes: tuple[float, float] | float) -> "Prior":
        """A wide prior for green to senescent vegetation of any kind.

        Args:
            **changes: Entries that replace those of the table, as in `from_table`.

        Returns:
            Nine varying parameters; hot spot fixed at 0.05, anthocyanins at 0.
        """
        return cls.from_table(_VEGETATION | changes)

    @property
    def transforms(self) -> Transforms:
        """Transforms of the varying parameters."""
        return Transforms(self.names)

    def value(self, name: str) -> float:
        """Physical value of a parameter that does not vary."""
        return dict(self.fixed).get(name, lookup(name).default)

    def marginal(self) -> dict[str, dict[str, float]]:
        """Median, standard deviation and 5–95 % interval per varying parameter, in physical units."""
        sd = np.sqrt(np.diag(np.asarray(self.covariance)))
        mean = jnp.asarray(self.mean)[:, None]
        summary = summarise(mean, jnp.asarray(sd, mean.dtype)[:, None], self.transforms)
        columns = {key: np.asarray(column)[:, 0] for key, column in zip(Marginal._fields, summary, strict=True)}
        return {name: {key: float(column[i]) for key, column in columns.items()} for i, name in enumerate(self.names)}


def _pair(name: str, entry: Sequence[float]) -> tuple[float, float]:
    if isinstance(entry, str) or len(entry) != 2:  # noqa: PLR2004 -- a pair
        raise InputRefusedError(f"The entry of {name} is {entry!r}; give (median, sd), or one number to fix it.")
    return float(entry[0]), float(entry[1])


def _check_value(name: str, value: float) -> float:
    parameter = lookup(name)
    if not parameter.low <= value <= parameter.high:
        raise InputRefusedError(
            f"{name} = {value} is outside its bounds {parameter.low} to {parameter.high} {parameter.unit}; "
            "check the unit of the table."
        )
    return value


def _transformed_sd(name: str, median: float, sd: float) -> float:
    parameter = lookup(name)
    _check_value(name, median)
    if not (np.isfinite(sd) and sd > 0):
        raise InputRefusedError(f"The standard deviation of {name} is {sd}; give one above 0, or a number to fix it.")
    ends = [parameter.forward(float(np.clip(median + side * sd, parameter.low, parameter.high))) for side in (-1, 1)]
    return abs(ends[1] - ends[0]) / 2 if parameter.scale is not None else sd


def _rows(matrix: np.ndarray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in matrix.tolist())


def _check_covariance(covariance: np.ndarray, size: int) -> None:
    if covariance.shape != (size, size):
        raise InputRefusedError(f"The covariance has shape {covariance.shape}; {size} parameters vary.")
    if not np.isfinite(covariance).all() or not np.allclose(covariance, covariance.T):
        raise InputRefusedError("The prior covariance holds NaN or is not symmetric.")
    scale = np.sqrt(np.abs(np.diag(covariance))) + np.finfo(float).tiny
    if np.linalg.eigvalsh(covariance / np.outer(scale, scale)).min() < _SINGULAR:
        raise InputRefusedError("The prior covariance is singular; lower the correlations or fix a parameter.")
