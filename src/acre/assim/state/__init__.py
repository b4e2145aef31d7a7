"""The state of the land surface: parameters, transforms, and summaries of what is known about them."""

from acre.assim.state.marginals import QUANTILES, Marginal, summarise
from acre.assim.state.parameters import PARAMETERS, Parameter, Transforms, lookup

__all__ = ["PARAMETERS", "QUANTILES", "Marginal", "Parameter", "Transforms", "lookup", "summarise"]
