"""Where work is done: in this process, in several of them, or on the machines of a cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import Any, Final, TypeVar

from geosettle.errors import InputError

S = TypeVar("S")
T = TypeVar("T")
_THREADS: Final = "GEOSETTLE_THREADS"
_AHEAD: Final = 4
"""Tasks for each processor that wait in the queue of an executor of unknown size."""


def processors() -> int:
    """Count the threads that this process may work with; GEOSETTLE_THREADS sets fewer.

    Examples
    --------
    >>> processors() >= 1
    True
    """
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    stated = os.environ.get(_THREADS, "")
    return max(1, min(mine or 1, int(stated)) if stated.isdecimal() else mine or 1)


class Here(Executor):
    """Does each task at once, in this process.

    Examples
    --------
    >>> Here().submit(abs, -2).result()
    2
    """

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Do a task; an interruption ends the program, any other fault is kept in the result."""
        done: Future[T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  (whatever it is, the one who asks raises it)
            done.set_exception(error)
        return done


def executor_of(given: Any) -> Executor:
    """Return the executor of a caller: None is this process, a Dask client its cluster.

    Raises
    ------
    InputError
        It is neither an executor nor a client.

    Examples
    --------
    >>> list(executor_of(None).map(abs, [-1, 2]))
    [1, 2]
    """
    if given is None:
        return Here()
    if isinstance(given, Executor):
        return given
    if hasattr(given, "get_executor"):  # distributed.Client
        made: Executor = given.get_executor(pure=False)
        return made
    raise InputError(
        "no executor", value=type(given).__name__,
        mend="Give a concurrent.futures executor or a distributed.Client.",
    )  # fmt: skip


def in_order(executor: Executor, function: Callable[[S], T], items: Iterable[S]) -> Iterator[T]:
    """Apply a function to items, some of them ahead, and yield the results in the order given.

    Parameters
    ----------
    executor
        Where to; see `executor_of`.
    function, items
        Picklable, where the executor has other processes.

    Examples
    --------
    >>> list(in_order(Here(), abs, [-1, 2, -3]))
    [1, 2, 3]
    """
    waiting: deque[Future[T]] = deque()
    ahead = 1 if isinstance(executor, Here) else _AHEAD * (os.cpu_count() or 1)
    try:
        for item in items:
            waiting.append(executor.submit(function, item))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def processes(number: int) -> ProcessPoolExecutor:
    """Start processes of our own, which share the processors and end with this one."""
    threads = max(1, processors() // number)
    # A copy of this process would hold the locks of its threads: a server that has none is copied.
    ways = multiprocessing.get_all_start_methods()
    fresh: Any = multiprocessing.get_context("forkserver" if "forkserver" in ways else "spawn")
    if "forkserver" in ways:
        fresh.set_forkserver_preload(["geosettle.jobs", "geosettle.io.parquet"])
    return ProcessPoolExecutor(number, mp_context=fresh, initializer=_begin, initargs=(threads,))


def stop(executor: Executor) -> None:
    """Stop an executor at once; of `processes` also what they work on."""
    mine = getattr(executor, "_processes", None) or {}
    for process in list(mine.values()):
        process.terminate()
    executor.shutdown(wait=isinstance(executor, ProcessPoolExecutor), cancel_futures=True)


def _begin(threads: int) -> None:
    """Prepare a process of `processes`."""
    os.environ[_THREADS] = str(threads)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; the first process decides
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    """End this process when the one that started it is gone, however it ended."""
    parent.join()
    os._exit(1)
