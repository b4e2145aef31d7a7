"""Decisions as pure functions of plain values."""
