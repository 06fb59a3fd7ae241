"""Fuzz the readers for a bounded time (ten minutes): damaged files must end in an answer, never in a traceback or
without end.

Bytes of the corpus (tables, workbooks, geometries in every format, rasters, archives) and of study.toml
are changed at random, led by coverage: what reaches a line of the readers that nothing has reached before is
changed further. The standard library traces the lines, for the parsers in C are GDAL's and calamine's.

Usage: python tests/fuzz_io.py [SECONDS] [SEED]
"""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import corpus

import geosettle
from geosettle.io import check_path, template_path

TOKENS = [
    b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"'", b",", b";", b"\t", b"\r", b"\n", b"=", b"-", b"nan", b"inf", b"1e999",
    b"-1e999", b"99999999999999999999", b"0", b"null", b"[", b"]", b"{", b"}", b"<", b">", b"&lol;", b"\xe4\xb8", b"\xf0\x9f\x98\x80",
    b"EMPTY", b"POLYGON", b"SRID=1;", b"#REF!", b"\xd9\x85", b"\xe2\x80\xae", b"360", b"-180", b"90.0000001",
]  # fmt: skip


SETTINGS = b"""
[distance]
interval_metrics = ["geodesic", "walk"]
draws = 20
[overlay]
radii_km = [5, 15]
[walk]
speed_by_slope_kmh = {"-0.3" = 3.0, "0" = 5.0, "0.3" = 2.0}
[admin.aliases]
"West" = "West County"
"""


READERS = tuple(
    str(Path(geosettle.__file__).parent / part)
    for part in ("io", "settings", "cells", "crs", "names")
)


class Reached:
    """Lines of the readers that any input reached, and whether the last one reached new ones."""

    def __init__(self) -> None:
        self.lines: set[tuple[CodeType, int]] = set()
        self.new = False

    def called(self, frame: FrameType, _event: str, _value: Any) -> Any:
        return self.passed if frame.f_code.co_filename.startswith(READERS) else None

    def passed(self, frame: FrameType, event: str, _value: Any) -> Any:
        at = frame.f_code, frame.f_lineno
        if event == "line" and at not in self.lines:
            self.lines.add(at)
            self.new = True
        return self.passed


def damage(data: bytes, rng: random.Random) -> bytes:
    """Bytes with a few changes of the kinds that happen to files."""
    out = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        at = rng.randrange(len(out) + 1)
        kind = rng.randrange(6)
        if kind == 0:
            out[at:at] = rng.choice(TOKENS)
        elif kind == 1:
            del out[at : at + rng.choice([1, 2, 8, 100, 5000])]
        elif kind == 2 and at < len(out):
            out[at] = rng.randrange(256)
        elif kind == 3:
            end = at + rng.choice([1, 4, 30])
            out[at:end] = rng.choice(TOKENS)
        elif kind == 4:
            out[at:at] = out[at : at + rng.choice([3, 50, 2000])]
        elif kind == 5 and at + 4 <= len(out):
            out[at : at + 4] = rng.choice(
                [b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80"]
            )
    return bytes(out)


def one(
    path: Path, role: str | None, data: bytes, reached: Reached, read: Path | None = None
) -> str:
    """Traceback of what went wrong, or nothing."""
    path.write_bytes(data)
    started = time.monotonic()
    reached.new = False
    sys.settrace(reached.called)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = check_path(read or path, role)
        json.dumps(found, allow_nan=False)
        ledger = found["rows_ok"] <= found["rows_in"] and found["status"] in {
            "accepted",
            "quarantined",
            "rejected",
        }
        slow = time.monotonic() - started > 60
        return (
            ""
            if ledger and not slow
            else f"{found['status']} {found['rows_in']} {found['rows_ok']} slow={slow}"
        )
    except Exception:  # noqa: BLE001  (whatever escapes is what is looked for)
        return traceback.format_exc()
    finally:
        sys.settrace(None)


def settings(
    folder: Path, rng: random.Random, pool: list[bytes], reached: Reached
) -> tuple[str, Path, bytes]:
    """Traceback of what went wrong with a damaged study.toml, or nothing; its path and bytes."""
    if not folder.exists():
        shutil.copytree(template_path(), folder)
        pool.append((template_path() / "study.toml").read_bytes() + SETTINGS)
    path, changed = folder / "study.toml", damage(rng.choice(pool), rng)
    said = one(path, None, changed, reached, folder)
    if reached.new:
        pool.append(changed)
    return said, path, changed


def run(seconds: float, seed: int) -> int:
    """Number of inputs that went wrong, each kept in a folder and printed once."""
    rng = random.Random(seed)
    faults: dict[str, Path] = {}
    tried, found, reached = 0, 0, Reached()
    pool: list[bytes] = []
    with tempfile.TemporaryDirectory() as folder:
        cases = [c for c in corpus.make(Path(folder) / "corpus") if c.path.is_file()]
        sources = [(c, c.path.read_bytes()) for c in cases if c.path.stat().st_size < 300_000]
        kept = Path(tempfile.mkdtemp(prefix="geosettle-fuzz-"))
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if rng.random() < 0.1:
                said, path, changed = settings(Path(folder) / "study", rng, pool, reached)
                tried += 1
                if said and "study.toml" not in faults:
                    faults["study.toml"] = kept / path.name
                    faults["study.toml"].write_bytes(changed)
                    print(f"--- {faults['study.toml']}\n{said}")
                continue
            case, data = rng.choice(sources[-found:] if found and rng.random() < 0.5 else sources)
            work = Path(folder) / "work"
            work.mkdir(exist_ok=True)
            for old in work.iterdir():
                old.unlink()
            for part in case.path.parent.glob(f"{case.path.stem}.*"):
                if case.path.suffix == ".shp" and part.suffix in {".shx", ".dbf", ".prj", ".cpg"}:
                    content = part.read_bytes()
                    (work / part.name).write_bytes(
                        damage(content, rng) if rng.random() < 0.3 else content
                    )
            changed = damage(data, rng)
            said = one(work / case.path.name, case.role, changed, reached)
            if reached.new and not said:
                sources.append((case, changed))
                found += 1
            tried += 1
            key = (
                said.strip().splitlines()[-1][:100]
                + "".join(line for line in said.splitlines() if "geosettle/" in line)[-120:]
                if said
                else ""
            )
            if said and key not in faults:
                faults[key] = kept / f"{len(faults)}-{case.path.name}"
                faults[key].write_bytes(changed)
                print(f"--- {faults[key]}\n{said}")
    print(
        f"{tried} damaged files, {found + len(pool)} of them reached new lines, {len(reached.lines)} lines in all; "
        f"{len(faults)} kinds of fault"
    )
    return len(faults)


if __name__ == "__main__":
    arguments = [*sys.argv[1:], "600", "1"][:2] if len(sys.argv) < 3 else sys.argv[1:3]
    sys.exit(1 if run(float(arguments[0]), int(arguments[1])) else 0)
