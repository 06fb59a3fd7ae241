"""Sites, people, moves, distances, land and services of every administrative unit.

A unit is the one that the source states for a place; where it states none, the one that the
position falls in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geosettle.analysis._moves import Moves, grouped_distances
from geosettle.cells import numbers, texts
from geosettle.covers import OUTSIDE
from geosettle.levels import declared_units, ladder, level_columns
from geosettle.remoteness import measures
from geosettle.study import Study, in_scope

FloatArray = NDArray[np.float64]
Texts = NDArray[np.object_]

TOTAL: Final = "total"
"""Level of the row of totals."""
UNKNOWN: Final = "(not known)"
"""Name of the unit of places that neither state one nor have a position in one."""
UNITS_COLUMNS: Final = (
    *("level", "code", "unit", "parent", "sites", "sites_located", "sites_by_position"),
    *("sites_counted", "households", "persons"),
    *("moves", "moves_in", "moves_out", "moves_within"),
    *("households_in", "households_out", "households_within"),
    *("distance_median_km", "distance_median_low_km", "distance_median_high_km"),
    *("distance_mean_km", "distance_mean_low_km", "distance_mean_high_km"),
    *("distance_by", "distance_n", "distance_of", "developed_ha"),
)
"""Columns of the table of units, before those of kinds of land and of services."""
MOVES_COLUMNS: Final = (
    *("level", "origin_code", "origin_unit", "site_code", "site_unit", "within"),
    *("moves", "moves_counted", "households", "persons"),
    *("distance_median_km", "distance_median_low_km"),
    *("distance_median_high_km", "distance_by", "distance_n"),
)
"""Columns of the table of moves between units."""
_DISTANCE: Final = "distance_"


@dataclass(frozen=True, eq=False)
class LevelUnits:
    """The units of one level, and which of them every place is in.

    Attributes
    ----------
    level
        Name of the level.
    site, origin
        Key of the unit of every site and origin, "" where it is not known.
    computed
        Key of the unit that the position of every site falls in, "" where unknown.
    names
        Key to name; a unit that no boundary has is called as the source writes it.
    codes
        Key to code in the boundaries; units that no boundary has are not in it.
    """

    level: str
    site: Texts
    origin: Texts
    computed: Texts
    names: Mapping[str, str]
    codes: Mapping[str, str]


def units_by_level(study: Study, sites: pd.DataFrame, origins: pd.DataFrame) -> list[LevelUnits]:
    """Levels of the study from coarse to fine, with the stated unit of every place.

    Parameters
    ----------
    study
        Its boundaries and aliases.
    sites, origins
        With their declared units and, where there are boundaries, `{level}_code`.

    Returns
    -------
    list
        Without boundaries: the columns of the sites that are called like levels, those with fewer
        units first.

    Examples
    --------
    >>> from geosettle.io import read_study, template_path
    >>> study = read_study(template_path())
    >>> coarse, fine = units_by_level(study, study.sites, study.origins)
    >>> len(set(coarse.site)) < len(set(fine.site))
    True
    """
    units = study.boundaries
    if units is None or units.empty:
        return _units_by_name(sites, origins)
    aliases = study.settings.admin.aliases
    code = units.index.astype(str)
    title = dict(zip(code, units["name"].astype(str), strict=True))
    above = {}
    if "parent_code" in units:
        known = units["parent_code"].notna().to_numpy()
        above = dict(zip(code[known], units["parent_code"][known].astype(str), strict=True))
    order = ladder(units)
    site, site_names = _keys(sites, units, order, above, aliases)
    origin, origin_names = _keys(origins, units, order, above, aliases)
    names = title | site_names | origin_names
    codes = {key: key for key in title}
    return [
        LevelUnits(level, site[level], origin[level], _computed(sites, level), names, codes)
        for level in order
    ]


def _computed(frame: pd.DataFrame, level: str) -> Texts:
    return texts(frame, f"{level}_code").to_numpy(object)


def _keys(
    frame: pd.DataFrame,
    units: gpd.GeoDataFrame,
    order: Sequence[str],
    above: Mapping[str, str],
    aliases: Any,
) -> tuple[dict[str, Texts], dict[str, str]]:
    """Key of the unit of every place at every level, and names of units without a boundary."""
    declared = declared_units(frame, units, aliases)
    out: dict[str, Texts] = {}
    names: dict[str, str] = {}
    finer = np.full(len(frame), "", dtype=object)
    for level in reversed(order):
        stated = np.full(len(frame), "", dtype=object)
        if level in declared:
            texts = np.array(declared[level].texts, dtype=object)
            stated[:] = [
                codes[0] if len(codes) == 1 else f"={text}" if text and not codes else ""
                for text, codes in zip(texts, declared[level].codes, strict=True)
            ]
            names |= {key: key[1:] for key in set(stated) if key.startswith("=")}
        parent = np.array([above.get(key, "") for key in finer], dtype=object)
        finer = out[level] = np.where(stated != "", stated, parent)
    return _completed(out, frame, order, above), names


def _completed(
    stated: Mapping[str, Texts], frame: pd.DataFrame, order: Sequence[str], above: Mapping[str, str]
) -> dict[str, Texts]:
    """Stated units; where none is stated, the one by position, if it is in the coarser unit."""
    out: dict[str, Texts] = {}
    coarser: Texts | None = None
    for level in order:
        found = _computed(frame, level)
        if coarser is not None:
            parent = np.array([above.get(key, "") for key in found], dtype=object)
            found = np.where((parent == "") | (parent == coarser), found, "")
        coarser = out[level] = np.where(stated[level] != "", stated[level], found)
    return out


def _units_by_name(sites: pd.DataFrame, origins: pd.DataFrame) -> list[LevelUnits]:
    """Levels that the columns of the sites name, without any boundaries."""
    found = level_columns(sites)
    count = {level: sites[column].nunique() for level, column in found.items()}
    # A name of its own for every site is the site's name, and no unit that holds several. Of two
    # levels with as many units, the one whose column comes first is the coarser.
    several = [item for item in found.items() if count[item[0]] < max(2, len(sites))]
    columns = sorted(several, key=lambda item: count[item[0]])
    of_origins = level_columns(origins)
    by_level = []
    site = np.full(len(sites), "", dtype=object)
    origin = np.full(len(origins), "", dtype=object)
    for level, column in columns:
        site = _below(site, sites[column])
        declared = origins[of_origins[level]] if level in of_origins else None
        origin = _below(origin, declared) if declared is not None else np.full_like(origin, "")
        names = {key: key.rpartition("\x1f")[2] for key in {*site, *origin} - {""}}
        none = np.full(len(sites), "", dtype=object)
        by_level.append(LevelUnits(level, site, origin, none, names, {}))
    return by_level


def _below(parent: Texts, names: pd.Series) -> Texts:
    """Keys of units that the units above them distinguish."""
    texts = names.astype(object).where(names.notna(), "").astype(str).str.strip().to_numpy(object)
    key = np.array([f"{p}\x1f{t}" for p, t in zip(parent, texts, strict=True)], dtype=object)
    return np.where(texts != "", key, "")


def units_and_moves(
    study: Study,
    sites: gpd.GeoDataFrame,
    origins: gpd.GeoDataFrame,
    moves: Moves,
    *,
    land: pd.DataFrame,
    covers: pd.DataFrame,
    remote: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables of the units and of the moves between them.

    Parameters
    ----------
    study, sites, origins
        The study, and its places with their administrative columns.
    moves
        Moves with the draws of their distances.
    land, covers, remote
        `Result.land`, `Result.covers` and `Result.remoteness`.

    Returns
    -------
    units, moves
        See `UNITS_COLUMNS`: one row per unit that a site or a move is in, units below the unit that
        holds them, in the order of households, and a row of totals; columns without any number are
        left out. See `MOVES_COLUMNS`: one row per level, unit left and unit reached; those within
        one unit last. Empty where the study has no level.
    """
    by_level = units_by_level(study, sites, origins)
    if not by_level:
        return pd.DataFrame(columns=UNITS_COLUMNS[:4]), pd.DataFrame(columns=MOVES_COLUMNS[:6])
    people = _people(sites, moves)
    ends = _ends(moves, sites, origins)
    facts = _facts(study, sites, land, remote)
    tables, between = [], []
    for level_units in by_level:
        at = level_units.site[ends[1]], level_units.origin[ends[0]]
        table = _units(level_units, people, moves, at, facts)
        tables.append(table.join(_covered(covers, level_units), on="code"))
        between.append(_between(level_units, moves, at))
    whole = LevelUnits(TOTAL, _whole(sites), _whole(origins), _whole(sites), {"*": ""}, {})
    everything = _whole(moves.frame)
    total = _units(whole, people, moves, (everything, everything), facts)
    ways = [f"{n}_{way}" for n in ("moves", "households") for way in ("in", "out", "within")]
    total = total.assign(**{c: np.nan for c in ways if c in total})
    made = _nested(tables, by_level)
    return _stated(pd.concat([made, total], ignore_index=True)), _moved(between)


def _whole(frame: pd.DataFrame) -> Texts:
    """One key for every row, that of the whole study."""
    return np.full(len(frame), "*", dtype=object)


def _people(sites: pd.DataFrame, moves: Moves) -> pd.DataFrame:
    """Whether each site is of the study and located; its households and persons, or its moves'."""
    out = pd.DataFrame(index=sites.index.astype(str))
    out["own"] = in_scope(sites).to_numpy()
    out["located"] = sites.geometry.notna().to_numpy()
    for name in ("households", "persons"):
        own = numbers(sites, name).set_axis(out.index)
        by_site = moves.frame.groupby("site_id")[name]
        moved = by_site.sum(min_count=1).where(by_site.count() == by_site.size()).reindex(out.index)
        out[name] = own.fillna(moved)
    return out


def _ends(
    moves: Moves, sites: pd.DataFrame, origins: pd.DataFrame
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row of the origin and of the site of every move."""
    left, reached = (pd.Index(moves.frame[end]) for end in ("origin_id", "site_id"))
    origin = origins.index.astype(str).get_indexer(left)
    return origin, sites.index.astype(str).get_indexer(reached)


def _facts(
    study: Study, sites: pd.DataFrame, land: pd.DataFrame, remote: pd.DataFrame
) -> pd.DataFrame:
    """Land (added up over the sites of a unit) and distances to services (their median)."""
    ids = sites.index.astype(str)
    out: dict[str, pd.Series] = {}
    if "developed_ha" in land:
        out["developed_ha"] = land["developed_ha"].set_axis(land.index.astype(str)).reindex(ids)
    parcels = study.development
    if parcels is not None and "declared_ha" in parcels and "site_id" in parcels:
        hectares = numbers(parcels, "declared_ha")
        of_site = parcels["site_id"].astype(str)
        for kind, part in hectares.groupby(parcels["kind"].astype(str), sort=True):
            added = part.groupby(of_site[part.index]).sum(min_count=1)
            out[f"developed_{_slug(kind)}_ha"] = added.reindex(ids)
    if "nearest_road_km" in sites:
        out["nearest_road_km"] = numbers(sites, "nearest_road_km").set_axis(ids)
    near = remote[
        (remote["role"] == "site")
        & (remote["kind"] == "nearest")
        & (remote["metric"] == "geodesic")
    ]
    for kind, rows in near.groupby("limit", sort=True):
        out[f"nearest_{_slug(kind)}_km"] = rows.set_index("id")["value"].reindex(ids)
    return pd.DataFrame(out, index=ids).astype(float).dropna(axis=1, how="all")


def _slug(text: object) -> str:
    return "_".join(str(text).lower().split())


def _units(
    level_units: LevelUnits,
    people: pd.DataFrame,
    moves: Moves,
    at: tuple[Texts, Texts],
    facts: pd.DataFrame,
) -> pd.DataFrame:
    """One row per unit of a level that a site or a move is in."""
    site, origin = at
    own = people["own"].to_numpy(bool)
    keys = pd.Index(sorted({*level_units.site[own], *site, *origin}))
    place = pd.Series(level_units.site[own])
    located = pd.Series(np.asarray(people["located"], bool)[own])
    made = pd.DataFrame({"key": keys})
    made["level"], made["code"] = level_units.level, [level_units.codes.get(k, "") for k in keys]
    made["unit"] = [level_units.names.get(k, UNKNOWN) for k in keys]
    made["sites"] = place.value_counts().reindex(keys).fillna(0).astype(int).to_numpy()
    made["sites_located"] = located.groupby(place).sum().reindex(keys).fillna(0).to_numpy(int)
    if (level_units.computed != "").any() and (
        level_units.computed[own] != level_units.site[own]
    ).any():
        by_position = pd.Series(level_units.computed[own & people["located"].to_numpy(bool)])
        by_position = by_position.value_counts()
        made["sites_by_position"] = by_position.reindex(keys).fillna(0).astype(int).to_numpy()
    counted = pd.Series(people["households"].notna().to_numpy()[own])
    made["sites_counted"] = counted.groupby(place).sum().reindex(keys).fillna(0).to_numpy(int)
    for name in ("households", "persons"):
        values = pd.Series(people[name].to_numpy()[own])
        made[name] = values.groupby(place).sum(min_count=1).reindex(keys).to_numpy()
    if len(moves.frame):
        made = made.join(_flows(moves, site, origin, keys))
        groups = keys.get_indexer(pd.Index(site))
        made = made.join(grouped_distances(moves, groups, len(keys)))
    return made.join(_of_sites(facts, level_units.site, people, keys))


def _flows(moves: Moves, site: Texts, origin: Texts, keys: pd.Index) -> pd.DataFrame:
    """Count the moves into, out of and within each unit, and their households."""
    within = site == origin
    parts = {"in": (site, ~within), "out": (origin, ~within), "within": (site, within)}
    out: dict[str, Any] = {"moves": pd.Series(site).value_counts().reindex(keys).fillna(0)}
    for name in ("moves", "households"):
        weight = np.ones(len(site)) if name == "moves" else moves.frame["households"].to_numpy()
        for way, (unit, chosen) in parts.items():
            added = pd.Series(weight[chosen]).groupby(pd.Series(unit[chosen])).sum(min_count=1)
            out[f"{name}_{way}"] = added.reindex(keys)
            if name == "moves":
                out[f"{name}_{way}"] = out[f"{name}_{way}"].fillna(0)
    return pd.DataFrame({name: np.asarray(column, float) for name, column in out.items()})


def _of_sites(
    facts: pd.DataFrame, unit: Texts, people: pd.DataFrame, keys: pd.Index
) -> pd.DataFrame:
    """Facts of the sites per unit: hectares added up, of distances the median by households.

    A median is given only where it is known of every site of the unit.
    """
    own = people["own"].to_numpy(bool)
    group = keys.get_indexer(pd.Index(unit[own]))
    households = people["households"].to_numpy(float)[own]
    weight = households if (households > 0).all() else np.ones(len(households))
    out = {}
    for name, column in facts.items():
        value = column.to_numpy(float)[own]
        known = ~np.isnan(value)
        if str(name).endswith("_ha"):
            if not known.any():
                continue
            total = np.bincount(group[known], value[known], minlength=len(keys))
            some = np.bincount(group[known], minlength=len(keys)) > 0
            out[name] = np.where(some, total, np.nan)
            continue
        found = np.full(len(keys), np.nan)
        if known.any():
            middle = measures.weighted_quantile(value[known], weight[known], 0.5, group[known])
            found[: len(middle)] = middle
        missing = np.bincount(group[~known], minlength=len(keys)) > 0
        out[name] = np.where(missing, np.nan, found)
    return pd.DataFrame(out, index=range(len(keys)))


def _covered(covers: pd.DataFrame, level_units: LevelUnits) -> pd.DataFrame:
    """Hectares of each class of the cover layers in each unit, a column each, the latest year."""
    rows = covers[(covers["zone"] == level_units.level) & (covers["class"] != OUTSIDE)]
    rows = rows[rows["area_ha"].notna()]
    year = rows.groupby("layer")["year"].transform("max")
    events = rows["layer"] == "development"
    rows = rows[events | year.isna() | (rows["year"] == year).fillna(value=False)]
    layer = rows["layer"].astype(str).where(~rows["layer"].eq("development"), "mapped")
    named = rows["class"].notna() & ~rows["class"].isin([*rows["layer"].unique(), "all"])
    kind = rows["class"].astype(object).where(named, "").map(_slug)
    column = np.where(kind == "", layer + "_ha", layer + "_" + kind + "_ha")
    wide = rows.assign(column=column).pivot_table(
        index="zone_id", columns="column", values="area_ha", aggfunc="sum"
    )
    return pd.DataFrame(wide.rename_axis(columns=None))


def _between(level_units: LevelUnits, moves: Moves, at: tuple[Texts, Texts]) -> pd.DataFrame:
    """One row per unit left and unit reached, those within one unit last."""
    if not len(moves.frame):
        return pd.DataFrame()
    site, origin = at
    both = pd.DataFrame({"origin": origin, "site": site}).groupby(["origin", "site"])
    group, pairs = both.ngroup().to_numpy(), both.size().reset_index()
    left, reached = (pairs[end].to_numpy(object) for end in ("origin", "site"))
    made = pd.DataFrame({"level": level_units.level}, index=range(len(pairs)))
    for end, keys in (("origin", left), ("site", reached)):
        made[f"{end}_code"] = [level_units.codes.get(k, "") for k in keys]
        made[f"{end}_unit"] = [level_units.names.get(k, UNKNOWN) for k in keys]
    made["within"] = (left == reached) & (left != "")
    made["moves"] = np.bincount(group, minlength=len(pairs))
    counted = moves.frame["households"].notna().to_numpy()
    made["moves_counted"] = np.bincount(group[counted], minlength=len(pairs))
    for name in ("households", "persons"):
        made[name] = moves.frame[name].groupby(group).sum(min_count=1).to_numpy()
    made = made.join(grouped_distances(moves, group.astype(np.intp), len(pairs)))
    order = ["within", "households", "moves", "origin_unit", "site_unit"]
    made = made.sort_values(order, ascending=[True, False, False, True, True], na_position="last")
    return made.reindex(columns=list(MOVES_COLUMNS))


def _nested(tables: Sequence[pd.DataFrame], by_level: Sequence[LevelUnits]) -> pd.DataFrame:
    """Units of all levels in one table, each below the unit that holds it, by households."""
    path: dict[tuple[str, str], tuple[Any, ...]] = {}
    name_above: dict[tuple[str, str], str] = {}
    for depth, (level_units, table) in enumerate(zip(by_level, tables, strict=True)):
        held = _held_by(by_level[depth - 1], level_units) if depth else {}
        coarser = by_level[depth - 1].level if depth else ""
        for key, unit, households, moves in zip(
            table["key"],
            table["unit"],
            table["households"].fillna(-1),
            table["moves"] if "moves" in table else [0] * len(table),
            strict=True,
        ):
            parent = held.get(key, "")
            before = path.get((coarser, parent), ())
            path[level_units.level, key] = (*before, (key == "", -households, -moves, unit))
            name_above[level_units.level, key] = (
                by_level[depth - 1].names.get(parent, "") if depth else ""
            )
    made = pd.concat([t for t in tables if len(t)], ignore_index=True)
    keys = list(zip(made["level"], made["key"], strict=True))
    made["parent"] = [name_above[key] for key in keys]
    order = sorted(range(len(keys)), key=lambda row: path[keys[row]])
    return made.iloc[order]


def _held_by(coarse: LevelUnits, fine: LevelUnits) -> dict[str, str]:
    """Find the unit of the coarser level that most places of each unit are in."""
    both = pd.DataFrame(
        {
            "fine": np.concatenate([fine.site, fine.origin]),
            "coarse": np.concatenate([coarse.site, coarse.origin]),
        }
    )
    known = both[(both != "").all(axis=1)]
    count = known.value_counts(sort=True).reset_index()
    return dict(count.drop_duplicates("fine")[["fine", "coarse"]].to_numpy())


def _stated(units: pd.DataFrame) -> pd.DataFrame:
    """Columns in their order, without those that hold no number anywhere."""
    nothing = [
        c
        for c in units
        if c not in {"level", "code", "unit", "parent", "sites"}
        and not (pd.to_numeric(units[c], errors="coerce").abs() > 0).any()
        and c not in {"distance_by", "sites_counted"}
    ]
    if "distance_median_km" in nothing:
        nothing += [c for c in units if str(c).startswith(_DISTANCE) and c not in nothing]
    units = units.drop(columns=["key", *nothing])
    if (units["sites_counted"] == units["sites"]).all():
        units = units.drop(columns="sites_counted")
    if (units["code"].fillna("") == "").all():
        units = units.drop(columns="code")
    first = [c for c in UNITS_COLUMNS if c in units]
    rest = sorted(str(c) for c in units if c not in first)
    return units[[*first, *rest]].reset_index(drop=True)


def _moved(between: Sequence[pd.DataFrame]) -> pd.DataFrame:
    parts = [part for part in between if len(part)]
    if not parts:
        return pd.DataFrame(columns=MOVES_COLUMNS)
    made = pd.concat(parts, ignore_index=True)
    empty = [c for c in ("households", "persons") if made[c].isna().all()]
    empty += [c for c in ("origin_code", "site_code") if (made[c] == "").all()]
    if (made["moves_counted"] == made["moves"]).all() or not made["moves_counted"].any():
        empty.append("moves_counted")
    if made["distance_median_km"].isna().all():
        empty += [c for c in MOVES_COLUMNS if c.startswith(_DISTANCE)]
    return made.drop(columns=empty)
