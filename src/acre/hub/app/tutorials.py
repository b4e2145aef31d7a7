"""The tutorials: kept as text, delivered as notebooks."""

import hashlib
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import acre
from acre.hub.config import Home

__all__ = ["describe", "render_tutorials", "tutorial_sources"]

_INDEX = "index.json"


def tutorial_sources() -> list[Path]:
    """Return the texts: of the checkout, or as they were installed."""
    checkout = Path(acre.__file__).resolve().parents[2] / "examples"
    folder = checkout if checkout.is_dir() else Path(str(files(acre))) / "examples"
    return sorted(folder.glob("*.md"))


def render_tutorials(home: Home) -> None:
    """Make notebooks of the texts that changed, remove those whose text is gone, and write an index of all."""
    index = home.start_here / _INDEX
    texts = [source.read_text(encoding="utf-8") for source in tutorial_sources()]
    now = [describe(text) for text in texts]
    if _read(index) == now:
        return
    import jupytext  # noqa: PLC0415 -- slow, and needed only when a text changed

    for old in home.start_here.glob("*.ipynb"):
        old.unlink()
    for text, entry in zip(texts, now, strict=True):
        jupytext.write(jupytext.reads(text, fmt="md:myst"), home.start_here / entry["file"], fmt="ipynb")
    index.write_text(json.dumps(now))


def describe(text: str) -> dict[str, str]:
    """Return title, file name, first sentence and digest of a tutorial.

    Raises:
        ValueError: If it has no heading followed by a sentence, or the heading cannot be the name of a file.
    """
    match = re.search(r"^# (?P<title>.+)\n+(?P<summary>[^\n#][^\n]*)", text, flags=re.MULTILINE)
    if match is None:
        raise ValueError("a tutorial begins with a heading and a sentence that says what one does in it")
    title = match["title"].strip()
    if "/" in title or title.startswith("."):
        raise ValueError(f"the heading of a tutorial is also the name of its file, and {title!r} cannot be one")
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"title": title, "file": f"{title}.ipynb", "summary": match["summary"].strip(), "digest": digest}


def _read(index: Path) -> Any:
    """An index that was cut short is made again."""
    try:
        return json.loads(index.read_text())
    except (FileNotFoundError, ValueError):
        return None
