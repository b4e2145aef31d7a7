"""Logs: parsed, without secrets, always readable, bounded."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acre.hub.app.logbook import Logbook, clean, parse, redact

SECRET = "s3cr3tV4lue-abc_DEF0123456789xyz"


@pytest.fixture
def logbook(tmp_path: Path) -> Logbook:
    return Logbook(tmp_path, megabytes=1)


def _events(logbook: Logbook, component: str) -> list[dict]:
    return [json.loads(line) for line in logbook.file(component).read_text().split("\n")[:-1]]


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (
            "[I 2026-11-22 12:00:00.123 JupyterHub log:192] 200 GET /hub/home (ada@) 5.1ms",
            {"level": "info", "message": "200 GET /hub/home (ada@) 5.1ms", "source": "JupyterHub log:192"},
        ),
        (
            "[E 2026-11-22 12:00:00 JupyterHub app:1] no",
            {"level": "error", "message": "no", "source": "JupyterHub app:1"},
        ),
        ("[C 1 2 A] x", {"level": "critical", "message": "x", "source": "A"}),
        ("INFO:     Started server process [7]", {"level": "info", "message": "Started server process [7]"}),
        ("ERROR:    Exception in ASGI application", {"level": "error", "message": "Exception in ASGI application"}),
        ('{"level":"warn","ts":1.5,"msg":"m","logger":"http"}', {"level": "warning", "message": "m", "logger": "http"}),
        ('{"level":"INFO","message":"m"}', {"level": "info", "message": "m"}),
        ("{not json", {"message": "{not json"}),
        ("{}", {"level": "info", "message": ""}),
        ("plain", {"message": "plain"}),
        ("", {"message": ""}),
        ("[Z nothing of ours]", {"message": "[Z nothing of ours]"}),
    ],
)
def test_each_components_lines_are_understood(line: str, event: dict):
    assert parse(line) == event


@pytest.mark.parametrize(
    "line",
    [
        "GET /user/ada/lab?token={} HTTP/1.1",
        "GET /x?a=1&access_token={}&b=2",
        "GET /hub/login?next=%2Fuser%2Fada%2Flab%3Ftoken%3D{}",
        "GET /hub/login?next=%252Flab%253Ftoken%253D{}%2526b",
        "GET /hub/oauth_callback?code={}&state={}",
        "GET /hub/login?_xsrf={}",
        "Authorization: token {}",
        "Authorization: Bearer {}",
        "authorization: Basic {}",
        "Authorization:token {}",
        "{{'Authorization': 'token {}'}}",
        '{{"Authorization": ["Bearer {}"]}}',
        "Cookie: jupyterhub-user-ada={}; jupyterhub-session-id={}; _xsrf={}",
        'headers: {{"Cookie": "a={}; b={}"}}',
        "Set-Cookie: jupyterhub-hub-login={}; HttpOnly; Path=/hub/",
        "Setting new xsrf cookie for b'{}' {{'path': '/'}}",
        "JUPYTERHUB_API_TOKEN={}",
        "api_token: {}",
        "X-XSRFToken: {}",
        "password={}",
        "{{'username': 'ada', 'password': '{}', 'password_again': '{}'}}",
        '{{\\"token\\": \\"{}\\"}}',
        "client_secret={}",
        "ACRE_SECRET_OPERATOR={}",
        "http://127.0.0.1/hub/welcome#code={}",
        "invalid token {} was shown",
        "token='{}'",
        "b'token={}'",
    ],
)
def test_no_secret_stands_in_the_log(logbook: Logbook, line: str):
    text = line.replace("{{", "{").replace("}}", "}").replace("{}", SECRET)
    assert SECRET not in redact(text)
    assert "[hidden]" in redact(text)
    logbook.write("hub", f"[W 2026-11-22 12:00:00.1 JupyterHub a:1] {text}")
    logbook.write("front", json.dumps({"level": "info", "msg": "handled", "request": {"uri": text, "list": [text]}}))
    for component in ("hub", "front"):
        assert SECRET not in logbook.file(component).read_text()
        assert len(_events(logbook, component)) == 1


@pytest.mark.parametrize(
    "key", ["Authorization", "Cookie", "Set-Cookie", "X-Xsrftoken", "token", "api_token", "password", "client_secret"]
)
def test_no_secret_stands_in_a_field_however_deep(key: str):
    event = {
        "request": {"headers": {key: [f"a={SECRET}; b={SECRET}"], "Host": ["x"]}, "list": [[{key: {"a": SECRET}}]]}
    }
    cleaned = json.dumps(clean(event))
    assert SECRET not in cleaned
    assert '"Host": ["x"]' in cleaned


@pytest.mark.parametrize(
    "line",
    ["200 GET /hub/home (ada@127.0.0.1) 5.1ms", "ada's server is ready", "Started server process [7]", "port 8000"],
)
def test_what_is_no_secret_stays(line: str):
    assert redact(line) == line


@pytest.mark.parametrize("text", ["token", "token ", "cookie", "token\\", "%25", "bearer ", "secret-", "a"])
def test_a_hostile_line_takes_no_time(text: str):
    began = time.perf_counter()
    redact(text * 20_000)
    assert time.perf_counter() - began < 1


@given(st.text(max_size=300), st.sampled_from(["", "  ", "{", '{"msg": ', "INFO: ", "[I a b c] "]))
def test_whatever_is_said_becomes_one_line_of_json(tmp_path_factory: pytest.TempPathFactory, text: str, start: str):
    logbook = Logbook(tmp_path_factory.mktemp("logs"), megabytes=1)
    logbook.write("hub", start + text)
    (event,) = _events(logbook, "hub")
    assert event.keys() >= {"time", "component", "level", "message"}
    assert event["component"] == "hub"


@pytest.mark.parametrize("line", ['{"msg": "\\ud800"}', '{"msg": NaN}', '{"level": 5, "msg": {"a": 1}}'])
def test_strange_json_is_kept_as_one_line(logbook: Logbook, line: str, capsys: pytest.CaptureFixture[str]):
    logbook.write("front", line)
    assert len(_events(logbook, "front")) == 1
    assert capsys.readouterr().err == ""


def test_a_component_cannot_speak_for_another(logbook: Logbook):
    logbook.write("front", '{"component": "hub", "time": "1999", "level": "info", "msg": "m", "extra": 1}')
    (event,) = _events(logbook, "front")
    assert (event["component"], event["extra"]) == ("front", 1)
    assert event["time"].startswith("20")


def test_the_rest_of_a_traceback_keeps_its_level(logbook: Logbook):
    lines = [
        "[I 1 2 JupyterHub] before", "[E 1 2 JupyterHub] Uncaught exception", "    Traceback (most recent call last):",
        '      File "x.py", line 1', "", "ValueError: no", "[I 1 2 JupyterHub] after",
    ]  # fmt: skip
    for line in lines:
        logbook.write("hub", line)
        logbook.write("service", "INFO:     in between")
    assert [event["level"] for event in _events(logbook, "hub")] == ["info", *["error"] * 5, "info"]


def test_a_log_is_put_aside_when_it_is_large(logbook: Logbook, tmp_path: Path):
    for number in range(30):
        logbook.write("hub", f"{number} " + "x" * 100_000)
    sizes = {file.name: file.stat().st_size for file in tmp_path.iterdir()}
    assert set(sizes) == {"hub.jsonl", "hub.jsonl.1"}
    assert max(sizes.values()) <= 2**20
    last = _events(logbook, "hub")[-1]
    assert last["message"].startswith("29 ")


def test_what_was_hidden_before_is_hidden_once():
    assert redact("GET /x?code=[secret]&b=2") == "GET /x?code=[hidden]&b=2"
