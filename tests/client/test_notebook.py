"""The example notebook runs from top to bottom, and nothing splashes into it."""

import time
from pathlib import Path

import jupytext
import nbclient
import pytest

import acre

EXAMPLE = Path(__file__).parents[2] / "examples/your-own-code-in-parallel.md"
CELLS = """
import acre
with acre.Cluster(workers=1, engine=ENGINE) as cluster:
    print(len(cluster.map(lambda n: n + 1, range(10))))
"""


def run(notebook, folder):
    nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": folder}}
    ).execute()
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def texts(outputs):
    return [output.text for output in outputs if output.output_type == "stream" and output.name == "stdout"]


@pytest.mark.long
def test_the_example_runs_and_says_only_what_it_should(tmp_path, cluster_folders):
    before = cluster_folders()
    began = time.monotonic()
    outputs = run(jupytext.read(EXAMPLE), tmp_path)
    assert time.monotonic() - began < 90
    assert [output for output in outputs if output.output_type == "stream" and output.name == "stderr"] == []
    assert [output for output in outputs if output.output_type == "error"] == []
    told = "".join(texts(outputs))
    assert "s in a loop" in told
    shown = [output.get("data", {}).get("text/plain", "") for output in outputs]
    assert sum("I am process" in text for text in shown) == 2
    assert "taken = wanted * min(1.0, 2 * water / capacity)" in told
    assert "items[1] of 2: 0.0" in told
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert cluster_folders() <= before


@pytest.mark.long
@pytest.mark.parametrize("engine", ["dask", "ipyparallel"])
def test_a_short_map_in_a_notebook_prints_nothing_of_its_own(engine, tmp_path):
    import nbformat

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELLS.replace("ENGINE", repr(engine)))])
    outputs = run(notebook, tmp_path)
    assert [(output.name, output.text) for output in outputs if output.output_type == "stream"] == [("stdout", "10\n")]
    assert acre.clusters() == []
