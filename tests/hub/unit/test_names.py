"""What is accepted as a name is safe wherever a name goes."""

import os
import re
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acre.hub.config import Home
from acre.hub.domain.names import NAME_PATTERN, check_name
from acre.hub.errors import InvalidNameError
from acre.hub.jupyter.routes import link_name

HOSTILE = [
    "", ".", "..", "...", "../x", "a/b", "a/../b", "/a", "a/", "a%2fb", "%2e%2e", "a%00", "a\0", "a\n", "\na", "a\r\n",
    "ada ", " ada", "a b", "Ada", "ADA", "adä", "\uff41da", "\u0430da", "a\u202e", "٣", "a٣", "1ada", "-ada",
    "_ada", ".ada", "a" * 33, "a" * 10_000, "a;b", "a$b", "a`b", "a'b", 'a"b', "a*b", "a?b", "a#b",
    "a@b", "a:b", "a\\b", "a{b}", "~a",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_are_refused_in_a_short_sentence(name: str):
    with pytest.raises(InvalidNameError) as error:
        check_name(name)
    assert len(str(error.value)) < 250
    assert "\n" not in str(error.value)
    assert "\0" not in str(error.value)
    with pytest.raises(ValueError, match=r"name|route"):
        link_name(f"/user/{name}x/" if name.endswith("/") else f"/user/{name}/")


@given(st.from_regex(NAME_PATTERN, fullmatch=True) | st.text(max_size=40))
def test_an_accepted_name_is_safe_everywhere(name: str):
    try:
        check_name(name)
    except InvalidNameError:
        assert not re.fullmatch("[a-z][a-z0-9]{0,31}", name)
        return
    assert quote(name, safe="") == name
    assert name == name.lower()
    people = Path("/state/people")
    assert Path(os.path.normpath(people / name)).parent == people
    assert Path(os.path.normpath(people / name)).name == name
    assert name not in {".", ".."}
    socket = Home.at(Path("/state")).routes / link_name(f"/user/{name}/")
    assert len(os.fsencode(socket)) < 108


@given(st.lists(st.from_regex(NAME_PATTERN, fullmatch=True), unique=True, min_size=2, max_size=2))
def test_no_two_people_share_a_file_among_the_routes(names: list[str]):
    def files(name: str) -> set[str]:
        link = Path(link_name(f"/user/{name}/"))
        return {str(link), str(link.with_suffix(".json")), str(link.with_suffix(".draft"))}

    assert files(names[0]).isdisjoint(files(names[1]))
    assert files(names[0]).isdisjoint({"hub.sock", "hub.json", "hub.draft"})
