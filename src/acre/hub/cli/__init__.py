"""The ``acre`` command."""

from acre.hub.cli.main import app, main

__all__ = ["app", "main"]
