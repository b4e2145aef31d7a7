"""The harness of the benchmarks keeps its form."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
from benchmarks import harness, timing
from pydantic import ValidationError

GOOD = {
    "figure": "cups of tea", "unit": "1/h", "ours": 6.0, "peer": 2.0, "peer_name": "a kettle", "ratio": 3.0,
    "goal": 5.0, "met": True,
}  # fmt: skip


def test_a_figure_without_a_peer_has_no_ratio():
    alone = harness.Figure(**{**GOOD, "peer": None, "peer_name": "", "ratio": None})
    assert alone.peer is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"ratio": None},
        {"peer": None},
        {"peer_name": ""},
        {"met": None},
        {"goal": None},
        {"ours": float("nan")},
        {"x": 1},
    ],
    ids=str,
)
def test_a_figure_that_contradicts_itself_is_refused(wrong):
    with pytest.raises(ValidationError):
        harness.Figure(**{**GOOD, **wrong})


@pytest.fixture
def tea(monkeypatch, tmp_path):
    monkeypatch.setattr(harness, "RESULTS", tmp_path / "benchmarks" / "results")
    monkeypatch.setattr(harness, "FOLDER", tmp_path / "benchmarks")
    (tmp_path / "benchmarks").mkdir()
    module = SimpleNamespace(measure=lambda: [GOOD])
    monkeypatch.setitem(sys.modules, "benchmarks.tea", module)
    return module


def test_the_results_are_a_list_of_figures_with_their_circumstances(tea, capsys):
    harness.run("tea")
    [row] = json.loads((harness.RESULTS / "tea.json").read_text())
    assert {key: row[key] for key in GOOD} == GOOD
    assert set(row) == {*GOOD, "circumstances"}
    assert {"cores", "commit", "versions", "python"} <= set(row["circumstances"])
    assert "cups of tea" in capsys.readouterr().out


def test_nothing_is_written_when_a_figure_has_the_wrong_form(tea):
    tea.measure = lambda: [{"figure": "half"}]
    with pytest.raises(ValidationError):
        harness.run("tea")
    assert not harness.RESULTS.exists()


def test_an_unknown_benchmark_is_refused_with_the_nearest(root, monkeypatch):
    monkeypatch.setattr(harness, "names", lambda: ["assim", "clusters", "pods"])
    with pytest.raises(harness.UnknownBenchmarkError, match="did you mean 'assim'"):
        harness.choose(["asim"])
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks", "nonsense"], cwd=root, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "There is no benchmark 'nonsense'" in ended.stderr


def test_ours_and_the_peer_are_called_in_turn():
    calls = []
    timing.alternate(lambda: calls.append("ours"), lambda: calls.append("peer"), repeats=2, warm_up=1)
    assert calls == ["ours", "peer"] * 3
