"""ZIP files: checked before a byte is unpacked.

They are unpacked under names of our own, one dataset at a time.
"""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Final

from geosettle.io.source import Refused
from geosettle.layers import plain_name

MEMBERS: Final = 2_000
"""Members an archive may have."""
TOTAL: Final = 1_000_000_000
"""Bytes an archive may unpack to."""
RATIO: Final = 200
"""How much smaller than its content a member may be packed, once it is larger than a megabyte."""

_DATASETS: Final = frozenset({".shp", ".gpkg", ".geojson", ".json", ".csv", ".tsv", ".kml", ".fgb",
                              ".gpx", ".xls", ".ods", ".parquet",
                              ".geoparquet", ".xlsx", ".tif", ".tiff", ".asc", ".geojsonl",
                              ".geojsons"})  # fmt: skip
_BESIDE: Final = frozenset({".shx", ".dbf", ".prj", ".cpg", ".tfw"})
"""Files that belong to a dataset of the same name."""


def check_archive(archive: zipfile.ZipFile, file: str) -> list[zipfile.ZipInfo]:
    """Members that hold data, once nothing about the archive is dangerous.

    Raises
    ------
    Refused
        Names that lead out of the archive, links, encryption, too much of anything.
    """
    members = archive.infolist()
    if len(members) > MEMBERS:
        raise Refused(
            "file_refused",
            f"the archive has {len(members)} members; at most {MEMBERS} are read",
            file=file,
        )
    total = sum(m.file_size for m in members)
    if total > TOTAL:
        raise Refused(
            "file_too_large",
            f"the archive unpacks to {total / 1e6:.0f} MB; at most {TOTAL / 1e6:.0f} MB",
            file=file,
        )
    seen: set[str] = set()
    for member in members:
        name = member.filename
        where = {"file": file, "value": name[:80]}
        if (
            not name
            or name.startswith("/")
            or "\\" in name
            or ":" in name
            or ".." in PurePosixPath(name).parts
            or "\x00" in name
        ):
            raise Refused(
                "file_refused",
                "a member of the archive has no name, or one that leads out of it",
                **where,
            )
        if stat.S_ISLNK(member.external_attr >> 16):
            raise Refused("file_refused", "a member of the archive is a link", **where)
        if member.flag_bits & 0x1:
            raise Refused(
                "file_refused",
                "a member of the archive is encrypted",
                mend="Unpack it first.",
                **where,
            )
        if member.file_size > 1_000_000 and member.file_size > RATIO * max(member.compress_size, 1):
            raise Refused(
                "file_refused",
                "a member of the archive unpacks to far more than it is packed in",
                **where,
            )
        if name.casefold() in seen:
            raise Refused("file_refused", "two members of the archive have the same name", **where)
        seen.add(name.casefold())
    return [m for m in members if not m.is_dir() and not m.filename.startswith("__MACOSX/")]


@contextmanager
def unpacked(
    data: bytes, file: str, role: str | None, layer: str | None
) -> Iterator[tuple[Path, str, str | None]]:
    """Unpack the one dataset of an archive, unpacked into a folder that is removed afterwards.

    Yields
    ------
    tuple
        Path of the dataset; its name for messages; the layer asked for, unless it named the member.

    Raises
    ------
    Refused
        Not a sound archive, no dataset, or several of which none was named.
    """
    try:
        with (
            zipfile.ZipFile(io.BytesIO(data)) as archive,
            TemporaryDirectory(prefix="geosettle-") as folder,
        ):
            members = check_archive(archive, file)
            if (base := _geodatabase(members, layer)) is not None:
                inside = Path(folder) / "data.gdb"
                inside.mkdir()
                for member in members:
                    if str(PurePosixPath(member.filename).parent) == base:
                        target = inside / PurePosixPath(member.filename).name
                        target.write_bytes(_read(archive, member, file))
                named = layer in {base, PurePosixPath(base).name, PurePosixPath(base).stem}
                yield inside, f"{file}/{PurePosixPath(base).name}", None if named else layer
                return
            chosen = _choose(members, file, role, layer)
            stem = str(PurePosixPath(chosen.filename).with_suffix("")).casefold()
            for member in members:
                suffix = PurePosixPath(member.filename).suffix.lower()
                same = str(PurePosixPath(member.filename).with_suffix("")).casefold() == stem
                if member is chosen or (same and suffix in _BESIDE):
                    (Path(folder) / f"data{suffix}").write_bytes(_read(archive, member, file))
            name = PurePosixPath(chosen.filename).name
            rest = None if layer in {chosen.filename, name, PurePosixPath(name).stem} else layer
            yield (
                Path(folder) / f"data{PurePosixPath(chosen.filename).suffix.lower()}",
                f"{file}/{name}",
                rest,
            )
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, UnicodeError) as error:
        raise Refused("file_unreadable", f"the archive is damaged ({error})", file=file) from error


def dataset_names(data: bytes, file: str) -> list[str]:
    """Names of the datasets that an archive holds, as `unpacked` takes them.

    Raises
    ------
    Refused
        Not a sound archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = check_archive(archive, file)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, UnicodeError) as error:
        raise Refused("file_unreadable", f"the archive is damaged ({error})", file=file) from error
    return [m.filename for m in members if PurePosixPath(m.filename).suffix.lower() in _DATASETS]


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, file: str) -> bytes:
    """Bytes of a member, its checksum proven, never more than it declares."""
    try:
        with archive.open(member) as handle:
            data = handle.read(member.file_size + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise Refused(
            "file_unreadable", f"a member of the archive is damaged ({error})", file=file
        ) from error
    if len(data) != member.file_size:
        raise Refused(
            "file_unreadable",
            "a member of the archive has another size than it declares",
            file=file,
        )
    return data


def _geodatabase(members: list[zipfile.ZipInfo], layer: str | None) -> str | None:
    """Return the folder of the File Geodatabase of an archive.

    It is the only dataset of the archive, or the one that the caller names.
    """
    folders = {
        str(PurePosixPath(m.filename).parent) for m in members
        if m.filename.lower().endswith(".gdbtable")
    }  # fmt: skip
    folders = {f for f in folders if f.lower().endswith(".gdb")}
    named = [f for f in folders if layer in {f, PurePosixPath(f).name, PurePosixPath(f).stem}]
    others = any(PurePosixPath(m.filename).suffix.lower() in _DATASETS for m in members)
    if len(named) == 1:
        return named[0]
    return next(iter(folders)) if len(folders) == 1 and not others else None


def _choose(
    members: list[zipfile.ZipInfo], file: str, role: str | None, layer: str | None
) -> zipfile.ZipInfo:
    found = [m for m in members if PurePosixPath(m.filename).suffix.lower() in _DATASETS]
    if any(PurePosixPath(m.filename).suffix.lower() in {".zip", ".kmz"} for m in members):
        raise Refused(
            "file_refused", "the archive holds another archive", file=file, mend="Unpack it first."
        )
    names = [PurePosixPath(m.filename) for m in found]
    if layer is not None:
        named = [m for m, n in zip(found, names, strict=True) if layer in {str(n), n.name, n.stem}]
        if len(named) == 1:
            return named[0]
    if len(found) > 1 and file.casefold().endswith(".kmz"):
        # The document of a KMZ is doc.kml; the others are what it links to.
        found = [
            m for m, n in zip(found, names, strict=True) if str(n).casefold() == "doc.kml"
        ] or found
    if len(found) > 1 and role is not None:
        by_role = [m for m, n in zip(found, names, strict=True) if plain_name(n.stem) == role]
        found = by_role if len(by_role) == 1 else found
    if len(found) > 1:
        text = f"the archive holds {len(found)} datasets: {', '.join(str(n) for n in names[:10])}"
        raise Refused("layer_unclear", text, file=file, mend="Name the one to read with --layer.")
    if not found:
        raise Refused("file_unreadable", "the archive holds nothing that can be read", file=file)
    return found[0]
