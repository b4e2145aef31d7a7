"""Solvers: from observations and a prior to a state with its uncertainty."""

from acre.assim.solve.codes import Code
from acre.assim.solve.map import MAP, Pixels, Solution
from acre.assim.solve.problem import Problem

__all__ = ["MAP", "Code", "Pixels", "Problem", "Solution"]
