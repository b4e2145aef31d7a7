"""How functions, arguments and results travel: pickled once, here, with large arrays beside the pickle.

Both engines carry a parcel, one ``bytes`` and any number of flat ``uint8`` arrays, without looking into it.
So closures, lambdas and the functions of a notebook travel alike with either engine, and so do errors.
"""

import functools
import pickle
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import cloudpickle
import numpy as np
from numpy.typing import NDArray

from acre.client.errors import NotShippableError

__all__ = ["Failure", "Parcel", "Portable", "RemoteTracebackError", "pack", "run", "unpack"]

Parcel = list[bytes | NDArray[np.uint8]]

_BESIDE = 1 << 16  # smaller buffers stay in the pickle: a frame of its own costs more than the copy


class RemoteTracebackError(Exception):
    """Where in the function it happened, on the worker; it is the cause of the error that the notebook sees."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


class Portable:
    """A function that is pickled once and unpickled once by each worker, however many tasks call it.

    Raises:
        NotShippableError: The function holds something that cannot travel.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        name = getattr(function, "__qualname__", repr(function))
        try:
            self._pickled = cloudpickle.dumps(function)
        except Exception as error:
            raise NotShippableError(f"The function {name}", _reason(error)) from error

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[bytes]]:
        return _load, (self._pickled,)


@functools.lru_cache(maxsize=64)
def _load(pickled: bytes) -> Any:
    return pickle.loads(pickled)  # noqa: S301 - it comes from the owner of this process over an authenticated channel


@dataclass(frozen=True)
class Failure:
    """An error on its way home.

    Attributes:
        told: Its traceback as the worker can tell it.
        error: The exception, pickled; None when it cannot travel.
        trace: Its ``traceback.TracebackException``, pickled; None when it cannot travel.
    """

    told: str
    error: bytes | None
    trace: bytes | None

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """Describe ``error``, leaving out our own frames at the top."""
        trace = traceback.TracebackException.from_exception(error, lookup_lines=False)
        while len(trace.stack) > 1 and trace.stack[0].filename.startswith(_OURS):
            del trace.stack[0]
        travelling = _pickled_or_none(trace)
        return cls("".join(trace.format()), _pickled_or_none(error.with_traceback(None)), travelling)

    def rebuild(self) -> BaseException:
        """The exception to raise in the notebook, with the remote traceback as its cause."""
        error = _load_or_none(self.error)
        if not isinstance(error, BaseException):
            error = RuntimeError(self.told.strip().rpartition("\n")[2])
        error.__cause__ = RemoteTracebackError(self.format())
        return error

    def format(self) -> str:
        """The remote traceback; the source lines of notebook cells are known here, not on the worker."""
        trace = _load_or_none(self.trace)
        told = "".join(trace.format()) if isinstance(trace, traceback.TracebackException) else self.told
        return told.replace("(most recent call last)", "on the worker (most recent call last)")


def _pickled_or_none(thing: object) -> bytes | None:
    """Pickle, and make sure that it unpickles: many exception classes do only the first."""
    try:
        pickled: bytes = cloudpickle.dumps(thing)
        pickle.loads(pickled)  # noqa: S301 - our own bytes
    except Exception:  # noqa: BLE001 - whatever a foreign class raises, the error still goes home as text
        return None
    return pickled


def _load_or_none(pickled: bytes | None) -> object:
    try:
        return None if pickled is None else pickle.loads(pickled)  # noqa: S301 - see unpack
    except Exception:  # noqa: BLE001 - a class that only the worker has must not hide what happened
        return None


_OURS = __file__.rsplit("/", 1)[0]


def pack(content: object, what: str) -> Parcel:
    """Pickle ``content``; contiguous buffers of 64 KiB or more travel beside it without a copy.

    Raises:
        NotShippableError: It cannot be pickled; ``what`` names it.
    """
    beside: list[NDArray[np.uint8]] = []

    def keep_in(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if raw.nbytes < _BESIDE:
            return True
        beside.append(np.frombuffer(raw, np.uint8))
        return False

    try:
        head = cloudpickle.dumps(content, protocol=5, buffer_callback=keep_in)
    except NotShippableError:
        raise
    except Exception as error:
        raise NotShippableError(what, _reason(error)) from error
    return [head, *beside]


def unpack(parcel: Parcel) -> Any:
    """The content of a parcel; arrays in it are writable."""
    buffers = [_writable(np.asarray(buffer)) for buffer in parcel[1:]]
    return pickle.loads(bytes(parcel[0]), buffers=buffers)  # noqa: S301 - authenticated channel, see the decision on engines


def run(*parcel: bytes | NDArray[np.uint8]) -> Parcel:
    """Run one task on a worker: the parcel holds function, arguments and keywords; the answer is an outcome.

    The outcome is ``(True, result)`` or ``(False, Failure)``; it never raises for what the function did.
    """
    try:
        function, arguments, keywords = unpack(list(parcel))
        return pack((True, function(*arguments, **keywords)), "What the function returned")
    except SystemExit as error:
        stopped = RuntimeError(f"The function called exit({error.code!r}); let it return or raise instead.")
        return pack((False, Failure.of(stopped.with_traceback(error.__traceback__))), "")
    except Exception as error:  # noqa: BLE001 - every error of a person's function goes home
        return pack((False, Failure.of(error)), "")


def _writable(buffer: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return buffer if buffer.flags.writeable else buffer.copy()


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
