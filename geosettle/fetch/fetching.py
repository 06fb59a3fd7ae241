"""fetch: the sources that a study needs, each once, into its folder and its study.toml."""

from __future__ import annotations

import shutil
import tomllib
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from geosettle.data_files import toml_text
from geosettle.errors import FetchError, InputError
from geosettle.fetch.boundaries import make_cod, make_geoboundaries, plan_boundaries
from geosettle.fetch.box import box_around, check_box
from geosettle.fetch.extracts import (
    box_of_country,
    codes_of,
    country_at,
    make_osm,
    plan_osm,
    read_index,
)
from geosettle.fetch.gazetteer import make_geonames, plan_geonames
from geosettle.fetch.job import Box, Job, Made
from geosettle.fetch.lock import LOCK, Locked, digest, read_lock, write_lock
from geosettle.fetch.overture import make_overture, plan_overture
from geosettle.fetch.sources import SOURCES, Source, chosen
from geosettle.fetch.study_lines import with_layer
from geosettle.fetch.transport import NotThereError, Transport
from geosettle.fetch.windows import make_window, plan_window
from geosettle.io.staging import explained, write_file
from geosettle.io.study import gather, study_file
from geosettle.layers import LAYERS
from geosettle.settings import FetchOptions, Settings, decode

_NEEDED: Final = ("boundaries", "dem", "landcover", "roads", "places", "population")
"""Layers that a study without them gets unless others are named."""
_DATA: Final = "data"

Plan = Callable[[Job], int | None]
Make = Callable[[Job, Path], Made]
HOW: Final[dict[str, tuple[Plan, Make, str]]] = {
    **dict.fromkeys(("tiles", "file", "box"), (plan_window, make_window, ".tif")),
    "geoboundaries": (plan_boundaries, make_geoboundaries, ".fgb"),
    "ckan": (plan_boundaries, make_cod, ".fgb"),
    "overture": (plan_overture, make_overture, ".fgb"),
    "geofabrik": (plan_osm, make_osm, ".fgb"),
    "geonames": (plan_geonames, make_geonames, ".fgb"),
}
"""How a source is fetched: what says the bytes before, what makes its file, the file's ending."""


@dataclass(frozen=True)
class Fetched:
    """What was fetched, or would be, in lines for a reader."""

    folder: Path
    lines: tuple[str, ...]
    moved: int
    """Bytes that came over the network; of a plan those that would."""


def fetch(
    study: str | Path | None = None,
    *,
    box: Sequence[float] = (),
    country: str = "",
    layers: Sequence[str] = (),
    out: str | Path | None = None,
    mirror: str = "",
    offline: bool = False,
    plan: bool = False,
    update: bool = False,
    transport: Transport | None = None,
    sources: Mapping[str, Source] = SOURCES,
    progress: Callable[[str], None] = lambda _: None,
) -> Fetched:
    """Bring open data around a study, and name it in its study.toml.

    Parameters
    ----------
    study
        Folder or study.toml; None with a box or a country.
    box
        West, south, east, north in degrees; empty: around sites and origins.
    country
        Three letters; empty: found by the box, where a source needs it.
    layers
        Layers or sources; empty: those that the study lacks.
    out
        Folder for the study with what was fetched, its own files copied; None: the study's folder.
    mirror
        Server that has the files of all sources, under host/path.
    offline
        Whether to connect to nothing: only what was fetched before is checked.
    plan
        Whether only to say how many bytes would be moved.
    update
        Whether sources that have changed since are fetched anew.
    transport
        How servers are asked.
    sources
        Name to source.
    progress
        Called with a few words before each step.

    Returns
    -------
    Fetched
        What was done, in lines for a reader.

    Raises
    ------
    InputError
        There is no box, or a source cannot serve it.
    FetchError
        A server, or the way to it, is at fault; or a source has changed since it was fetched.

    Examples
    --------
    >>> import tempfile
    >>> fetch(box=(79, 36, 80, 37), layers=["dem"], out=tempfile.mkdtemp(), offline=True)
    Traceback (most recent call last):
    ...
    geosettle.errors.FetchError: data/dem_copernicus_dem_30.tif: it was not fetched yet. Call it...
    """
    with study_file(study) if study is not None else _no_study() as (folder, said):
        place, stated = _placed(folder, said, out)
        settings = decode(stated)
        options = replace(
            settings.fetch,
            country=country or settings.fetch.country,
            mirror=mirror or settings.fetch.mirror,
            box=tuple(box) or settings.fetch.box,
            layers=tuple(layers) or settings.fetch.layers,
        )
        own = transport or Transport(mirror=options.mirror, offline=offline)
        try:
            work = _Work(place, stated, settings, options, own, sources, progress)
            return work.plan() if plan else work.fetch(offline=offline, update=update)
        finally:
            own.close()


@contextmanager
def _no_study() -> Iterator[tuple[Path, dict[str, Any]]]:
    yield Path(), {}


def _placed(
    folder: Path, stated: dict[str, Any], out: str | Path | None
) -> tuple[Path, dict[str, Any]]:
    """Return the folder that is written to, and what its study states.

    A study goes there with the files that it names; one that is there already is taken.
    """
    asked = stated.get("fetch", {})
    if stated and "layers" not in stated and (folder / "study.toml").is_file():  # a fetch.toml
        stated = _read_toml(folder / "study.toml")
    if out is not None and (Path(out) / "study.toml").is_file():
        stated, folder = _read_toml(Path(out) / "study.toml"), Path(out)
    stated = {**stated, **({"fetch": asked} if asked else {})}
    if out is None or Path(out) == folder:
        return folder if stated else Path("geosettle-data"), stated
    place = Path(out)
    if "layers" in stated:
        _copy(folder, place, stated)
    return place, stated


def _read_toml(path: Path) -> dict[str, Any]:
    with study_file(path) as (_, stated):
        return stated


def _copy(folder: Path, place: Path, stated: Mapping[str, Any]) -> None:
    """Copy a study and the files of its folder that it names."""
    toml = folder / "study.toml"
    text = toml.read_text(encoding="utf-8-sig") if toml.is_file() else _text_of(stated)
    with explained(place):
        for name in sorted(_texts(stated.get("layers", {}))):
            file = folder / name
            if Path(name).is_absolute() or not file.is_file() or ".." in Path(name).parts:
                continue
            own = {".shp", ".shx", ".dbf", ".prj", ".cpg"} if file.suffix == ".shp" else set()
            for one in file.parent.glob(f"{file.stem}.*") if own else [file]:
                target = place / one.relative_to(folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(one, target)
    write_file(place / "study.toml", text.encode())


def _text_of(stated: Mapping[str, Any]) -> str:
    """Return a study that has no study.toml as one."""
    parts = [f"[study]\nname = {toml_text(stated.get('study', {}).get('name', 'study'))}\n"]
    for role, entry in stated.get("layers", {}).items():
        lines = (f"{key} = {toml_text(value)}" for key, value in dict(entry).items())
        parts.append("\n".join([f"[layers.{role}]", *lines]) + "\n")
    return "\n".join(parts)


def _texts(value: Any) -> set[str]:
    """Every text in tables and lists."""
    if isinstance(value, str):
        return {value}
    inside = value.values() if isinstance(value, Mapping) else value
    return {t for v in inside for t in _texts(v)} if isinstance(value, Mapping | list) else set()


@dataclass
class _Work:
    """One call: which sources, for which box, into which folder."""

    folder: Path
    stated: dict[str, Any]
    settings: Settings
    options: FetchOptions
    transport: Transport
    sources: Mapping[str, Source]
    progress: Callable[[str], None]
    _country: tuple[str, str] | None = None
    _box: Box | None = None
    _box_is_country: bool = False

    @cached_property
    def files(self) -> dict[str, Locked]:
        """What was fetched before, and is being fetched."""
        return read_lock(self.folder)

    @property
    def wanted(self) -> list[Source]:
        """Sources that are named, else those fetched before and those of layers that lack."""
        has = self.stated.get("layers", {})
        before = [one.source for one in self.files.values() if one.source in self.sources]
        covered = {self.sources[name].layer for name in before}
        given = {s.layer for s in self.sources.values()}
        lacking = [n for n in _NEEDED if n in given and n not in has and n not in covered]
        found = [chosen(name, self.sources) for name in self.options.layers or before + lacking]
        # Boundaries first: they place sites that only name their unit.
        return sorted({s.name: s for s in found}.values(), key=lambda s: s.layer != "boundaries")

    @property
    def box(self) -> Box:
        """The box that was stated, else around sites and origins, else that of the country."""
        if self._box is None:
            stated = self.options.box
            self._box = check_box(stated) if stated else self._box_of_places()
        if self._box is None and self.options.country:
            index = self._index()
            self._box = box_of_country(index, codes_of(self.options.country))
            self._box_is_country = True
        if self._box is None:
            raise InputError(
                "it is not known around what to fetch: no site and no origin has a position",
                mend="Name a box: --bbox WEST SOUTH EAST NORTH, or --country.",
            )
        return self._box

    def _box_of_places(self) -> Box | None:
        roles = ("sites", "origins", "boundaries", "places")
        layers = {r: e for r, e in self.stated.get("layers", {}).items() if r in roles}
        if not layers:
            return None
        self.progress("reading the positions of the study")
        found = gather(self.folder, replace(decode(self.stated), layers=layers)).layers
        ends = [
            found[role].geometry.to_numpy() for role in ("sites", "origins")
            if role in found and "geometry" in found[role]
        ]  # fmt: skip
        reach = max(self.options.hours * self.options.speed_kmh, *self.settings.overlay.radii_km, 0)
        return box_around(ends, reach * 1000)

    def _index(self) -> list[Any]:
        source = next(s for s in SOURCES.values() if s.how == "geofabrik")
        address = self.options.address.get(source.name, source.address)
        return read_index(address, self.transport)

    def job(self, source: Source) -> Job:
        """Return what is to be done for a source."""
        scratch = self.folder / _DATA / ".fetch"
        return Job(source, self.box, self.options, self.transport, scratch, self.country)

    def country(self) -> tuple[str, str]:
        """Return the codes of the country: two letters, three letters."""
        if self.options.country:
            return codes_of(self.options.country)
        if self._country is None:
            self.progress("looking for the country")
            self._country = country_at(self._index(), self.box)
        return self._country

    def name_of(self, source: Source) -> str:
        """Return the file of a source in the folder."""
        return f"{_DATA}/{source.layer}_{source.name}{HOW[source.how][2]}"

    def asked(self, source: Source) -> str:
        """Return what besides the box decides about the file of a source."""
        parts = [self.options.address.get(source.name, source.address)]
        parts += ["+".join(self.options.levels)] if source.layer == "boundaries" else []
        parts += [str(self.options.cells)] if HOW[source.how][2] == ".tif" else []
        return " ".join(parts)

    # --- what would be moved

    def plan(self) -> Fetched:
        """Say how many bytes each source would move."""
        lines, total = [], 0
        for source in self.wanted:
            name = self.name_of(source)
            if self._kept(source, name) is not None:
                lines.append(f"{source.layer}: {name} is here already")
                continue
            self.progress(f"asking for the size of {source.name}")
            with self._scratch():
                size = HOW[source.how][0](self.job(source))
            total += size or 0
            text = "of unknown size" if size is None else f"about {_mb(size)}"
            lines.append(f"{source.layer}: {source.title}, {text} ({source.licence})")
        sides = ", ".join(f"{side:.3f}" for side in self.box)
        lines.append(f"box: {sides} (west, south, east, north); in all about {_mb(total)}")
        return Fetched(self.folder, tuple(lines), total)

    # --- what is moved

    def fetch(self, *, offline: bool, update: bool) -> Fetched:
        """Fetch what is not here yet, and name it in study.toml."""
        lines = []
        with ExitStack() as stack:
            for source in self.wanted:
                name, before = self.name_of(source), self.transport.moved
                kept = self._kept(source, name, update=update)
                if kept is None or (update and not offline and self._has_changed(source, kept)):
                    if offline:
                        raise FetchError(
                            "it was not fetched yet", file=name,
                            mend="Call it once without --offline.",
                        )  # fmt: skip
                    self.progress(f"fetching {source.title}")
                    stack.enter_context(self._scratch())
                    notes = self._make(source, name, update=update)
                    moved = _mb(self.transport.moved - before)
                    lines.append(f"{source.layer}: {name}, {moved} moved: {source.title}")
                    lines += [f"  {note}" for note in notes]
                else:
                    lines.append(f"{source.layer}: {name} is as it was fetched on {kept.date}")
                self._name_in_study(source.layer)
        used = [self.files[self.name_of(source)] for source in self.wanted]
        terms = dict.fromkeys(f"{one.attribution} ({one.licence})" for one in used)
        lines += ["Name with every map and number:", *(f"  {text}" for text in terms)]
        return Fetched(self.folder, tuple(lines), self.transport.moved)

    def _kept(self, source: Source, name: str, *, update: bool = False) -> Locked | None:
        """Return what is known of a file that is here and serves; None if it is to be fetched."""
        known, path = self.files.get(name), self.folder / name
        if known is None or not path.is_file():
            return None
        if digest(path) != known.sha256:
            if update:
                return None
            raise InputError(
                "this is not the file any more that was fetched", file=str(path),
                mend="Move it away, or fetch it anew with --update.",
            )  # fmt: skip
        return known if known.covers(self.box, self.asked(source)) else None

    def _has_changed(self, source: Source, known: Locked) -> bool:
        hosts = source.hosts
        try:
            now = [self.transport.about(remote.url, hosts) for remote in known.remotes]
        except NotThereError:
            return True
        return bool(known.changes(now))

    @contextmanager
    def _scratch(self) -> Iterator[None]:
        """Give a folder for whole files, which is gone once they are used."""
        folder = self.folder / _DATA / ".fetch"
        new = not self.folder.exists()
        with explained(folder):
            folder.mkdir(parents=True, exist_ok=True)
        try:
            yield
            shutil.rmtree(folder, ignore_errors=True)
        finally:  # after a fault what can be gone on with stays
            for one in (folder, folder.parent, *([self.folder] if new else [])):
                if one.is_dir() and not any(one.iterdir()):
                    one.rmdir()

    def _make(self, source: Source, name: str, *, update: bool) -> list[str]:
        """Fetch a source; its file appears complete, or not at all."""
        path, moved = self.folder / name, self.transport.moved
        temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}{path.suffix}")
        try:
            made = HOW[source.how][1](self.job(source), temporary)
            known = self.files.get(name)
            as_before = known is not None and known.asked == self.asked(source)
            if (
                known is not None
                and as_before
                and not update
                and (why := known.changes(made.remotes))
            ):
                raise FetchError(
                    f"{source.name} has changed: {why}", file=name,
                    mend="Take the new one with --update, for all of the study.",
                )  # fmt: skip
            with explained(path):
                temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        entry = {**_entry(source, name), **made.entry}
        self.files[name] = Locked(
            source.name, source.layer, datetime.now(UTC).date().isoformat(), digest(path),
            path.stat().st_size, self.transport.moved - moved,
            str(entry["licence"]), str(entry["attribution"]), self.box, self.asked(source),
            tuple(made.remotes), entry,
        )  # fmt: skip
        if source.classes:
            rows = "".join(f'{n},"{text}"\n' for n, text in source.class_names().items())
            write_file(self.folder / entry["classes"], f"value,name\n{rows}".encode())
        write_lock(self.folder, self.files)
        unsure = (
            "its address could not be confirmed when this version was made: see [fetch.address]"
        )
        return [*made.notes, *([source.about] * bool(source.about)),
                *([] if source.confirmed else [unsure])]  # fmt: skip

    def _name_in_study(self, role: str) -> None:
        """Write the tables of a layer into study.toml, unless they are there."""
        named = [chosen(n, self.sources) for n in self.options.layers]
        ours = [
            one.entry for name, one in sorted(self.files.items())
            if one.layer == role and (self.folder / name).is_file()
        ]  # fmt: skip
        if not LAYERS[role].by_year:
            latest = next(s for s in (*named, *self.wanted) if s.layer == role)
            ours = [self.files[self.name_of(latest)].entry]
        path = self.folder / "study.toml"
        text = path.read_text(encoding="utf-8-sig") if path.is_file() else _text_of(self.stated)
        has = tomllib.loads(text).get("layers", {}).get(role)
        entries = [dict(e) for e in ours]
        if has in (entries, entries[0]):
            return
        new = with_layer(text, role, entries, f"Fetched by geosettle; see {LOCK}.")
        write_file(path, new.encode())
        self.stated = {**self.stated, "layers": tomllib.loads(new)["layers"]}
        if role == "boundaries" and self._box_is_country:
            self._box, self._box_is_country = None, False  # they may place the sites


def _entry(source: Source, name: str) -> dict[str, Any]:
    """Return what study.toml says of a file that was fetched."""
    classes = f"{Path(name).with_suffix('')}_classes.csv" if source.classes else ""
    stated = {
        "year": source.year if LAYERS[source.layer].by_year else 0, "path": name,
        "classes": classes, "unit": source.unit if source.layer != "dem" else "",
        "source": source.title, "licence": source.licence, "attribution": source.attribution,
        "date": source.date, "product": source.name * bool(source.not_comparable_with),
        "not_comparable": dict(source.not_comparable_with),
    }  # fmt: skip
    return {key: value for key, value in stated.items() if value}


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def has_positions(study: str | Path) -> bool:
    """Whether a site or an origin of a study has a position.

    Parameters
    ----------
    study
        Folder or study.toml.

    Returns
    -------
    bool
        False also where only the names of units are known.

    Examples
    --------
    >>> has_positions(Path(__file__).parents[1] / "template")
    True
    """
    with study_file(study) as (folder, stated):
        settings = decode(stated)
        own = Transport(offline=True)
        work = _Work(folder, stated, settings, settings.fetch, own, SOURCES, lambda _: None)
        return work._box_of_places() is not None  # noqa: SLF001
