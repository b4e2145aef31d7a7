"""Tutorials: kept as text, delivered as notebooks."""

import json
from pathlib import Path

import pytest

from acre.hub.app import tutorials
from acre.hub.app.tutorials import describe, render_tutorials, tutorial_sources
from acre.hub.config import Home

TEXT = (
    "---\nkernelspec:\n  name: python3\n  display_name: Python 3\n---\n\n"
    "# Leaf area\n\nYou map leaves.\nMore.\n\n```{code-cell}\n1 + 1\n```\n"
)


def test_a_tutorial_is_described_by_its_heading_and_first_sentence():
    entry = describe(TEXT)
    assert (entry["title"], entry["file"], entry["summary"]) == ("Leaf area", "Leaf area.ipynb", "You map leaves.")
    assert describe(TEXT + " ")["digest"] != entry["digest"]


@pytest.mark.parametrize(
    "text", ["", "no heading", "# Only a heading\n", "# Heading\n\n## Another\n", "## Second\n\nText.\n"]
)
def test_a_text_that_is_no_tutorial_is_refused(text: str):
    with pytest.raises(ValueError, match="begins with a heading and a sentence"):
        describe(text)


@pytest.mark.parametrize("title", ["LAI/FAPAR", "../x", ".hidden", "/etc/x"])
def test_a_heading_that_is_no_file_name_is_refused(title: str):
    with pytest.raises(ValueError, match="cannot be one"):
        describe(f"# {title}\n\nText.\n")


def test_our_own_tutorials_can_be_delivered():
    entries = [describe(source.read_text()) for source in tutorial_sources()]
    assert entries
    assert len({entry["file"] for entry in entries}) == len(entries)


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tutorials, "tutorial_sources", lambda: sorted(tmp_path.glob("*.md")))
    (tmp_path / "a.md").write_text(TEXT)
    (tmp_path / "b.md").write_text("# Second\n\nAnother.\n")
    return tmp_path


def test_texts_become_notebooks_and_an_index(home: Home, texts: Path):
    render_tutorials(home)
    notebook = json.loads((home.start_here / "Leaf area.ipynb").read_text())
    assert [cell["cell_type"] for cell in notebook["cells"]] == ["markdown", "code"]
    assert [one["title"] for one in json.loads((home.start_here / "index.json").read_text())] == ["Leaf area", "Second"]


def test_nothing_is_rendered_again_until_a_text_changes(home: Home, texts: Path):
    render_tutorials(home)
    notebook = home.start_here / "Leaf area.ipynb"
    notebook.write_text("as it was")
    render_tutorials(home)
    assert notebook.read_text() == "as it was"
    (texts / "a.md").write_text(TEXT + "\nNew.\n")
    (texts / "b.md").unlink()
    render_tutorials(home)
    assert "New." in notebook.read_text()
    assert {file.name for file in home.start_here.iterdir()} == {"Leaf area.ipynb", "index.json"}


@pytest.mark.parametrize("cut", ["", '[{"title": "Le', "null"])
def test_an_index_that_was_cut_short_is_made_again(home: Home, texts: Path, cut: str):
    (home.start_here / "index.json").write_text(cut)
    render_tutorials(home)
    assert len(json.loads((home.start_here / "index.json").read_text())) == 2
    assert (home.start_here / "Second.ipynb").exists()
