"""read_study: a folder or a study.toml becomes a Study.

Every problem of every layer is found before any work.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geosettle.crs import crs_name, parse_crs
from geosettle.errors import GeosettleError, InputError
from geosettle.io.archives import unpacked
from geosettle.io.column_names import columns_of, find_columns
from geosettle.io.combining import join_columns
from geosettle.io.cross_layer_checks import DECLARING, mend_references, study_problems
from geosettle.io.formats import EXTENSIONS, kind_of, open_source
from geosettle.io.layer_tables import dates_of, with_more
from geosettle.io.named_places import place_by_name
from geosettle.io.osm import OSM_ENDINGS, Window, surroundings
from geosettle.io.raster_files import DRIVERS
from geosettle.io.rasters import raster_problems, read_raster
from geosettle.io.selection import join_sources, propose_ids, select
from geosettle.io.source import Options, Refused
from geosettle.io.unit_places import place_by_unit, place_in_area
from geosettle.io.validation import Checked, set_aside, spec_of, understand
from geosettle.layers import LAYERS, LayerSpec, plain_name
from geosettle.levels import name_declared
from geosettle.names import Aliases
from geosettle.problems import Problem, problem, problem_of
from geosettle.raster import Raster
from geosettle.settings import Settings, check_kinds, decode
from geosettle.study import Study
from geosettle.terminal import steps

_LAYER_KEYS: Final = frozenset(
    [
        "path",
        "crs",
        "datum",
        "encoding",
        "layer",
        "sheet",
        "map",
        "where",
        "set",
        "header_row",
        "date_column",
        "join",
        "combine",
        "place",
        "source",
        "licence",
        "license",
        "date",
        "unit",
        "kind",
        "band",
        "classes",
        "rasters",
        "year",
        "class_table",
        "note",
        "title",
        "url",
        "faults",
        "attribution",
        "product",
        "not_comparable",
        "missing_outside",
        "geometry_basis",
    ]
)


@dataclass
class _Gathered:
    layers: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    ledger: dict[str, dict[str, int]] = field(default_factory=dict)
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    checked: dict[str, Checked] = field(default_factory=dict)
    rasters: dict[str, Any] = field(default_factory=dict)
    regions: dict[str, dict[str, Any]] = field(default_factory=dict)
    earlier: dict[str, Checked] = field(default_factory=dict)
    rounds: dict[str, Any] = field(default_factory=dict)

    def note_input(
        self, file: Path, folder: Path, role: str, item: Mapping[str, Any], **more: Any
    ) -> None:
        """Keep what a layer was read from: every file, sheet or layer of a file for itself."""
        what = _provenance(file, role, item)
        place = PurePosixPath(_relative(file, folder))
        part = item.get("sheet") or item.get("layer")
        names = [place.as_posix()] + [
            "/".join([*reversed([p.name for p in list(file.parents)[:n]]), file.name])
            for n in range(1, len(file.parents))
        ]
        keys = [f"{name}#{part}" if part else name for name in names]
        # Of two files of one name outside the study, the second gets as much of its folder as it
        # takes; of two layers from one table, the second its role.
        same = {k for k, v in self.inputs.items() if v["sha256"] == what["sha256"]}
        key = next((k for k in keys if k not in self.inputs or k in same), keys[-1])
        if key in self.inputs and self.inputs[key]["layer"] != role:
            key = f"{key} ({role})"
        self.inputs[key] = {**what, **more}


def known_names(role: str) -> frozenset[str]:
    """Plain names that a header of this layer may have."""
    columns = columns_of(spec_of(role))
    return frozenset(plain_name(n) for c in columns for n in (c.name, *c.aliases))


def read_rows(path: Path | Sequence[Path], role: str, options: Options) -> Checked:
    """Read a table or vector file, or several as one, as the layer `role`.

    It is checked in every way a single layer can be.
    """
    paths = [path] if isinstance(path, Path) else list(path)
    sources = [
        open_source(
            one,
            role=role,
            names=known_names(role) | {plain_name(h) for h in options.columns.values()},
            encoding=options.encoding,
            layer=options.layer,
            sheet=options.sheet,
            header_row=options.header_row,
            window=options.window,
            features=options.features,
        )
        for one in paths
    ]
    source = sources[0] if len(sources) == 1 else join_sources(sources, [p.name for p in paths])
    return understand(source, role, options)


@contextlib.contextmanager
def study_file(path: str | Path | None) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Folder of a study and what its study.toml says; the embedded study for None."""
    if path is None:
        packed = resources.files("geosettle").joinpath("_data/southern_xinjiang")
        checkout = Path(__file__).resolve().parents[2] / "data" / "southern_xinjiang"
        if packed.is_dir():
            with resources.as_file(packed) as folder:
                yield folder, _toml(folder / "study.toml")
            return
        if not checkout.is_dir():
            raise InputError(
                "the embedded study is not installed", mend="Reinstall geosettle, or name a study."
            )
        path = checkout
    given = Path(path)
    if given.is_dir():
        yield (
            given,
            _toml(given / "study.toml") if (given / "study.toml").exists() else _by_name(given),
        )
    elif given.suffix.lower() == ".toml" and given.is_file():
        yield given.parent, _toml(given)
    elif not given.exists():
        is_file = given.suffix.lower() not in {"", ".toml"}
        what, mend = (
            ("file", "Check the path.") if is_file else ("study", "Name a folder or a study.toml.")
        )
        raise InputError(f"the {what} does not exist", file=str(path), mend=mend)
    else:
        raise InputError(
            "a study is a folder or a study.toml", file=str(path), mend="Name the folder it is in."
        )


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise InputError("the study has no study.toml", file=str(path)) from error
    except RecursionError as error:
        raise InputError("the TOML is nested too deeply to read", file=str(path)) from error
    except UnicodeDecodeError as error:
        raise InputError(
            "this is no UTF-8 text", file=str(path),
            mend="Save it in a text editor with the encoding UTF-8.",
        ) from error  # fmt: skip
    except tomllib.TOMLDecodeError as error:
        raise InputError(
            f"this is not valid TOML: {error}", file=str(path), mend="Mend that line."
        ) from error


def _by_name(folder: Path) -> dict[str, Any]:
    """Layers of a folder without study.toml, by the names of its files.

    Such as sites.csv and origins.xlsx.
    """
    layers: dict[str, Any] = {}
    for file in sorted(folder.iterdir()):
        role, suffix = file.stem.casefold(), file.suffix.lower()
        if suffix not in EXTENSIONS:
            continue
        cover = re.fullmatch(r"landcover_?(\d{4})", role)
        if cover:
            layers.setdefault("landcover", {"rasters": {}})["rasters"][cover[1]] = {
                "path": file.name
            }
        elif role in LAYERS:
            if role in layers:
                raise InputError(
                    f"two files are called {role}",
                    file=str(folder),
                    mend="Keep one, or write study.toml.",
                )
            layers[role] = {"path": file.name}
    if "sites" not in layers:
        raise InputError(
            "the folder holds no sites",
            file=str(folder),
            mend="Add sites.csv, or write a study.toml.",
        )
    return {"study": {"name": folder.resolve().name}, "layers": layers}


def read_study(
    path: str | Path | None = None,
    *,
    layers: Mapping[str, Mapping[str, Any]] | None = None,
    settings: type[Settings] = Settings,
) -> Study:
    """Every input of a study, checked and frozen.

    Parameters
    ----------
    path
        A folder with study.toml or with files named after their layers (sites.csv, origins.xlsx
        ...), or a study.toml; None for the embedded study of southern Xinjiang.
    layers
        Role to how it is read, over the study's own table `[layers.ROLE]`, with the same
        keys: ``{"sites": {"map": {"lon": "Longitude"}}}``.
    settings
        The class that says which settings a study.toml may have: a subclass of
        `geosettle.settings.Settings` has tables or settings more.

    Returns
    -------
    Study
        Rows that cannot be used are set aside; `problems` says why, `ledger` counts them.

    Raises
    ------
    InputError
        Something is so wrong that no work should start; all of it in one message.

    Examples
    --------
    >>> study = read_study()
    >>> study.name, len(study.sites)
    ('southern_xinjiang', 17)
    """
    with study_file(path) as (folder, stated), steps() as step:
        chosen = decode(with_more(stated, layers or {}), settings=settings)
        step("reading")
        gathered = gather(folder, chosen)
    places = gathered.layers.get("places")
    check_kinds(chosen, () if places is None else places["kind"].dropna().astype(str))
    fatal = [p for p in gathered.problems if p.severity == "fatal"]
    if fatal:
        listed = "\n".join(f"  {p.file or p.layer}: {p.message} {p.mend}".rstrip() for p in fatal)
        raise InputError(f"the study cannot be used:\n{listed}", file=str(path) if path else "")
    return Study.of_layers(
        gathered.layers,
        settings=chosen,
        problems=tuple(gathered.problems),
        ledger=gathered.ledger,
        inputs=gathered.inputs,
        name=chosen.study.name,
        regions=gathered.regions,
        rounds=gathered.rounds,
    )


def gather(folder: Path, settings: Settings) -> _Gathered:
    """Read every layer that the settings name.

    What is wrong is collected; nothing stops at the first problem.
    """
    out = _Gathered()
    checked: dict[str, Checked] = {}
    region = tuple(settings.study.region) or None
    entries = {role: _entry(role, entry) for role, entry in settings.layers.items()}
    features = settings.study.features
    # Of the file of a whole country only the surroundings of the study are read, so its places
    # come first.
    for role, item in sorted(entries.items(), key=lambda one: _turn(*one)):
        try:
            _check_entry(role, item)
            if spec_of(role).geometries == ("raster",):
                around = _window(_options({}, region), checked)
                limit = settings.study.raster_cells
                made = _rasters(folder, role, item, out, window=around, limit=limit)
                out.layers[role] = made
                continue
            if role == "sites" and (dates := _dates(folder, item)):
                checked[role] = _read_dates(folder, role, dates, region, out)
                continue
            if "parts" in item:
                checked[role] = _read_parts(folder, role, item["parts"], region, out)
                continue
            files = _files(folder, item)
            options = replace(_options(item, region), features=features)
            if _is_extract(item) or (role in AROUND and all_placed(_ends(checked))):
                options = replace(options, window=_window(options, checked))
            checked[role] = read_rows(files, role, options)
            for file in files:
                out.note_input(file, folder, role, item)
        except GeosettleError as error:
            out.problems.append(problem_of(error, role, str(item.get("path", ""))))
    if "sites" not in settings.layers:
        out.problems.append(
            problem(
                "column_missing", "The study has no layer sites.", layer="sites", mend="Add it."
            )
        )
    checked = {role: checked[role] for role in entries if role in checked}
    _join(out, checked, settings)
    return out


AROUND: Final = frozenset({"roads", "rivers", "barriers", "boundaries", "development"})
"""Layers of which what is far from all sites and origins changes nothing."""


def all_placed(ends: Sequence[pd.DataFrame]) -> bool:
    """Whether every site and origin has a position, so that it is known what is far from them."""
    return all("geometry" in end and bool(end["geometry"].notna().all()) for end in ends)


def _ends(checked: Mapping[str, Checked]) -> list[pd.DataFrame]:
    """Sites and origins, as far as they are read."""
    return [checked[role].frame for role in ("sites", "origins") if role in checked]


def _window(options: Options, checked: Mapping[str, Checked]) -> Window | None:
    """Box of an extract that is read: the region that was set, else what surrounds the study."""
    if options.region is not None and options.region[0] < options.region[2]:
        return options.region
    return surroundings([e.geometry.to_numpy() for e in _ends(checked) if "geometry" in e])


def _turn(role: str, item: Mapping[str, Any]) -> int:
    """When a layer is read: sites and origins first, then what is read whole as a rule."""
    raster = role in LAYERS and LAYERS[role].geometries == ("raster",)
    return 0 if role in {"sites", "origins"} else 2 if raster or _is_extract(item) else 1


def _is_extract(item: Mapping[str, Any]) -> bool:
    """Whether a layer is read from OpenStreetMap."""
    named = item.get("path", ())
    paths = [named] if isinstance(named, str) else list(named)
    return any(Path(str(path)).suffix.lower() in OSM_ENDINGS for path in paths)


def _join(out: _Gathered, checked: dict[str, Checked], settings: Settings) -> None:
    """Check the layers against each other, then hand over what is left of each."""
    rasters = {r: v for r, v in out.layers.items() if LAYERS[r].geometries == ("raster",)}
    aliases = settings.admin.aliases
    checked |= with_declared_units(checked, aliases)
    _place(checked, settings)
    if "origins" in checked and not checked["origins"].fatal:
        checked["origins"] = place_in_area(checked["origins"])
    usable = {role: c for role, c in checked.items() if not c.fatal}
    found = study_problems(usable, rasters, aliases)
    out.problems += [
        p if p.layer else replace(p, layer=role) for role, p in found if role not in checked
    ]
    for role, layer in checked.items():
        checked[role] = set_aside(layer, [p for name, p in found if name == role])
    _finish_rounds(out, checked, settings)
    frames = mend_references(checked)
    for role, layer in checked.items():
        out.checked[role] = layer
        out.regions[role] = dict(layer.regions)
        out.layers[role] = in_order(frames[role], spec_of(role))
        out.problems += layer.problems
        used = len(layer.frame)
        if role == "sites" and not used and not layer.fatal:
            text = "Every row of sites was set aside; there is nothing to measure."
            out.problems.append(
                problem(
                    "table_empty", text, file=layer.source.file, layer=role, mend="See why, above."
                )
            )
        out.ledger[role] = {
            "rows_in": layer.rows_in,
            "rows_used": used,
            "rows_set_aside": layer.rows_in - used,
        }
        for item in out.inputs.values():
            if item["layer"] == role:
                item |= {
                    "crs_read": layer.crs_read,
                    "crs_used": layer.crs_used,
                    "rows": layer.rows_in,
                }
                item["content_sha256"] = layer.source.digest()


def _dates(folder: Path, item: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Entries of a registry by date; {} for one date."""
    files = _files(folder, item) if item.get("date_column") else []
    return dates_of(files, item, known_names("sites"))


def _read_dates(
    folder: Path,
    role: str,
    dates: Mapping[str, Sequence[Mapping[str, Any]]],
    region: Any,
    out: _Gathered,
) -> Checked:
    """Read a registry at several dates: the latest is the layer, the others are kept by date."""
    for date, parts in dates.items():
        if len(parts) > 1:
            out.earlier[date] = _read_parts(folder, role, parts, region, out)
            continue
        files = _files(folder, parts[0])
        out.earlier[date] = read_rows(files, role, _options(parts[0], region))
        for file in files:
            out.note_input(file, folder, role, parts[0])
    return out.earlier.pop(list(dates)[-1])


def _finish_rounds(out: _Gathered, checked: Mapping[str, Checked], settings: Settings) -> None:
    """Place the sites of earlier dates as those of the latest, and hand them over."""
    for date, found in out.earlier.items():
        layers = {**checked, "sites": found}
        layers |= with_declared_units(layers, settings.admin.aliases)
        _place(layers, settings)
        one = layers["sites"]
        out.problems += [replace(p, message=f"{date}: {p.message}") for p in one.problems]
        if not one.fatal:
            out.rounds[date] = in_order(one.frame, spec_of("sites"))


def _place(checked: dict[str, Checked], settings: Settings) -> None:
    """Give rows without a position one by name or by unit, as their layers ask for, in place."""
    aliases = settings.admin.aliases
    units, places = (
        checked[role].frame if role in checked and not checked[role].fatal else None
        for role in ("boundaries", "places")
    )
    for role, entry in settings.layers.items():
        stated = entry[-1] if isinstance(entry, list) and entry else entry
        if role not in checked or checked[role].fatal or not isinstance(stated, Mapping):
            continue
        wanted = stated.get("place", ())
        for how in [wanted] if isinstance(wanted, str) else wanted:
            if how == "places" and places is not None:
                checked[role] = place_by_name(checked[role], places, units, aliases)
            if how == "unit" and units is not None:
                checked[role] = place_by_unit(checked[role], units, aliases)


def with_declared_units(layers: Mapping[str, Checked], aliases: Aliases) -> dict[str, Checked]:
    """Layers whose columns of declared units are called like the levels of the boundaries."""
    boundaries = layers.get("boundaries")
    if boundaries is None or boundaries.fatal or not len(boundaries.frame):
        return {}
    out = {}
    for role in DECLARING:
        if role not in layers or layers[role].fatal:
            continue
        frame, renamed = name_declared(layers[role].frame, boundaries.frame, aliases)
        notes = [
            problem("column_renamed", f"The column {old} is kept as {new}.", column=old)
            if new.startswith("given_")
            else problem(
                "column_declares_unit",
                f"The column {old} is read as {new}, as declared.",
                column=old,
            )
            for new, old in renamed.items()
        ]
        out[role] = set_aside(replace(layers[role], frame=frame), notes)
    return out


def in_order(frame: pd.DataFrame, spec: LayerSpec) -> pd.DataFrame:
    """Rows by identifier, or else by all their values.

    Every output is then the same whatever their order in the file.
    """
    if not len(frame):
        return frame
    if frame.index.name:
        return frame.sort_index(kind="stable")
    drawn = isinstance(frame, gpd.GeoDataFrame)
    names = [*spec.key, *sorted(str(c) for c in frame if c not in spec.key and c != "geometry")]
    keys = [
        frame[c].astype(object).where(frame[c].notna(), "").astype(str).to_numpy() for c in names
    ]
    keys += (
        [np.array([b.hex() if b else "" for b in shapely.to_wkb(frame.geometry.to_numpy())])]
        if drawn
        else []
    )
    return frame.iloc[np.lexsort(keys[::-1])].reset_index(drop=True)


def _read_parts(
    folder: Path, role: str, parts: Sequence[Mapping[str, Any]], region: Any, out: _Gathered
) -> Checked:
    """Read a layer of several datasets, each with its own columns: [[layers.boundaries]]."""
    sources = []
    for part in parts:
        file, options = _inside(folder, part["path"]), _options(part, region)
        names = known_names(role) | {plain_name(h) for h in options.columns.values()}
        source = open_source(
            file, role=role, names=names, encoding=options.encoding, layer=options.layer,
            sheet=options.sheet, header_row=options.header_row,
        )  # fmt: skip
        source = join_columns(select(source, options), options.join)
        source = propose_ids(source, spec_of(role), options.columns)
        headers = [str(c) for c in source.cells.columns]
        found = find_columns(headers, spec_of(role), options.columns)[0]
        own = {header: name for name, header in found.items()}
        wanted = [h for h in headers if h in own]
        sources.append(replace(source, cells=source.cells[wanted].rename(columns=own)))
        out.note_input(file, folder, role, part)
    titles = [s.file for s in sources]
    source = sources[0] if len(sources) == 1 else join_sources(sources, titles)
    return understand(source, role, Options(region=region))


def _entry(role: str, entry: Any) -> dict[str, Any]:
    """Read a layer's table: a bare path is one, a list is several tables.

    A list is one raster per year ([[layers.landcover]]) or one dataset each
    ([[layers.boundaries]]).
    """
    if isinstance(entry, str):
        return {"path": entry}
    if isinstance(entry, list) and all(isinstance(item, str) for item in entry):
        return {"path": entry}
    if isinstance(entry, list) and LAYERS.get(role, LAYERS["sites"]).geometries != ("raster",):
        return {"parts": [{"path": e} if isinstance(e, str) else dict(e) for e in entry]}
    if isinstance(entry, list) and role in LAYERS and not LAYERS[role].by_year:
        # Tiles: what the first one says holds for all of them.
        return {**dict(entry[0]), "path": [str(dict(item)["path"]) for item in entry]}
    if isinstance(entry, list):
        return {"rasters": {str(item.get("year", n)): dict(item) for n, item in enumerate(entry)}}
    return dict(entry)


def _check_entry(role: str, item: Mapping[str, Any]) -> None:
    if role not in LAYERS:
        nearest = get_close_matches(role, LAYERS, 1, 0.5)
        mend = f"Did you mean {nearest[0]}?" if nearest else f"Use one of {', '.join(LAYERS)}."
        raise Refused("layer_unknown", f"there is no layer {role!r}", file="study.toml", mend=mend)
    several = [*item.get("rasters", {}).values(), *item.get("parts", ())]
    each = [k for e in several if isinstance(e, Mapping) for k in e]
    for key in (*(k for k in item if k != "parts"), *each):
        if key not in _LAYER_KEYS:
            nearest = get_close_matches(key, _LAYER_KEYS, 1, 0.5)
            mend = (
                f"Did you mean {nearest[0]}?"
                if nearest
                else f"Use one of {', '.join(sorted(_LAYER_KEYS))}."
            )
            raise Refused(
                "setting_unknown",
                f"there is no setting layers.{role}.{key}",
                file="study.toml",
                mend=mend,
            )
    if not {"path", "rasters", "parts"} & item.keys():
        raise InputError(
            f"the layer {role} names no path", file="study.toml", mend=f'Add path = "{role}.csv".'
        )


def _inside(folder: Path, name: Any) -> Path:
    """Return a file of the study: a plain path, never an address.

    It is relative to the folder or absolute.
    """
    text = str(name)
    if "://" in text or text.startswith(("/vsi", "\\\\")):
        where = {"file": text, "mend": "Download it first."}
        raise Refused("file_refused", "a layer is read from a file, never from an address", **where)
    return (folder / text).resolve() if (folder / text).exists() else folder / text


def _files(folder: Path, item: Mapping[str, Any]) -> list[Path]:
    """Files of a layer; several make one."""
    named = item["path"] if isinstance(item["path"], list) else [item["path"]]
    return [_inside(folder, name) for name in named]


def _relative(file: Path, folder: Path) -> str:
    try:
        return file.relative_to(folder.resolve()).as_posix()
    except ValueError:
        return file.name


def _options(item: Mapping[str, Any], region: Any) -> Options:
    text = {k: str(item[k]) for k in ("crs", "datum", "encoding", "layer", "sheet") if item.get(k)}
    return Options(
        text.get("crs"), text.get("datum"), text.get("encoding"), text.get("layer"),
        text.get("sheet"),
        columns=dict(item.get("map", {})), header_row=item.get("header_row"),
        where=dict(item.get("where", {})), constants=dict(item.get("set", {})), region=region,
        join=dict(item.get("join", {})), combine=bool(item.get("combine", False)),
        place=str(item.get("place", "")),
    )  # fmt: skip


def _provenance(file: Path, role: str, item: Mapping[str, Any]) -> dict[str, Any]:
    noted = {k: str(item.get(k, "")) for k in ("source", "licence", "date")}
    noted["licence"] = noted["licence"] or str(item.get("license", ""))
    if item.get("attribution"):
        noted["attribution"] = str(item["attribution"])
    return {"sha256": _digest(file), "layer": role, **noted}


def _digest(file: Path) -> str:
    """SHA-256 of a file of any size; of a File Geodatabase that of all its parts together."""
    parts = sorted(p for p in file.iterdir() if p.is_file()) if file.is_dir() else [file]
    found = hashlib.sha256()
    for part in parts:
        with part.open("rb") as handle:
            while piece := handle.read(1 << 22):
                found.update(piece)
    return found.hexdigest()


def _rasters(
    folder: Path,
    role: str,
    item: Mapping[str, Any],
    out: _Gathered,
    *,
    window: Window | None,
    limit: int,
) -> Raster | dict[int, Raster]:
    """Read the raster of a layer, or its rasters by year."""
    common = {k: v for k, v in item.items() if k not in {"path", "rasters", "year"}}
    if "rasters" in item:
        entries = {
            int(y): {**common, **({"path": e} if isinstance(e, str) else e)}
            for y, e in dict(item["rasters"]).items()
        }
    else:
        entries = {int(item.get("year", 0)) or _year_in(str(item["path"])): dict(item)}
    made = {
        year: _one_raster(folder, role, entry, out, window=window, limit=limit)
        for year, entry in sorted(entries.items())
    }
    return made if spec_of(role).by_year else next(iter(made.values()))


def _year_in(name: str) -> int:
    found = re.search(r"(?<!\d)(19|20)\d{2}(?!\d)", Path(name).stem)
    return int(found[0]) if found else 0


@contextlib.contextmanager
def plain_raster(file: Path, role: str, layer: str | None) -> Iterator[Path]:
    """Give a raster file; one inside an archive is unpacked for as long as it is read."""
    with ExitStack() as stack:
        kind = kind_of(file)
        if kind == "archive":
            data = file.read_bytes()
            file = stack.enter_context(unpacked(data, file.name, role, layer))[0]
            kind = kind_of(file)
        if kind not in DRIVERS:
            name = layer or file.name
            raise InputError(f"the layer {role} is a raster", file=name, mend="Give a GeoTIFF.")
        yield file


def _one_raster(
    folder: Path,
    role: str,
    entry: Mapping[str, Any],
    out: _Gathered,
    *,
    window: Window | None,
    limit: int,
) -> Raster:
    files = _files(folder, entry)
    file = files[0]
    with ExitStack() as stack:
        plain = [stack.enter_context(plain_raster(one, role, entry.get("layer"))) for one in files]
        raster, problems, declared = read_raster(
            plain,
            file.name,
            role=role,
            crs=entry.get("crs"),
            band=int(entry.get("band", 1)),
            classes=_classes(folder, entry),
            kind=_of_raster(entry, "kind"),
            unit=_of_raster(entry, "unit"),
            window=window,
            limit=limit,
        )
    problems += raster_problems(raster, role, file.name, declared)
    out.problems += [replace(p, layer=role) for p in problems]
    out.ledger.setdefault(role, {"rows_in": 0, "rows_used": 0, "rows_set_aside": 0})
    for key in ("rows_in", "rows_used"):
        out.ledger[role][key] += 1  # one raster
    out.rasters[_relative(file, folder)] = {"role": role, **declared}
    for one in files:
        out.note_input(
            one, folder, role, entry, crs_read=declared["crs_read"],
            crs_used=crs_name(parse_crs(raster.crs)), rows=declared["height"],
        )  # fmt: skip
    unit = raster.unit or ("m" if role == "dem" else "")
    source = str(entry.get("source", "")) or raster.source
    return replace(
        raster, unit=unit, source=source, product=str(entry.get("product", "")),
        not_comparable={str(k): str(v) for k, v in dict(entry.get("not_comparable", {})).items()},
    )  # fmt: skip


def _of_raster(entry: Mapping[str, Any], name: str) -> str:
    """Return what a layer says of a raster, also as a constant: ``set = {unit = "min/m"}``."""
    return str(entry.get(name, dict(entry.get("set", {})).get(name, "")))


def _classes(folder: Path, entry: Mapping[str, Any]) -> dict[int, str]:
    """Class names, from the table in study.toml or from a CSV with value and name."""
    stated = entry.get("class_table", entry.get("classes", {}))
    if isinstance(stated, str):
        table = open_source(_inside(folder, stated), role=None).cells
        columns = {plain_name(c): c for c in table.columns}
        value = next((columns[c] for c in ("value", "class", "code", "id") if c in columns), None)
        name = next(
            (columns[c] for c in ("name", "label", "meaning", "名称") if c in columns), None
        )
        if value is None or name is None:
            raise InputError("a class table has the columns value and name", file=stated)
        return {
            int(float(v)): str(n)
            for v, n in zip(table[value], table[name], strict=True)
            if pd.notna(v)
        }
    return {int(k): str(v) for k, v in dict(stated).items()}
