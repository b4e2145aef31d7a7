"""A cluster never outlives its notebook, and leaves nothing."""

import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import acre
from acre.client import ClusterBrokenError

NOTEBOOK = """
import acre, sys, time, subprocess
cluster = acre.Cluster(workers=2, engine=sys.argv[1])
cluster.executor().submit(subprocess.Popen, ["sleep", "1234"], start_new_session=True).exception(30)
print(cluster._processes.folder, flush=True)
time.sleep(100)
"""


def gone(find, within=10.0):
    deadline = time.monotonic() + within
    while find():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_start_and_stop_leave_no_process_socket_or_file(engine, cluster_processes):
    def sockets():
        return {link for fd in Path("/proc/self/fd").iterdir() if (link := _link(fd)).startswith("socket:")}

    acre.Cluster(workers=1, engine=engine).close()
    before = len(sockets())
    for _ in range(2):
        cluster = acre.Cluster(workers=2, engine=engine)
        folder = cluster._processes.folder
        assert cluster_processes(folder)
        cluster.close()
        assert not cluster_processes(folder)
        assert not folder.exists()
    assert len(sockets()) <= before + 2


def _link(fd):
    try:
        return str(fd.readlink())
    except OSError:
        return ""


def test_a_notebook_that_is_killed_takes_everything_with_it(engine, cluster_processes):
    notebook = subprocess.Popen([sys.executable, "-c", NOTEBOOK, engine], stdout=subprocess.PIPE, text=True)
    folder = Path(notebook.stdout.readline().strip())
    family = psutil.Process(notebook.pid).children(recursive=True)
    assert any("1234" in " ".join(process.cmdline()) for process in family)
    notebook.send_signal(signal.SIGKILL)
    notebook.wait()
    notebook.stdout.close()
    assert gone(lambda: [process for process in family if process.is_running()])
    assert gone(lambda: cluster_processes(folder))
    assert gone(folder.exists)


def test_a_notebook_that_ends_without_closing_takes_everything_with_it(cluster_processes):
    code = "import acre; c = acre.Cluster(workers=1); print(c._processes.folder)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    folder = Path(ended.stdout.strip())
    assert not folder.exists()
    assert not cluster_processes(folder)
    assert ended.stderr == ""


def test_a_killed_warden_leaves_no_worker(engine):
    cluster = acre.Cluster(workers=1, engine=engine)
    warden = psutil.Process(cluster._processes._warden.pid)
    family = warden.children(recursive=True)
    warden.kill()
    assert gone(lambda: [process for process in family if process.is_running()])
    assert gone(lambda: "broken" not in repr(cluster))
    with pytest.raises(ClusterBrokenError, match="start another one"):
        cluster.map(abs, [1])
    cluster.close()
    assert not cluster._processes.folder.exists()


def test_a_killed_controller_breaks_the_cluster_and_says_so(engine):
    with acre.Cluster(workers=1, engine=engine) as cluster:
        running = cluster.executor().submit(time.sleep, 60)
        psutil.Process(cluster._processes.running["controller"]).kill()
        with pytest.raises(ClusterBrokenError, match="connects its workers"):
            running.result(20)


def test_files_of_a_cluster_are_private(cluster):
    folder = cluster._processes.folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    secrets = [*folder.glob("*.pem"), *folder.glob("security/*.json")]
    assert secrets
    assert {stat.S_IMODE(file.stat().st_mode) for file in secrets} == {0o600}


def test_secrets_are_on_no_command_line(cluster):
    for name, pid in cluster._processes.running.items():
        assert "key" not in " ".join(psutil.Process(pid).cmdline()), name


def test_clusters_lists_what_is_open():
    before = acre.clusters()
    with acre.Cluster(workers=1) as cluster:
        assert acre.clusters() == [*before, cluster]
    assert acre.clusters() == before


def test_a_cluster_shows_itself(engine):
    cluster = acre.Cluster(workers=1, engine=engine)
    assert "ready: 1 of 1" in repr(cluster)
    assert "<td" in cluster._repr_html_()
    assert engine in cluster._repr_html_()
    cluster.close()
    assert "closed" in repr(cluster)
    assert "ready" not in repr(cluster)


def test_a_worker_that_cannot_start_is_told_with_its_last_words(monkeypatch, cluster_folders):
    from acre.client import ClusterStartError
    from acre.client.engines.dask import Engine

    before = cluster_folders()
    broken = [sys.executable, "-c", "import sys; sys.exit('no memory for you')"]
    monkeypatch.setattr(Engine, "worker", lambda self, number: broken)
    with pytest.raises(ClusterStartError, match="no memory for you"):
        acre.Cluster(workers=1, engine="dask")
    assert cluster_folders() <= before


def test_waiting_for_workers_that_do_not_come_says_how_many_did(monkeypatch):
    with acre.Cluster(workers=1) as cluster:
        assert cluster.wait() is cluster
        monkeypatch.setattr(cluster._engine, "count", lambda: 0)
        with pytest.raises(TimeoutError, match="0 of 1 workers"):
            cluster.wait(timeout=0.1)
