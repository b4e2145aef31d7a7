"""Solvers: from observations and a prior to a state with its uncertainty."""

from acre.assim.solve.chain import smooth
from acre.assim.solve.codes import Code
from acre.assim.solve.fourdvar import FourDVar, Series, SeriesSolution
from acre.assim.solve.map import MAP, Pixels, Solution
from acre.assim.solve.problem import Problem

__all__ = ["MAP", "Code", "FourDVar", "Pixels", "Problem", "Series", "SeriesSolution", "Solution", "smooth"]
