"""TABLES: every table that is written, what it holds and what its columns mean.

A new table is one entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import pandas as pd
import shapely

from geosettle.analysis import Result
from geosettle.problems import Problems, attempt
from geosettle.study import in_scope
from geosettle.tables.dictionary import (
    DICTIONARY,
    GIVEN,
    PAIR_COLUMNS,
    UNDESCRIBED,
    UNIT_NAME,
    Entry,
    entry,
)
from geosettle.tables.remoteness import compact, wide, wide_entries, with_names
from geosettle.tables.rounding import (
    WRITTEN_DECIMALS,
    floats,
    is_number,
    round_by_interval,
    round_matrix,
    round_pairs,
    round_to,
)

__all__ = ["TABLES", "Table", "cited", "describe", "round_to", "tables"]

_TO_SITE: Final = "straight line between the stated positions of the origin and this site; no move"
_COUNTED: Final = frozenset({"households", "persons", "year", "n", "draws"})
_EXACT: Final = 2**53
"""Whole numbers from here on are not exact as they were read; they stay as they are."""


@dataclass(frozen=True)
class Table:
    """One table: how it is built from a result, and its data dictionary.

    `columns` maps a column, or a pattern in which `*` stands for any text, to its meaning and unit.
    """

    name: str
    title: str
    build: Callable[[Result], pd.DataFrame]
    columns: Mapping[str, Entry]
    order: tuple[str, ...]
    """Columns whose values sort the rows."""
    found: Callable[[Result], Mapping[str, Entry]] = lambda _: {}
    """Entries of columns whose names depend on the result."""


def tables(
    result: Result, catalogue: Mapping[str, Table] | None = None, problems: Problems | None = None
) -> dict[str, pd.DataFrame]:
    """Every table of a result, ready to be written.

    Ids as columns, rows sorted, numbers rounded, missing as NA.

    Parameters
    ----------
    result
        What `geosettle.analyse` returned; it is not changed.
    catalogue
        The tables to make, by name; None makes those of `TABLES`.
    problems
        Takes one problem for each table that fails, which is then left out; None: it is raised.

    Returns
    -------
    dict
        Table name to frame with a plain index, in the order of the catalogue.

    Examples
    --------
    >>> import geosettle as gs
    >>> result = gs.analyse(gs.read_study(gs.template_path()))
    >>> sorted(tables(result))[:3]
    ['admin', 'change', 'claims']
    """
    made = {}
    for table in (TABLES if catalogue is None else catalogue).values():
        frame = attempt(problems, f"table {table.name}", partial(_built, table, result))
        if frame is not None:
            made[table.name] = frame
    return made


def _built(table: Table, result: Result) -> pd.DataFrame:
    frame = table.build(result)
    order = [name for name in table.order if name in frame]
    if order:
        frame = frame.sort_values(order, kind="stable", na_position="last", key=_sortable)
    return _tidy(frame.reset_index(drop=True))


def cited(made: Mapping[str, pd.DataFrame], result: Result) -> dict[str, pd.DataFrame]:
    """Tables to write: those with rows, sites and problems, and pairs where there are flows.

    Parameters
    ----------
    made
        What `tables` returned.
    result
        What it was made from.

    Returns
    -------
    dict
        Some of the tables.

    Examples
    --------
    >>> import geosettle as gs
    >>> result = gs.analyse(gs.read_study(gs.template_path()))
    >>> "sites" in cited(tables(result), result)
    True
    """
    always = {"sites", "problems", *(["pairs"] if result.study.flows is not None else [])}
    return {name: frame for name, frame in made.items() if len(frame) or name in always}


def describe(table: Table, frame: pd.DataFrame, result: Result) -> dict[str, Entry]:
    """Describe the columns that a frame really has.

    A column of the inputs that the table does not describe is one of the user's own; any other is
    what a metric gives, or has no description.

    Parameters
    ----------
    table
        The entry of `TABLES`.
    frame
        The table as `tables` made it.
    result
        What it was made from.

    Returns
    -------
    dict
        Column to its meaning and unit, in the order of the frame.

    Examples
    --------
    >>> import geosettle as gs
    >>> result = gs.analyse(gs.read_study(gs.template_path()))
    >>> describe(TABLES["pairs"], tables(result)["pairs"], result)["geodesic_km"].unit
    'km'
    """
    given = {
        *("lon", "lat"),
        *(
            c
            for layer in result.study.layers.values()
            if isinstance(layer, pd.DataFrame)
            for c in layer
        ),
    }
    measured = {
        column: Entry(metric.meaning, unit)
        for metric in result.metrics.values()
        for column, unit in metric.measured.values()
    }
    own = {n: Entry(GIVEN.meaning, GIVEN.unit * is_number(frame[n])) for n in given & {*frame}}
    exact = {**measured, **table.found(result), **table.columns}
    units = {str(c): UNIT_NAME for c in frame.columns if f"{c}_code" in frame}
    known = own | units
    return {c: entry(exact, c) or known.get(c, UNDESCRIBED) for c in frame.columns}


def _sortable(column: pd.Series) -> pd.Series:
    return column if pd.api.types.is_numeric_dtype(column) else column.astype("string")


def _tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """Give every remaining float column at most six decimals, and whole numbers none."""
    frame = frame.copy()
    for name in frame.columns:
        column = frame[name]
        if not pd.api.types.is_float_dtype(column):
            continue
        rounded = column.astype(float).round(6) + 0.0
        whole = rounded.dropna()
        counted = name in _COUNTED or name.startswith(("moves", "households_", "distance_n"))
        if counted and len(whole) and (whole % 1 == 0).all() and whole.abs().max() < _EXACT:
            frame[name] = rounded.astype("Int64")
        else:
            frame[name] = rounded
    return frame


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """Index levels with a name become columns unless they are columns already."""
    extra = [name for name in frame.index.names if name is not None and name not in frame.columns]
    return frame.reset_index(level=extra) if extra else frame.reset_index(drop=True)


def _placed(frame: pd.DataFrame) -> pd.DataFrame:
    """Geometry as lon and lat of the point itself or of a point inside the area."""
    flat = pd.DataFrame(_flat(pd.DataFrame(frame)))
    if "geometry" not in flat:
        return flat
    geometry = np.asarray(flat.pop("geometry"), dtype=object)
    point = shapely.point_on_surface(geometry)
    kept = flat.drop(columns=[name for name in ("lon", "lat") if name in flat])
    names = list(kept.columns)
    at = next(
        (names.index(name) + 1 for name in ("name_local", "name") if name in names), len(names)
    )
    kept.insert(at, "lon", np.round(shapely.get_x(point), 6))
    kept.insert(at + 1, "lat", np.round(shapely.get_y(point), 6))
    return kept


def _sites(result: Result) -> pd.DataFrame:
    frame = _placed(result.sites)
    if "scope" in frame and in_scope(frame).all():
        frame = frame.drop(columns="scope")
    radius = floats(frame, "uncertainty_km")
    for name in frame.columns:
        if name.endswith("_km") and name != "uncertainty_km" and is_number(frame[name]):
            frame[name] = round_to(frame[name], radius, least=WRITTEN_DECIMALS)
        elif "_land_" in name and is_number(frame[name]):
            # Means over origins that are uncertain themselves: never finer than the site, at most
            # one decimal.
            frame[name] = round_to(frame[name], radius, most=1)
        elif name.endswith(("_h", "_deg")) and is_number(frame[name]):
            frame[name] = np.round(frame[name].astype(float), 1)
        elif name.startswith("elevation_") and is_number(frame[name]):
            frame[name] = np.round(frame[name].astype(float))
        elif name.endswith(("_ha", "_mu")) and is_number(frame[name]):
            frame[name] = np.round(frame[name].astype(float), 2)
        elif name.endswith(("_probability", "_share", "_ratio")) and is_number(frame[name]):
            frame[name] = np.round(frame[name].astype(float), 3)
    return _last(frame, "why")


def _pairs(result: Result) -> pd.DataFrame:
    frame = round_pairs(_flat(result.pairs))
    for name in PAIR_COLUMNS:
        if name not in frame:
            frame[name] = np.nan
    return frame[[*PAIR_COLUMNS, *[name for name in frame if name not in PAIR_COLUMNS]]]


def _matrix(result: Result) -> pd.DataFrame:
    """Every origin to every site, with the digits that both positions carry."""
    if result.matrix.empty:
        return pd.DataFrame()
    km = result.matrix.drop(columns="why")
    made = round_matrix(km, result.origins, result.sites)
    made = made.rename(columns=str).rename_axis(index="origin_id", columns=None)
    if "name" in result.origins:
        made.insert(0, "origin", result.origins["name"].reindex(km.index))
    return made.assign(why=result.matrix["why"]).reset_index()


def _reach(result: Result) -> pd.DataFrame:
    if result.reach.empty:
        return pd.DataFrame()
    return _long("reach", ())(result).drop(columns="geometry")


def _population(result: Result) -> pd.DataFrame:
    """Tenths of a person: the parts of cells add up, and no more digits are known."""
    return _rounded_persons(result.population)


def _rounded_persons(frame: pd.DataFrame) -> pd.DataFrame:
    return frame if frame.empty else frame.round({"persons": 1, "near_road": 1, "share": 4})


def _unreached(result: Result) -> pd.DataFrame:
    """List the groups not reached, with the position of each."""
    if result.unreached.empty:
        return pd.DataFrame()
    frame = pd.DataFrame(result.unreached.drop(columns="geometry"))
    frame.insert(0, "lon", result.unreached.geometry.x)
    frame.insert(1, "lat", result.unreached.geometry.y)
    frame.insert(0, "group", range(1, len(frame) + 1))
    digits = {"lon": 5, "lat": 5, "persons": 1, "share": 4, "hours": 2, "site_km": 2}
    return frame.round(digits)


def _paths(result: Result) -> pd.DataFrame:
    """Ways without their lines; hours and kilometres with three decimals, metres with none."""
    frame = pd.DataFrame(result.paths).drop(columns="geometry", errors="ignore").copy()
    for name in frame:
        if is_number(frame[name]):
            frame[name] = np.round(frame[name].astype(float), 0 if str(name).endswith("_m") else 3)
    return frame


def _units(result: Result) -> pd.DataFrame:
    return _by_unit(result.units)


def _moves(result: Result) -> pd.DataFrame:
    return _by_unit(result.moves)


def _by_unit(frame: pd.DataFrame) -> pd.DataFrame:
    """Distances with the digits that their intervals carry, areas and services with few."""
    made = frame.copy()
    for stem in ("distance_median", "distance_mean"):
        if f"{stem}_km" not in made:
            continue
        ends = [f"{stem}{end}_km" for end in ("", "_low", "_high") if f"{stem}{end}_km" in made]
        spread = (floats(made, f"{stem}_high_km") - floats(made, f"{stem}_low_km")) / 2
        for name in ends:
            made[name] = round_to(floats(made, name), spread, most=1, least=WRITTEN_DECIMALS)
    for name in made.columns:
        if name.endswith("_ha"):
            made[name] = np.round(floats(made, name), 2)
        elif name.startswith("nearest_"):
            made[name] = np.round(floats(made, name), 1)
    return made


def _matrix_entries(result: Result) -> Mapping[str, Entry]:
    return {str(site): Entry(_TO_SITE, "km") for site in result.matrix if site != "why"}


def _claims(result: Result) -> pd.DataFrame:
    frame = _long("claims", ("difference",))(result)
    first = [name for name in ("claim_id",) if name in frame]
    return frame[[*first, *[name for name in frame if name not in first]]]


def _problems(result: Result) -> pd.DataFrame:
    """Problems with one `row`: as the user's own program numbers it, else the data row.

    All other columns sort before it, so that the same rows in another order give the same table but
    for that column. Two rows with one identifier and the same fault are in it twice, so that the
    rows set aside can be counted.
    """
    every = result.problems.drop_duplicates()
    return every.assign(row=every["line"].fillna(every["row"])).drop(columns="line")


def _remoteness(result: Result) -> pd.DataFrame:
    frame = _long("remoteness", ("value", "low", "high"))(result)
    return with_names(compact(frame, "value"), result) if len(frame) else frame


def _remoteness_wide(result: Result) -> pd.DataFrame:
    frame = _remoteness(result)
    return wide(frame) if len(frame) else frame.iloc[:0, :0]


def _remoteness_change(result: Result) -> pd.DataFrame:
    values = ("at_origin", "at_site", "change", "low", "high")
    frame = _long("access_change", values)(result)
    return with_names(compact(frame, "change"), result) if len(frame) else frame


def _long(name: str, values: tuple[str, ...]) -> Callable[[Result], pd.DataFrame]:
    """Build a table from the result's frame of that name.

    `values` are rounded by the row's own interval.
    """

    def build(result: Result) -> pd.DataFrame:
        frame = round_by_interval(pd.DataFrame(_flat(getattr(result, name))), values)
        for column in frame.columns:
            if column in values or not is_number(frame[column]):
                continue
            if column.endswith(("_ha", "_mu", "_km2", "_per_household", "percent")):
                frame[column] = np.round(floats(frame, column), 2)
            elif column == "share" or column.endswith(("probability", "_share", "_ratio")):
                frame[column] = np.round(floats(frame, column), 4)
            elif column.endswith(("_km", "_m")):
                frame[column] = np.round(floats(frame, column), 3)
        return frame

    return build


def _last(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    return frame[[*[c for c in frame if c != name], name]] if name in frame else frame


def _table(
    name: str,
    title: str,
    order: tuple[str, ...],
    build: Callable[[Result], pd.DataFrame] | None = None,
    *,
    values: tuple[str, ...] = ("value", "low", "high"),
    found: Callable[[Result], Mapping[str, Entry]] = lambda _: {},
) -> Table:
    return Table(name, title, build or _long(name, values), DICTIONARY[name], order, found)


TABLES: Final[Mapping[str, Table]] = {
    table.name: table
    for table in (
        _table(
            "services",
            "Services before and after the move",
            ("service", "metric"),
            values=("before", "after", "change", "low", "high"),
        ),
        _table("units", "Administrative units, as stated", (), _units),
        _table("moves", "Moves between administrative units", (), _moves),
        _table("sites", "Settlement sites", ("site_id",), _sites),
        _table("pairs", "Origins and sites, pair by pair", ("origin_id", "site_id"), _pairs),
        _table(
            "matrix",
            "Straight lines from every origin to every site: not moves",
            ("origin_id",),
            _matrix,
            found=_matrix_entries,
        ),
        _table(
            "intervals",
            "Intervals of the distances",
            ("origin_id", "site_id", "metric", "level"),
            values=("low", "median", "high"),
        ),
        _table(
            "scenarios",
            "Distances under the scenarios of the study",
            ("scenario", "metric", "origin_id", "site_id"),
            values=("value", "baseline", "change"),
        ),
        _table("months", "Hours by month", (), values=("hours", "longer_h")),
        _table("paths", "Ways", ("origin_id", "site_id", "metric", "direction"), _paths),
        _table(
            "rounds",
            "Sites from one survey date to the next",
            ("date", "site_id"),
            values=("households_before", "households", "persons_before", "persons", "moved_km"),
        ),
        _table(
            "round_units",
            "Units from one survey date to the next",
            ("date", "level", "unit"),
            values=("households_before", "households", "persons_before", "persons"),
        ),
        _table("reach", "Catchments of the sites by travel time", ("site_id", "hours"), _reach),
        _table("population", "Persons by travel time to the sites", (), _population),
        _table(
            "rural_access",
            "Rural Access Index (SDG 9.1.1)",
            (),
            lambda result: _rounded_persons(result.rural_access),
        ),
        _table("unreached", "Largest groups of persons not reached", ("group",), _unreached),
        _table(
            "admin", "Administrative units of sites and origins", ("role", "id", "level", "code")
        ),
        _table(
            "covers",
            "Areas around sites and in units",
            ("zone", "zone_id", "radius_km", "layer", "class", "year"),
        ),
        _table(
            "oasis",
            "Oasis by administrative unit and setting",
            ("code", "setting", "claim", "quantity"),
        ),
        _table("land", "Land per household", ("site_id",)),
        _table(
            "change",
            "Change of cover",
            (
                "zone",
                "zone_id",
                "radius_km",
                "layer",
                "year_from",
                "year_to",
                "measure",
                "class",
                "class_to",
            ),
        ),
        _table("remoteness", "Remoteness", ("role", "id", "indicator", "metric"), _remoteness),
        _table(
            "remoteness_wide",
            "Remoteness, one row per site",
            ("site_id",),
            _remoteness_wide,
            found=wide_entries,
        ),
        _table(
            "remoteness_change",
            "Change of access from origin to site",
            ("role", "id", "indicator", "metric", "weighting"),
            _remoteness_change,
        ),
        _table(
            "service_moves",
            "Services before and after, move by move",
            ("service", "metric", "origin_id", "site_id"),
            values=("before", "after", "change", "low", "high"),
        ),
        _table(
            "livelihood",
            "Livelihood before and after",
            ("section", "site_id", "item"),
            values=("before", "after", "change", "low", "high"),
        ),
        _table(
            "claims",
            "Claims compared with what was computed",
            ("claim_id", "subject", "quantity"),
            _claims,
        ),
        _table(
            "problems",
            "Problems found",
            ("layer", "file", "sheet", "id", "column", "code", "value", "message", "row"),
            _problems,
        ),
    )
}
