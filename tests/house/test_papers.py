"""What the papers say of commands, targets, settings and files is so."""

import re
import shlex
import sys
from typing import get_args

import pytest
import typer

from acre.hub.config import Config
from acre.hub.config.files import known_keys
from acre.wire.clusters import EngineName, PlaceName

CODE = re.compile(r"^```(?:sh|text)?\n(.*?)^```|`([^`\n]+)`", flags=re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)#\s]+)")
TARGETS = re.compile(r"^([a-z-]+):", flags=re.MULTILINE)


@pytest.fixture(scope="session")
def papers(root, tree):
    return {path.relative_to(root): path.read_text(encoding="utf-8") for path in tree if path.suffix == ".md"}


def spoken(papers, program):
    """Every command line of a program that a paper shows, with the paper that shows it."""
    for path, text in papers.items():
        for match in CODE.finditer(text):
            for line in (match[1] or match[2]).splitlines():
                if line.removeprefix(".venv/bin/").startswith(f"{program} "):
                    yield path, shlex.split(line)[1:]


def follow(command, words):
    """Return the command that the words lead to, and the words left; refuse a word that leads nowhere."""
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        assert words[0] in command.commands, f"there is no command {words[0]!r}"
        command, words = command.commands[words[0]], words[1:]
    return command, words


def check_options(command, words):
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}
    unknown = {word.split("=")[0].strip("[]") for word in words if word.strip("[").startswith("-")} - known
    assert not unknown, f"no such option: {unknown}"


@pytest.fixture(scope="session")
def acre_command():
    from acre.hub.cli import app

    return typer.main.get_command(app)


def test_every_command_that_a_paper_shows_exists_with_its_options(papers, acre_command):
    shown = list(spoken(papers, "acre"))
    assert shown, "no paper shows a command"
    for path, words in shown:
        try:
            check_options(*follow(acre_command, words))
        except AssertionError as error:
            pytest.fail(f"{path}: acre {' '.join(words)}: {error}")


def test_every_make_target_that_a_paper_shows_exists(root, papers, acre_command):
    targets = set(TARGETS.findall((root / "Makefile").read_text(encoding="utf-8")))
    shown = list(spoken(papers, "make"))
    assert shown, "no paper shows a target"
    for path, words in shown:
        assert words[0] in targets, f"{path}: make {words[0]}"
        for word in words[1:]:
            if words[0] in {"up", "demo"} and word.startswith("args="):
                check_options(*follow(acre_command, [words[0], *shlex.split(word.removeprefix("args="))]))


def test_every_link_between_papers_leads_somewhere(root, papers):
    broken = [
        f"{path}: {link}"
        for path, text in papers.items()
        for link in LINK.findall(text)
        if "://" not in link and not (root / path.parent / link).exists()
    ]
    assert not broken


def test_every_file_that_the_house_papers_name_exists(root, papers):
    for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"):
        text = next(text for path, text in papers.items() if str(path) == name)
        named = re.findall(r"`((?:docs|tests|constraints|benchmarks)/[\w./-]*|[\w-]+\.(?:md|toml))`", text)
        missing = [path for path in named if not (root / path).exists() and not path.startswith("docs/_build")]
        assert not missing, f"{name} names {missing}"


@pytest.fixture(scope="session")
def generated(root):
    sys.path.insert(0, str(root / "docs" / "_ext"))
    import generated

    return generated


def test_the_reference_holds_every_setting_with_its_meaning(generated):
    rows = {row.split("`")[1]: row.rstrip(" |").rsplit("|", 1)[1].strip() for row in generated._rows(Config, "")}
    assert list(rows) == list(known_keys())
    assert all(rows.values())


def test_the_reference_holds_every_command_with_its_help(generated, acre_command):
    page = "\n".join(generated._describe(acre_command, "acre"))
    for words in ("up", "status", "logs", "user add", "user list", "user remove", "doctor", "demo", "config show"):
        command, rest = follow(acre_command, words.split())
        assert not rest
        assert command.help, f"acre {words} has no help"
        assert f"## `acre {words}`" in page


def test_the_glossary_has_the_words_of_the_wire(papers):
    text = next(text for path, text in papers.items() if path.name == "glossary.md")
    for word in (*get_args(EngineName), *get_args(PlaceName)):
        assert f"`{word}`" in text


def test_a_decision_says_the_problem_the_choice_and_what_was_rejected(papers):
    pages = {path: text for path, text in papers.items() if path.parent.name == "decisions" and path.stem != "index"}
    assert pages
    for path, text in pages.items():
        assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == ["Problem", "Choice", "Rejected"], path
        assert text.startswith(f"# {int(path.name[:4])}. "), f"{path} does not begin with its number"
    numbers = sorted(int(path.name[:4]) for path in pages)
    assert numbers == list(range(1, len(numbers) + 1)), "a number is missing, or used twice"


def test_a_change_has_a_kind_and_at_most_three_sentences(papers, generated):
    for path, text in papers.items():
        if path.parent.name == "changes" and path.name != "README.md":
            assert path.name.split(".")[1] in generated.KINDS, path
            assert 1 <= len(text.splitlines()) <= 3, path


def test_prose_has_one_sentence_on_a_line(papers):
    begins_another = re.compile(r"^[^|`>#\s-][^`]*[a-z]{3}[.!?] [A-Z][a-z]+ ")
    offending = [
        f"{path}: {line[:70]}"
        for path, text in papers.items()
        if path.parts[0] == "docs" or len(path.parts) == 1
        for line in re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL).splitlines()
        if begins_another.match(line)
    ]
    assert not offending
