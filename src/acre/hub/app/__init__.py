"""Whole programs: the supervisor, the service, the demonstration, the examination of a machine."""
