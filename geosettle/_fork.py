"""Work done in a copy of this process, where the system can make one and has a free processor."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Callable
from typing import Any, Final, TypeVar

from geosettle.errors import GeosettleError

T = TypeVar("T")
_INTERRUPTIONS: Final = (signal.SIGINT, signal.SIGTERM)


def run_in_fork(job: Callable[[], T], workers: int) -> Callable[[], T]:
    """Start a job in a copy of this process, and return the function that waits for what it gives.

    A copy (fork) needs nothing to be packed up and sent: the job may use whatever it sees. Where
    the system makes no copies, or has one processor only, the job is done when its result is asked
    for. Either way gives the same. A program with threads of its own should not copy itself:
    library functions have one worker unless the caller says more.

    Parameters
    ----------
    job
        Function without arguments; its result must be picklable.
    workers
        Processes that may work at once; with 1 nothing is copied.

    Returns
    -------
    callable
        Gives the job's result, or raises what it raised.

    Examples
    --------
    >>> run_in_fork(lambda: 6 * 7, workers=2)()
    42
    """
    # On macOS the system's own libraries do not survive a fork.
    if workers < 2 or not sys.platform.startswith("linux") or (os.cpu_count() or 1) < 2:
        return job
    copies = multiprocessing.get_context("fork")
    mine, theirs = copies.Pipe(duplex=False)
    worker = copies.Process(target=_work, args=(job, theirs), daemon=True)
    # Python swallows what is raised while it copies itself: an interruption must wait until that is
    # done.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTIONS)
    try:
        with warnings.catch_warnings():
            # Python 3.12 warns of copies made while threads run; no lock of ours is held here.
            warnings.simplefilter("ignore", DeprecationWarning)
            worker.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    theirs.close()

    def wait() -> T:
        try:
            worked, value = mine.recv()
        except EOFError:
            raise GeosettleError(
                "a part of the work ended without a result", mend="Run it again."
            ) from None
        finally:
            mine.close()
            worker.join()
        if not worked:
            raise value
        result: T = value
        return result

    return wait


def _work(job: Callable[[], Any], pipe: Any) -> None:
    """Do the job and send its result, or what it raised."""
    # Nothing may outlive the process that asked: it holds that process's locks. PR_SET_PDEATHSIG is
    # 1.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPTIONS)
        try:
            answer = (True, job())
        except Exception as error:  # noqa: BLE001  (whatever it is, the one who waits raises it)
            answer = (False, error)
        pipe.send(answer)  # waits here until it is asked for
        pipe.close()
    except (
        KeyboardInterrupt
    ):  # the process that asked was interrupted, or ended by a fault, and says so
        return
