"""Caddy's configuration: nothing but a valid name becomes part of a path."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acre.hub.app.front import front_config
from acre.hub.app.supervisor import STARTING_PAGE
from acre.hub.config import Config, Front, Home, Logs
from acre.hub.domain.names import check_name
from acre.hub.errors import InvalidNameError


@pytest.fixture
def server(home: Home) -> dict:
    return front_config(Config(), home, STARTING_PAGE)["apps"]["http"]["servers"]["front"]


def _dials(routes: list[dict]) -> list[str]:
    return [up["dial"] for route in routes for one in route["handle"] for up in one.get("upstreams", [])]


def _pattern(server: dict) -> re.Pattern[str]:
    (pattern,) = [
        match["path_regexp"]["pattern"]
        for route in server["routes"]
        for match in route.get("match", [])
        if "path_regexp" in match
    ]
    return re.compile(pattern.replace("$)", r"\Z)"), re.ASCII)  # Go's $ is the very end


HOME = Home(Path("/state"), Path("/run/acre"))


@given(
    st.text(max_size=40) | st.from_regex(r"[a-z./%\n-]{1,10}", fullmatch=True),
    st.sampled_from(["", "/", "/lab", "/.."]),
)
def test_only_a_valid_name_reaches_a_socket(name: str, rest: str):
    server = front_config(Config(), HOME, STARTING_PAGE)["apps"]["http"]["servers"]["front"]
    match = _pattern(server).search(f"/user/{name}{rest}")
    if match is None:
        with pytest.raises(InvalidNameError):
            check_name(name)
    else:
        assert check_name(match[1]) == match[1]


@pytest.mark.parametrize(
    "path",
    [
        "/user/../x",
        "/user/Ada/",
        "/user//",
        "/user/",
        "/user",
        "/x/user/ada/",
        "/user/ada\n",
        "/user/.ada/",
        "/users/ada",
    ],
)
def test_hostile_paths_go_to_the_hub(server: dict, path: str):
    assert _pattern(server).search(path) is None


def test_each_route_has_its_socket_and_the_hub_takes_the_rest(server: dict, home: Home):
    assert _dials(server["routes"]) == [
        f"unix/{home.routes}/user-{{http.regexp.user.1}}.sock",
        f"unix/{home.service_socket}",
        f"unix/{home.routes}/hub.sock",
    ]
    assert "match" not in server["routes"][-1]
    assert _dials(server["errors"]["routes"]) == [f"unix/{home.routes}/hub.sock"]


def test_the_administrators_door_of_caddy_is_shut(home: Home):
    config = front_config(Config(), home, STARTING_PAGE)
    assert config["admin"]["disabled"] is True
    assert config["storage"]["root"].startswith(str(home.root))


@pytest.mark.parametrize(("address", "listen"), [("127.0.0.1", "127.0.0.1:8200"), ("::1", "[::1]:8200")])
@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_caddy_accepts_it(home: Home, tmp_path: Path, address: str, listen: str, level: str):
    config = front_config(Config(front=Front(address=address, port=8200), logs=Logs(level=level)), home, STARTING_PAGE)
    assert config["apps"]["http"]["servers"]["front"]["listen"] == [listen]
    (tmp_path / "front.json").write_text(json.dumps(config))
    result = subprocess.run(
        [Path(sys.executable).parent / "caddy", "validate", "--config", tmp_path / "front.json"],
        env={"HOME": str(tmp_path)}, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "Valid configuration" in result.stdout + result.stderr


def test_the_page_of_a_hub_that_starts_says_to_come_back(server: dict):
    (page,) = server["errors"]["routes"][-1]["handle"]
    assert page["status_code"] == "503"
    assert page["headers"]["Retry-After"] == ["2"]
    assert "<html" in page["body"]
    assert "{http." not in page["body"]
