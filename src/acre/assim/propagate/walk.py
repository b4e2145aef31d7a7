"""Weak-constraint dynamics: random walks that the prior holds, at irregular dates.

A free random walk contradicts the prior: its variance grows for ever, and where the prior is imposed on each date
beside it, the same knowledge is counted once per date.  So the walks are the stationary processes whose variance is the
prior's at every date: order 1 is the Ornstein–Uhlenbeck process, order 2 the Matérn process of smoothness 3/2
(Hartikainen and Särkkä 2010).  Over times short beside their memory they are the random walk and the integrated random
walk, and with a wide prior they are so for ever.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.special import gammainc

from acre.assim.state import lookup
from acre.assim.types import InputRefusedError

__all__ = ["Chain", "RandomWalk"]

_LEAST_CHANGE = 1e-8
"""Variance of the smallest change between two dates, in units of the prior's; so constant is constant to 1e-4."""
_CLOSEST = 1e-3
"""Two dates of an order 2 walk are treated as at least this share of its memory apart, to keep digits."""

_OTHERS = {1: 0.1, 2: 0.005}


class Chain(NamedTuple):
    """Precision of a series before any observation, in units of the prior's standard deviation.

    The state of a date is (parameters) for order 1, and (parameters, rates) for order 2.

    Attributes:
        diagonal: Blocks of each date, shape (dates, n, n).
        beside: Blocks between a date and the next, shape (dates − 1, n, n), or (dates − 1, n) where all are diagonal.
    """

    diagonal: np.ndarray
    beside: np.ndarray


@dataclass(frozen=True)
class RandomWalk:
    """Every parameter drifts; how much per day is its strength.

    Without observations every date has the prior.  With a strength q and a prior of standard deviation σ, order 1
    forgets what it saw within 2σ²/q² days.  Correlations of the prior hold at all dates if the strengths are alike
    in units of the prior; else they fade with time.

    Attributes:
        order: 1 for a walk of the parameter, 2 for a walk of its rate of change, which is smoother.
        strength: Per parameter the standard deviation of its change in one day (order 1), or of the change of its daily
            rate in one day (order 2), in physical units at the prior's median; 0 holds it constant in time.
        others: Of the parameters that are not named, the same in units of the prior's standard deviation.  The default
            is 0.1 for order 1 and 0.005 for order 2, which are memories of some 200 and 50 days.
    """

    order: int = 1
    strength: Mapping[str, float] = field(default_factory=dict, hash=False)
    others: float | None = None

    def __post_init__(self) -> None:
        if self.order not in (1, 2):
            raise InputRefusedError(f"The order of a random walk is 1 or 2, not {self.order!r}.")
        others = _OTHERS[self.order] if self.others is None else self.others
        object.__setattr__(self, "others", others)
        for name, value in {**self.strength, "others": others}.items():
            if name != "others":
                lookup(name)
            if not (np.isfinite(value) and value >= 0):
                raise InputRefusedError(
                    f"The strength of {name} is {value}; give a standard deviation per day, or 0 for constant in time."
                )
        object.__setattr__(self, "strength", dict(self.strength))

    def shares(self, names: tuple[str, ...], mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
        """Strengths in transformed space and in units of the prior's standard deviation.

        Args:
            names: Parameters of the state.
            mean: Of the prior, transformed, shape (parameters,).
            sd: Of the prior, transformed, same shape.

        Returns:
            Shape (parameters,).

        Raises:
            InputRefusedError: A strength was given for a parameter that does not vary.
        """
        strange = [name for name in self.strength if name not in names]
        if strange:
            raise InputRefusedError(f"{', '.join(strange)} has a strength but the prior fixes it; {names} vary.")
        scales = [lookup(name).scale for name in names]
        slopes = [1.0 if scale is None else z / scale for scale, z in zip(scales, mean, strict=True)]
        rows = zip(names, slopes, sd, strict=True)
        return np.array([self.strength[n] * slope / s if n in self.strength else self.others for n, slope, s in rows])

    def chain(self, days: np.ndarray, shares: np.ndarray, correlation: np.ndarray) -> Chain:
        """Work out the precision of a series.

        Args:
            days: Dates in days from any origin, rising, shape (dates,).
            shares: From `shares`.
            correlation: Of the prior, shape (parameters, parameters).

        Returns:
            The chain, in float64.
        """
        move, spread = self._steps(np.diff(days), shares)
        sharp = np.kron(np.eye(self.order), np.linalg.inv(correlation))
        left = _scatter(np.linalg.inv(spread))
        precision = left.swapaxes(1, 2) @ sharp @ left
        forward = _scatter(move)
        diagonal = np.zeros((len(days), *sharp.shape))
        diagonal[0] = sharp
        diagonal[1:] += precision
        diagonal[:-1] += forward.swapaxes(1, 2) @ precision @ forward
        beside = -forward.swapaxes(1, 2) @ precision
        if self.order == 1 and np.array_equal(correlation, np.diag(np.diag(correlation))):
            beside = np.diagonal(beside, axis1=1, axis2=2)
        return Chain(diagonal, beside)

    def _steps(self, gaps: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Transitions, and Cholesky factors of their noise, shape (gaps, parameters, order, order)."""
        if self.order == 1:
            change = np.maximum(-np.expm1(-gaps[:, None] * shares**2), _LEAST_CHANGE)
            return np.sqrt(1 - change)[..., None, None], np.sqrt(change)[..., None, None]
        x = np.maximum(gaps[:, None] * (shares / 2) ** (2 / 3), _CLOSEST)
        move = _matrices(1 + x, x, -x, 1 - x) * np.exp(-x)[..., None, None]
        lost = gammainc(3, 2 * x)
        mixed = 2 * x**2 * np.exp(-2 * x)
        spread = np.linalg.cholesky(_matrices(lost, mixed, mixed, lost + 4 * x * np.exp(-2 * x)))
        move[:, shares == 0] = np.diag([np.sqrt(1 - _LEAST_CHANGE), 0.0])
        spread[:, shares == 0] = np.diag([np.sqrt(_LEAST_CHANGE), 1.0])
        return move, spread


def _matrices(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Two by two matrices [[a, b], [c, d]], shape (…, 2, 2)."""
    return np.stack([np.stack([a, b], -1), np.stack([c, d], -1)], -2)


def _scatter(small: np.ndarray) -> np.ndarray:
    """A matrix per parameter, (gaps, n, m, m), as one that acts on m groups of n, shape (gaps, m n, m n)."""
    gaps, n, m, _ = small.shape
    whole = np.zeros((gaps, m, n, m, n))
    whole[:, :, np.arange(n), :, np.arange(n)] = small.transpose(1, 0, 2, 3)
    return whole.reshape(gaps, m * n, m * n)
