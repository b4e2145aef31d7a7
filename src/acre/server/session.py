"""How a person's Jupyter server is set up."""

from pathlib import Path

__all__ = ["CONFIG", "settings"]

CONFIG = Path(__file__).parent / "jupyter"
"""A folder for ``JUPYTER_CONFIG_PATH``: what JupyterLab leaves off, such as the question about news."""


def settings(home: Path) -> list[str]:
    """Return the arguments of the Jupyter server."""
    return [
        f"--ServerApp.root_dir={home}",
        "--ServerApp.sock_mode=0600",
        "--ServerApp.allow_remote_access=True",  # the front has checked the host name
        "--ServerApp.log_level=WARN",  # below, JupyterHub's extension logs the ids of sessions
        "--KernelManager.transport=ipc",  # no kernel listens on a port
        "--MultiKernelManager.default_kernel_name=python3",
        "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
    ]
