"""Acre beside its peers, measured in the same run: ``python -m benchmarks [NAME]``.

A module here has a function ``measure`` that returns figures; :mod:`benchmarks.harness` says what a figure is.
"""
