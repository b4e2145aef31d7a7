"""Acre and its peer as things that are started, asked and stopped alike."""
