"""What can go wrong with a cluster, one class for each thing a person can do something about."""

__all__ = [
    "ClusterBrokenError",
    "ClusterClosedError",
    "ClusterError",
    "ClusterRefusedError",
    "ClusterStartError",
    "NotShippableError",
    "WorkerLostError",
]


class ClusterError(RuntimeError):
    """The base of every error that a cluster raises by itself; errors in your own function keep their own class."""


class ClusterRefusedError(ClusterError):
    """The environment grants no cluster now; the message is its sentence.

    Attributes:
        code: The machine code of the refusal, one of ``acre.wire.errors.ErrorCode``.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class ClusterStartError(ClusterError):
    """The workers did not come up."""

    def __init__(self, what: str, log: str) -> None:
        told = f"\nThe last lines it wrote:\n{log}" if log else ""
        super().__init__(f"The cluster did not start, because {what}. Nothing was left running; try again.{told}")


class ClusterClosedError(ClusterError):
    """Work was given to a cluster that is closed."""

    def __init__(self) -> None:
        super().__init__("This cluster is closed. Start another one with acre.Cluster(...) and run the cell again.")


class ClusterBrokenError(ClusterError):
    """The cluster can run nothing more, because of what happened to its processes."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"This cluster is broken: {what}. Most often the memory of the machine is used up. "
            "Close it, start another one with acre.Cluster(...), with fewer workers or less data for each task."
        )


class WorkerLostError(ClusterError):
    """The process that ran a task ended, and the second try ended too."""

    def __init__(self) -> None:
        super().__init__(
            "A worker process ended while it ran this task, and so did the worker that tried it again. "
            "Most often the memory is used up: give each task less data or ask for fewer workers. "
            "A call to exit() or a crash inside a compiled library does the same."
        )


class NotShippableError(ClusterError):
    """Something cannot travel between the notebook and a worker.

    Attributes:
        what: What was to travel, in words.
    """

    def __init__(self, what: str, cause: str) -> None:
        super().__init__(
            f"{what} cannot be sent between the notebook and a worker ({cause}). "
            "Open files, locks, connections and generators stay where they were made: create them inside the function."
        )
        self.what = what
        self._cause = cause

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.what, self._cause)
