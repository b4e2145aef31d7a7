"""``Cluster.map``: order, errors, arrays, what cannot travel."""

import threading
import traceback

import numpy as np
import pytest

from acre.client import NotShippableError
from acre.client.mapping import Chunking


class FieldError(Exception):
    def __init__(self, field, value):
        super().__init__(f"{field} is {value}")


def test_results_come_in_the_order_of_the_items(cluster):
    def later_first(number):
        import time

        time.sleep(0.05 if number < 2 else 0)
        return number * number

    assert cluster.map(later_first, range(40), progress=False) == [number * number for number in range(40)]


def test_no_items_give_no_results(cluster):
    assert cluster.map(str, []) == []


def test_the_items_run_on_more_than_one_process(cluster):
    import os

    def where(_):
        import time

        time.sleep(0.02)
        return os.getpid()

    processes = set(cluster.map(where, range(20)))
    assert len(processes) == 2
    assert os.getpid() not in processes


def test_an_error_keeps_its_class_and_shows_the_remote_line_and_the_item(cluster):
    def invert(number):
        return 1 / (number - 5)  # the line that fails

    with pytest.raises(ZeroDivisionError) as caught:
        cluster.map(invert, range(20), progress=False)
    told = "".join(traceback.format_exception(caught.value))
    assert "on the worker" in told
    assert "return 1 / (number - 5)  # the line that fails" in told
    assert "items[5] of 20: 5" in told
    assert "shipping.py" not in told
    assert "_run_chunk" not in told


def test_an_error_chained_on_the_worker_tells_both_causes(cluster):
    def chained(_):
        try:
            return {}["missing"]
        except KeyError as error:
            raise ValueError("no such station") from error

    with pytest.raises(ValueError, match="no such station") as caught:
        cluster.map(chained, [1])
    assert "KeyError: 'missing'" in "".join(traceback.format_exception(caught.value))


def test_an_error_class_that_does_not_unpickle_still_tells_its_message(cluster):
    def broken(_):
        raise FieldError("rain", -1)

    with pytest.raises(RuntimeError, match="rain is -1"):
        cluster.map(broken, [1])


def test_a_function_that_exits_is_an_error_and_keeps_the_worker(cluster):
    with pytest.raises(RuntimeError, match=r"called exit\(3\)"):
        cluster.map(lambda _: exit(3), [1])  # noqa: PLR1722 - what a person would write
    assert cluster.map(abs, [-1]) == [1]


def test_arrays_travel_there_and_back_and_are_writable(cluster):
    fields = [np.arange(50_000, dtype=np.float64) + number for number in range(4)]

    def add_one(field):
        field += 1
        return field

    doubled = cluster.map(add_one, fields)
    for field, result in zip(fields, doubled, strict=True):
        np.testing.assert_array_equal(result, field + 1)
        result[0] = 0


def test_a_closure_over_an_array_travels(cluster):
    weights = np.linspace(0, 1, 20_000)
    assert cluster.map(lambda factor: float(factor * weights.sum()), [1, 2]) == pytest.approx([10_000, 20_000])


def test_a_function_that_cannot_be_pickled_is_named(cluster):
    lock = threading.Lock()

    def locked(number):
        with lock:
            return number

    with pytest.raises(NotShippableError, match="locked cannot be sent"):
        cluster.map(locked, [1, 2])


def test_an_item_that_cannot_be_pickled_is_refused(cluster):
    with pytest.raises(NotShippableError, match="cannot be sent"):
        cluster.map(str, [threading.Lock()])


def test_a_result_that_cannot_be_pickled_is_named(cluster):
    def leak(_):
        import threading

        return threading.Lock()

    with pytest.raises(NotShippableError, match="returned cannot be sent"):
        cluster.map(leak, [1])


def test_a_worker_keeps_its_libraries_to_its_cores(cluster):
    import os

    names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC"]
    assert cluster.map(lambda name: os.environ[name], names) == ["1"] * 4


def test_a_worker_has_the_working_directory_and_the_import_path_of_the_notebook(monkeypatch, tmp_path, engine):
    import acre

    (tmp_path / "beside").mkdir()
    (tmp_path / "beside/my_model.py").write_text("def answer(x):\n    return x + 41\n")
    monkeypatch.syspath_prepend(str(tmp_path / "beside"))
    monkeypatch.chdir(tmp_path)

    def use(number):
        from pathlib import Path

        import my_model

        return my_model.answer(number), str(Path.cwd())

    with acre.Cluster(workers=1, engine=engine) as cluster:
        assert cluster.map(use, [1]) == [(42, str(tmp_path))]


def test_chunks_grow_for_cheap_items_and_stay_single_for_dear_ones():
    chunking = Chunking(workers=2)
    assert chunking.next(1000) == 1
    chunking.learn(1, 1e-5)
    assert chunking.next(1000) == 8
    for _ in range(6):
        chunking.learn(chunking.size, chunking.size * 1e-5)
    assert chunking.size == 10_000
    chunking.learn(1, 3.0)
    assert chunking.next(1000) == 1


def test_chunks_at_the_end_leave_something_for_every_worker():
    assert Chunking(workers=4, size=1000).next(80) == 10
    assert Chunking(workers=4, size=1000).next(3) == 1
