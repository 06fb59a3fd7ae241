"""Do a job: parts in any order, anywhere; each is there whole or not at all, and is made once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pickle
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    wait,
)  # fmt: skip
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from geosettle import __version__
from geosettle.errors import GeosettleError, InputError, OutputError
from geosettle.executors import Here, executor_of, processes, stop
from geosettle.io.staging import locked, write_file
from geosettle.jobs.parts import RASTERS, Job, Part, Rows, WithRasters

MANIFEST: Final = "_manifest.json"
"""Readers of a folder of Parquet files pass over names that begin so."""
SUCCESS: Final = "_SUCCESS"
"""Empty file that says that all parts are there."""
_LIST: Final = ".job.json"
"""List of the parts that were there when a job began; while it is there the job is at work."""
_TRIES: Final = 2
_PATIENCE_S: Final = 10


@dataclass(frozen=True)
class Engine:
    """Where parts are made.

    Attributes
    ----------
    open
        Starts the workers; again, where some were lost.
    ahead
        Tasks that are handed over at a time: for each worker one to work on and one that waits.
    close
        Ends the workers, or the connection to them.
    ours
        Whether workers that were lost can be started again.
    """

    open: Callable[[], Executor]
    ahead: Callable[[], int]
    close: Callable[[Executor], None] = stop
    ours: bool = True


def engine_on(workers: int = 1, scheduler: str | None = None, executor: Any = None) -> Engine:
    """Choose where parts are made: this process, several, a Dask cluster, or an executor.

    Parameters
    ----------
    workers
        Processes; 1 is this one.
    scheduler
        Address of a Dask scheduler, such as ``tcp://10.0.0.1:8786``.
    executor
        A concurrent.futures executor, or a distributed.Client, in place of both.

    Returns
    -------
    Engine
        For `run_job`.

    Raises
    ------
    InputError
        Dask is not installed, or no scheduler answers.

    Examples
    --------
    >>> engine_on(workers=1).ahead()
    1
    """
    client = None if scheduler is None else _client(scheduler)
    executor = client or executor
    if executor is not None:
        threads = getattr(executor, "nthreads", lambda: {"": os.cpu_count() or 1})
        ahead = lambda: 2 * max(1, sum(threads().values()))  # noqa: E731
        close = (lambda _: client.close()) if client else (lambda _: None)
        return Engine(partial(executor_of, executor), ahead, close, ours=False)
    if workers == 1:
        return Engine(Here, lambda: 1)
    return Engine(partial(processes, workers), lambda: 2 * workers)


def _client(address: str) -> Any:
    try:
        import distributed  # noqa: PLC0415
    except ImportError:
        raise InputError(
            "a scheduler needs the packages dask and distributed",
            mend='Run: pip install "geosettle[cluster]"',
        ) from None
    try:
        client: Any = distributed.Client
        return client(address, timeout=_PATIENCE_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            "no Dask scheduler answers at this address", value=address,
            mend="Start one: dask scheduler; and workers: dask worker ADDRESS.",
        ) from error  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What came of a job.

    Attributes
    ----------
    parts, kept, rows
        Parts of the plan, those found finished from an earlier start, and rows in all files.
    set_aside
        Name of each part that could not be made, and why.
    """

    parts: int
    kept: int
    rows: int
    set_aside: Mapping[str, str]


@dataclass(frozen=True)
class Shared:
    """What all parts need, in a file that every worker reads once."""

    path: str
    sha256: str

    def load(self) -> Callable[..., Any]:
        """Read the function that makes a part; only what the driver has written is unpacked."""
        with _LOADING:
            if self.sha256 not in _LOADED:
                data = Path(self.path).read_bytes()
                if hashlib.sha256(data).hexdigest() != self.sha256:
                    raise InputError("what the parts share was changed", file=self.path)
                _LOADED.clear()
                _LOADED[self.sha256] = pickle.loads(data)  # noqa: S301  (our own, see its hash)
            make: Callable[..., Any] = _LOADED[self.sha256]
        return make


_LOADED: Final[dict[str, Any]] = {}
_LOADING: Final = threading.Lock()


def run_job(
    job: Job,
    folder: Path | str,
    engine: Engine | None = None,
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Make every part of a job that is not there yet.

    Parameters
    ----------
    job
        The plan.
    folder
        Where to: one GeoParquet file for each part, `_manifest.json` and, where no part is
        missing, `_SUCCESS`.
    engine
        Where the parts are made; None is this process. It decides nothing about the files.
    progress
        Called with a few words after each part.

    Returns
    -------
    Outcome
        A part that fails is tried again, then set aside; the others are made.

    Raises
    ------
    OutputError
        The folder cannot be written, holds something else, or the disk is full. Finished parts stay
        and are not made again by the next start; so they do after Ctrl-C, SIGTERM and a crash.

    Examples
    --------
    >>> import geopandas as gpd, tempfile
    >>> from geosettle.jobs import distances_job
    >>> at = gpd.points_from_xy
    >>> origins = gpd.GeoDataFrame(index=["o"], geometry=at([76.0], [39.0]), crs=4326)
    >>> sites = gpd.GeoDataFrame(index=["s", "t"], geometry=at([76.1, 77], [39.0] * 2), crs=4326)
    >>> job, folder = distances_job(origins, sites, nearest=1), tempfile.mkdtemp()
    >>> run_job(job, folder)
    Outcome(parts=1, kept=0, rows=1, set_aside={})
    >>> run_job(job, folder).kept
    1
    """
    import geosettle.io.parquet  # noqa: F401, PLC0415  (names the extra before the work)

    final = Path(os.path.realpath(folder))
    _check_folder(final)
    with contextlib.ExitStack() as at_end:
        final.mkdir(parents=True, exist_ok=True)
        at_end.enter_context(locked(final))
        kept = _keep(job, final)
        at_end.callback(_sweep, final)
        data = pickle.dumps(job.make)
        shared = Shared(str(final / ".job.shared"), hashlib.sha256(data).hexdigest())
        rest = [part for part in job.parts if part.name not in kept]
        failed: dict[str, str] = {}
        done = dict(kept)
        if rest:
            write_file(shared.path, data)
            _LOADED[shared.sha256] = job.make  # a worker in this process need not read it
            begun, engine = time.monotonic(), engine or engine_on()
            work = _Work(job, deque(rest), shared, final, engine, engine.open())
            for part, record in work.results():
                if isinstance(record, str):
                    failed[part.name] = record
                else:
                    done[part.name] = record
                made = len(done) + len(failed) - len(kept)
                left = (time.monotonic() - begun) / made * (len(rest) - made)
                progress(f"part {made + len(kept)} of {len(job.parts)}, {duration(left)} left")
            _LOADED.pop(shared.sha256, None)
        _finish(job, final, done, failed)
    rows = sum(record["rows"] for record in done.values())
    return Outcome(len(job.parts), len(kept), rows, failed)


def estimate(job: Job, workers: int = 1) -> dict[str, float]:
    """Estimate what a job takes, from some of its parts, which are made for it and not kept.

    Parameters
    ----------
    job
        The plan.
    workers
        How many make parts at a time.

    Returns
    -------
    dict
        `parts`, `units` (pairs or zones), `bytes` on disk, `seconds` on processors such as this
        one, when each worker has one of its own, and `memory`: the bytes that this process has held
        at most, and a worker may (NaN where the system does not say).

    Examples
    --------
    >>> import geopandas as gpd
    >>> from geosettle.jobs import distances_job
    >>> at = gpd.points_from_xy([76.0], [39.0])
    >>> places = gpd.GeoDataFrame(index=["a"], geometry=at, crs=4326)
    >>> found = estimate(distances_job(places, places))
    >>> found["parts"], found["units"], found["seconds"] > 0
    (1, 1, True)
    """
    by_size = sorted(job.parts, key=lambda part: part.units)
    some = [by_size[int(len(by_size) * share)] for share in (0.25, 0.5, 0.75)] if by_size else []
    seconds, size, units = 0.0, 0, 0
    for n, part in enumerate(some[:1] + some):
        begun = time.monotonic()
        made = job.make(*job.inputs(part))
        data = _encoded(made)
        rasters = made.rasters if isinstance(made, WithRasters) else {}
        if n:  # the first time what is loaded and compiled once is in it
            seconds += time.monotonic() - begun
            size, units = size + len(data) + sum(map(len, rasters.values())), units + part.units
    whole = sum(part.units for part in job.parts)
    each = whole / max(units, 1)
    most = max(1, min(workers, len(job.parts)))
    return {
        "parts": len(job.parts),
        "units": whole,
        "bytes": each * size,
        "seconds": each * seconds / most,
        "memory": _peak(),
    }


def _peak() -> float:
    """Bytes that this process has held at most; NaN where the system does not say (Windows)."""
    try:
        import resource  # noqa: PLC0415
    except ImportError:
        return float("nan")
    unit = 1 if sys.platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


def duration(seconds: float) -> str:
    """Write a span of time roughly, as a person would.

    Examples
    --------
    >>> duration(20), duration(200), duration(8000)
    ('20 s', '3 min', '2.2 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


# --- the parts that are to be made


def make_part(shared: Shared, part: Part, inputs: tuple[Any, ...], folder: str) -> dict[str, Any]:
    """Make one part and write its file; what is worth knowing of it goes back."""
    made = shared.load()(*inputs)
    facts: dict[str, Any] = {"version": __version__, "key": part.key}
    if isinstance(made, WithRasters):
        files = {f"{RASTERS}/{part.stem}-{end}": data for end, data in made.rasters.items()}
        Path(folder, RASTERS).mkdir(exist_ok=True)
        for name, data in files.items():
            write_file(Path(folder, name), data)
        facts["rasters"] = {n: hashlib.sha256(data).hexdigest() for n, data in files.items()}
    data = _encoded(made, {"geosettle": json.dumps(facts)})
    write_file(Path(folder, part.file), data)
    return _record(part, data)


def _encoded(made: Rows | WithRasters, about: Mapping[str, str] | None = None) -> bytes:
    """Write the rows that a part has made as GeoParquet."""
    from geosettle.io.parquet import geoparquet_bytes, geoparquet_lines  # noqa: PLC0415

    made = made.rows if isinstance(made, WithRasters) else made
    if isinstance(made, tuple):
        return geoparquet_lines(made[0], made[1], about)
    return geoparquet_bytes(made, about)


@dataclass
class _Work:
    """Parts made in a sliding window of tasks, each tried again where it fails.

    Where a worker dies, one of the parts at work may have killed it: these are made one at a time.
    """

    job: Job
    todo: deque[Part]
    shared: Shared
    folder: Path
    engine: Engine
    executor: Executor
    suspects: deque[Part] = field(default_factory=deque)
    suspected: set[str] = field(default_factory=set)
    tries: Counter[str] = field(default_factory=Counter)
    running: dict[Future[dict[str, Any]], Part] = field(default_factory=dict)

    def results(self) -> Iterator[tuple[Part, dict[str, Any] | str]]:
        """Yield each part with its record, or with the reason why it cannot be made."""
        try:
            while self.todo or self.suspects or self.running:
                try:
                    self._fill()
                except OSError as error:  # of a connection: nothing is written here
                    raise _lost_scheduler() from error
                for future in wait(self.running, return_when=FIRST_COMPLETED).done:
                    if future in self.running:
                        yield from self._result(self.running.pop(future), future)
        finally:
            for future in self.running:
                future.cancel()
            self.engine.close(self.executor)

    def _fill(self) -> None:
        alone = self.suspects or any(p.name in self.suspected for p in self.running.values())
        most = 1 if alone else self.engine.ahead()
        while (self.todo or self.suspects) and len(self.running) < most:
            part = (self.suspects or self.todo).popleft()
            args = self.shared, part, self.job.inputs(part), str(self.folder)
            try:
                future = self.executor.submit(make_part, *args)
            except BrokenExecutor as error:  # since the last look
                future = Future()
                future.set_exception(error)
            self.running[future] = part

    def _result(
        self, part: Part, future: Future[dict[str, Any]]
    ) -> Iterator[tuple[Part, dict[str, Any] | str]]:
        try:
            yield part, future.result()
        except BrokenExecutor as error:
            yield from self._lost(part, error)
        except CancelledError as error:
            raise _lost_scheduler() from error
        except OutputError:
            raise
        except Exception as error:  # noqa: BLE001  (one bad part must not end the job)
            # Dask itself has tried again what kills its workers.
            self.tries[part.name] += _TRIES if type(error).__name__ == "KilledWorker" else 1
            if self.tries[part.name] < _TRIES:
                self.todo.append(part)
                return
            known = isinstance(error, GeosettleError)
            yield part, str(error) if known else f"{type(error).__name__}: {error}"

    def _lost(self, part: Part, error: BaseException) -> Iterator[tuple[Part, str]]:
        """Start workers again after one was lost; the parts at work are suspects."""
        if not self.engine.ours:
            raise error
        stop(self.executor)
        self.executor = self.engine.open()
        lost = {p.name: p for p in (part, *self.running.values())}
        self.running.clear()
        self.tries[part.name] += part.name in self.suspected
        self.suspected |= set(lost)
        if self.tries[part.name] >= _TRIES:
            yield part, f"its worker was ended, perhaps for lack of memory ({error})"
            del lost[part.name]
        self.suspects.extend(lost[name] for name in sorted(lost))


def _lost_scheduler() -> GeosettleError:
    return GeosettleError(
        "the scheduler of the cluster was lost; finished parts are kept",
        mend="Give the same command again: it makes the rest.",
    )


# --- what is in the folder


def _check_folder(final: Path) -> None:
    """Refuse a folder that holds something other than an earlier start of a job."""
    if final.exists() and not final.is_dir():
        raise OutputError("a file has this name", file=str(final), mend="Choose another folder.")
    if final.is_dir() and any(final.iterdir()) and _recorded(final) is None:
        raise OutputError(
            "the folder is not empty and holds no parts of a job", file=str(final),
            mend="Choose an empty or a new folder.",
        )  # fmt: skip


def _recorded(final: Path) -> dict[str, dict[str, Any]] | None:
    """Give the records of parts by name: of a finished job, or of one that was stopped."""
    for name in (MANIFEST, _LIST):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            found = json.loads((final / name).read_text(encoding="utf-8"))
            return {record["name"]: record for record in found["parts"]}
    return None


def _keep(job: Job, final: Path) -> dict[str, dict[str, Any]]:
    """Keep the parts that are as planned, with their records; take away all else of a job."""
    before = _recorded(final) or {}
    kept = {}
    for part in job.parts:
        data = (final / part.file).read_bytes() if (final / part.file).is_file() else b""
        known = before.get(part.name, {})
        if data and known.get("file") in {None, part.file}:
            record = _record(part, data)
            # A file with the right name was finished before it got it; later it may be damaged.
            if (
                record
                and known.get("sha256", record["sha256"]) == record["sha256"]
                and all(_is(final / name, sha) for name, sha in record.get("rasters", {}).items())
            ):
                kept[part.name] = record
    write_file(final / _LIST, _json({"parts": list(kept.values())}))
    for name in (SUCCESS, MANIFEST):
        (final / name).unlink(missing_ok=True)
    files = {record["file"] for record in kept.values()}
    files.update(name for record in kept.values() for name in record.get("rasters", {}))
    for path in [*final.glob("part-*.parquet"), *final.glob(f"{RASTERS}/part-*")]:
        if path.relative_to(final).as_posix() not in files:
            path.unlink()
    _sweep(final)
    return kept


def _is(path: Path, sha256: str) -> bool:
    """Whether a file is there with these bytes."""
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def _record(part: Part, data: bytes) -> dict[str, Any]:
    """Tell what is worth knowing of the file of a part; nothing of a damaged one."""
    from geosettle.io.parquet import rows_of  # noqa: PLC0415

    found = rows_of(data)
    if found is None:
        return {}
    rows, about = found
    facts: dict[str, Any] = {"name": part.name, "file": part.file, "key": part.key, "rows": rows}
    if rasters := json.loads(about.get("geosettle", "{}")).get("rasters"):
        facts["rasters"] = rasters
    return facts | {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _json(value: Mapping[str, Any]) -> bytes:
    text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, default=str)
    return f"{text}\n".encode()


def _sweep(final: Path) -> None:
    """Take away what killed workers left half written, and what only they needed."""
    for path in [*final.rglob(".part-*.staging-*"), *final.glob(".job.*")]:
        if path.name != _LIST:
            path.unlink(missing_ok=True)


def _finish(
    job: Job, final: Path, done: Mapping[str, dict[str, Any]], failed: Mapping[str, str]
) -> None:
    """Write the manifest, and the mark of success where nothing is missing."""
    manifest = {
        "geosettle": __version__,
        "job": job.kind,
        "options": job.about,
        "parts": [done[part.name] for part in job.parts if part.name in done],
        "set_aside": dict(sorted(failed.items())),
    }
    write_file(final / MANIFEST, _json(manifest))
    if not failed:
        write_file(final / SUCCESS, b"")
    (final / _LIST).unlink(missing_ok=True)
