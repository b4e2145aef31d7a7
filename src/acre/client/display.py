"""How a cluster shows itself in a notebook and in a terminal."""

import html
from collections.abc import Mapping

__all__ = ["as_html", "as_text"]

_CELL = "text-align:left;padding:.15em .8em .15em 0"


def as_text(facts: Mapping[str, str]) -> str:
    """One line: ``<acre.Cluster engine=dask, ...>``."""
    return "<acre.Cluster " + ", ".join(f"{name}: {value}" for name, value in facts.items() if value) + ">"


def as_html(facts: Mapping[str, str]) -> str:
    """A small table with a row for each fact, readable in light and dark."""
    rows = "".join(
        f'<tr><th scope="row" style="{_CELL};font-weight:600">{html.escape(name)}</th>'
        f'<td style="{_CELL}">{html.escape(value)}</td></tr>'
        for name, value in facts.items()
        if value
    )
    return (
        f'<table style="margin:0"><caption style="text-align:left">acre.Cluster</caption><tbody>{rows}</tbody></table>'
    )
