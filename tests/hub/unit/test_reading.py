"""Reading all logs as one, also while they are written."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from acre.hub.app import reading
from acre.hub.app.logbook import Logbook
from acre.hub.app.reading import read_events
from acre.hub.errors import AcreError


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading, "_PAUSE_SECONDS", 0.01)


@pytest.fixture
def logbook(tmp_path: Path) -> Logbook:
    logbook = Logbook(tmp_path, megabytes=1)
    for number in range(3):
        for component in ("hub", "front"):
            logbook.write(component, f"{component} {number}")
    return logbook


def _messages(events: Iterator[dict], count: int | None = None) -> list[str]:
    return [event["message"] for event in itertools.islice(events, count)]


def test_events_of_all_components_come_in_the_order_of_time(logbook: Logbook, tmp_path: Path):
    times = [event["time"] for event in read_events(tmp_path, None, last=100, follow=False)]
    assert len(times) == 6
    assert times == sorted(times)


@pytest.mark.parametrize(("last", "messages"), [(2, ["hub 1", "hub 2"]), (0, []), (99, ["hub 0", "hub 1", "hub 2"])])
def test_the_last_events_of_one_component(logbook: Logbook, tmp_path: Path, last: int, messages: list[str]):
    assert _messages(read_events(tmp_path, "hub", last=last, follow=False)) == messages


@pytest.mark.parametrize("component", ["hubb", "../secrets", "*", ""])
def test_an_unknown_component_is_told_which_there_are(logbook: Logbook, tmp_path: Path, component: str):
    with pytest.raises(AcreError, match="there are: front, hub"):
        list(read_events(tmp_path, component, last=1, follow=False))


@pytest.mark.parametrize("component", [None, "hub"])
def test_where_nothing_ran_there_are_no_logs_to_read(tmp_path: Path, component: str | None):
    with pytest.raises(AcreError, match="no environment has run there"):
        list(read_events(tmp_path / "none", component, last=1, follow=False))


@pytest.mark.parametrize("cut", ['{"time": "2026', "5", "null", "[]", "{}", '{"time": 1, "message": "x"}', "\\xff"])
def test_a_broken_line_is_shown_as_it_is(logbook: Logbook, tmp_path: Path, cut: str):
    with logbook.file("hub").open("a") as stream:
        stream.write(cut + "\n")
    logbook.write("hub", "after")
    events = list(read_events(tmp_path, "hub", last=100, follow=False))
    assert len(events) == 5
    (broken,) = [event for event in events if event["message"] == cut]
    assert (broken["level"], broken["component"]) == ("warning", "hub")
    assert events[-1]["message"] == "after"


def test_letters_that_look_like_the_end_of_a_line_are_none(logbook: Logbook, tmp_path: Path):
    logbook.write("hub", "one\u2028two\x85three")
    assert _messages(read_events(tmp_path, "hub", last=1, follow=False)) == ["one\u2028two\x85three"]


def test_new_events_are_followed_once_whole(logbook: Logbook, tmp_path: Path):
    events = read_events(tmp_path, "hub", last=1, follow=True)
    assert _messages(events, 1) == ["hub 2"]
    with logbook.file("hub").open("a") as stream:
        stream.write('{"time": "9", "component": "hub", "level": "info", "mess')
        stream.flush()
        logbook.write("front", "not asked for")
        stream.write('age": "in two pieces"}\n')
    assert _messages(events, 1) == ["in two pieces"]


def test_no_event_is_lost_when_a_log_is_put_aside(logbook: Logbook, tmp_path: Path):
    events = read_events(tmp_path, "hub", last=1, follow=True)
    assert _messages(events, 1) == ["hub 2"]
    for number in range(15):  # more than a megabyte: the last lines of the old log and the first of the new
        logbook.write("hub", f"{number} " + "x" * 100_000)
    assert logbook.file("hub").with_suffix(".jsonl.1").exists()
    assert [message.split()[0] for message in _messages(events, 15)] == [str(number) for number in range(15)]
