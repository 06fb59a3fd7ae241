"""Checks between the layers of a study, and of boundaries among themselves.

FOR_STUDY lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geosettle.cells import numbers, text_column
from geosettle.geodesy import GEOD, area_m2
from geosettle.io.area_checks import areas_beyond
from geosettle.io.columns import likeness
from geosettle.io.datum_shift import find_shift
from geosettle.io.source import centres
from geosettle.io.unit_checks import outside_declared
from geosettle.io.validation import Checked
from geosettle.layers import LAYERS
from geosettle.names import Aliases
from geosettle.problems import Problem, problem
from geosettle.raster import Raster

Layers = Mapping[str, Checked]
Rasters = Mapping[str, Any]
Found = list[tuple[str, Problem]]
"""Layer and problem; the row in the problem is the 1-based data row of that layer's file."""
Check = Callable[[Layers, Rasters, Aliases], Found]

DECLARING: Final = ("sites", "origins", "places")
"""Layers whose rows may say in which administrative unit they are."""

_SLIVER_M2: Final = 100_000.0
_SHARE: Final = 0.01
_STRIP_DEG: Final = 0.02
_TOUCHING_DEG: Final = 1e-5
"""Units less than a metre apart touch: so far apart are edges that were rounded differently."""
_PAIRS: Final = 1_000_000
"""Pairs of pieces of units that are compared at most: no file can keep a check busy for hours."""


def references(layers: Layers, _rasters: Rasters, _aliases: Aliases) -> Found:
    """Find references to rows of another layer that do not exist or were set aside."""
    out: Found = []
    for role, checked in layers.items():
        for column, target in LAYERS[role].references.items():
            if target in layers and column in checked.frame:
                out += [(role, p) for p in _unknown_ids(checked, column, layers[target], target)]
    return out


def _unknown_ids(checked: Checked, column: str, target: Checked, name: str) -> list[Problem]:
    known = set(target.frame.index)
    every = set(target.source_ids)
    alike: dict[str, list[str]] = {}
    for value in sorted(known):
        alike.setdefault(likeness(value), []).append(value)
    values = checked.frame[column]
    out = []
    needed = column in LAYERS[checked.role].key
    for i in np.flatnonzero((values.notna() & ~values.isin(known)).to_numpy()):
        value = str(values.iloc[i])
        where = {"row": int(checked.numbers[i]), "column": column, "value": value}
        near = alike.get(likeness(value), [])
        if len(near) == 1:
            text = f"{column} {value!r} is taken for {near[0]!r} of {name}."
            out.append(problem("reference_mended", text, **where))
        elif value in every:
            text = f"{column} {value!r} refers to a row of {name} that was set aside."
            out.append(
                problem(
                    "reference_unknown", text, severity="error" if needed else "warning", **where
                )
            )
        else:
            text = f"{column} {value!r} is not in {name}."
            out.append(
                problem(
                    "reference_unknown", text, severity="error" if needed else "warning", **where
                )
            )
    return out


def mend_references(layers: Layers) -> dict[str, Any]:
    """Frames whose references are spelled as in the layer they refer to."""
    out = {}
    for role, checked in layers.items():
        frame = checked.frame
        for column, target in LAYERS[role].references.items():
            if target not in layers or column not in frame or not len(frame):
                continue
            known = set(layers[target].frame.index)
            alike: dict[str, list[str]] = {}
            for value in sorted(known):
                alike.setdefault(likeness(value), []).append(value)

            def spelled(
                value: Any, known: set[Any] = known, alike: dict[str, list[str]] = alike
            ) -> Any:
                near = alike.get(likeness(value), [])
                return near[0] if value not in known and len(near) == 1 else value

            frame = frame.assign(
                **{column: text_column(frame[column].map(spelled, na_action="ignore"))}
            )
        out[role] = frame
    return out


def household_sums(layers: Layers, _rasters: Rasters, _aliases: Aliases) -> Found:
    """Households of a site, or of an origin, against the sum over its flows."""
    out: Found = []
    for role, end, says in (
        ("sites", "site_id", "The site has {:g} households, its flows bring {:g}."),
        ("origins", "origin_id", "The origin has {:g} households, its flows take {:g} away."),
    ):
        if not {role, "flows"} <= layers.keys():
            continue
        ends, flows = layers[role], layers["flows"]
        known = numbers(ends.frame, "households").to_numpy()
        moved = flows.frame.groupby(end)["households"].agg(["sum", "count", "size"])
        total, counted, rows = moved.reindex(ends.frame.index).to_numpy(dtype=float).T
        with np.errstate(invalid="ignore"):
            # Where the origin says how many lived there, fewer may have left.
            under = (counted == rows) & (total < known - 0.5) & (role == "sites")
            wrong = (counted > 0) & ((total > known + 0.5) | under)
        out += [
            (role, problem("households_differ", says.format(known[i], total[i]),
                           row=int(ends.numbers[i]), column="households", value=f"{known[i]:g}",
                           id=str(ends.frame.index[i])))
            for i in np.flatnonzero(wrong).tolist()
        ]  # fmt: skip
    return out


def oasis_years(layers: Layers, _rasters: Rasters, _aliases: Aliases) -> Found:
    """Areas of an oasis that are not of its latest year: no place is compared with them."""
    if "oasis" not in layers:
        return []
    years = layers["oasis"].frame["year"]
    older = int((years < years.max()).sum())
    text = f"{older} of {len(years)} areas are of years before {years.max()}; the latest are used."
    return [("oasis", problem("year_not_used", text, column="year"))] if older else []


def lone_sites(layers: Layers, _rasters: Rasters, _aliases: Aliases) -> Found:
    """Sites that no flow leads to."""
    if not {"sites", "flows"} <= layers.keys():
        return []
    reached = set(layers["flows"].frame["site_id"].dropna())
    sites = layers["sites"]
    return [
        ("sites", problem("site_without_flow", row=int(n), id=str(site)))
        for n, site in zip(sites.numbers, sites.frame.index, strict=True)
        if site not in reached
    ]


def declared_distances(layers: Layers, _rasters: Rasters, _aliases: Aliases) -> Found:
    """Distances declared against the straight line, less both uncertainties."""
    if not {"sites", "flows", "origins"} <= layers.keys():
        return []
    flows, sites, origins = (layers[r] for r in ("flows", "sites", "origins"))
    declared = flows.frame["declared_km"].to_numpy(dtype=float)
    x1, y1, u1 = _places(origins, flows.frame["origin_id"])
    x2, y2, u2 = _places(sites, flows.frame["site_id"])
    known = np.isfinite(declared) & np.isfinite(x1) & np.isfinite(x2)
    straight = np.full(len(declared), np.nan)
    straight[known] = GEOD.inv(x1[known], y1[known], x2[known], y2[known])[2] / 1000
    least = straight - u1 - u2
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = declared / straight
        metres = known & (straight > 1) & (ratio > 300)
        short = known & (declared < least * 0.99)
    out: Found = []
    for i in np.flatnonzero(metres | short):
        code = "unit_suspected" if metres[i] else "declared_shorter"
        text = f"{declared[i]:g} km are declared; the straight line is {straight[i]:.1f} km"
        text += "; the number looks like metres." if metres[i] else f", at least {least[i]:.1f} km."
        where = {"row": int(flows.numbers[i]), "column": "declared_km", "value": f"{declared[i]:g}"}
        out.append(("flows", problem(code, text, **where)))
    return out


def _places(checked: Checked, ids: pd.Series) -> tuple[NDArray[np.float64], ...]:
    """Longitude, latitude and uncertainty in km of the rows that ids name; NaN where unknown."""
    at = checked.frame.index.get_indexer(pd.Index(ids))
    x, y = (np.where(at >= 0, v[at], np.nan) if len(v) else np.full(len(at), np.nan)
            for v in centres(checked.frame.geometry.to_numpy()))  # fmt: skip
    stated = checked.frame.get("uncertainty_km", pd.Series(np.nan, index=checked.frame.index))
    wide = pd.to_numeric(stated, errors="coerce").fillna(0).to_numpy(dtype=float)
    return x, y, np.where(at >= 0, wide[at], 0.0) if len(wide) else np.zeros(len(at))


def boundaries(layers: Layers, _rasters: Rasters, _aliases: Aliases) -> Found:
    """Faults of the boundaries among themselves."""
    return (
        [("boundaries", p) for p in boundary_faults(layers["boundaries"])]
        if "boundaries" in layers
        else []
    )


def boundary_faults(checked: Checked) -> list[Problem]:
    """Find faults of boundaries: overlaps, gaps, units outside their parent, missing parents.

    Overlaps and gaps are between units of one level.
    """
    frame = checked.frame
    if not isinstance(frame, gpd.GeoDataFrame) or not len(frame):
        return []
    geometry = frame.geometry.to_numpy()
    out = _parents(checked, geometry) + _uncovered(frame, geometry) + _names_twice(checked)
    for level in sorted(frame["level"].dropna().unique()):
        rows = np.flatnonzero((frame["level"] == level).to_numpy())
        out += _overlaps(checked, geometry, rows, str(level))
        out += _gaps(frame, geometry, rows, str(level))
    return out


def _names_twice(checked: Checked) -> list[Problem]:
    """Units of one level, one time and under one parent that have the same name."""
    frame = checked.frame
    parent, start = frame["parent_code"].fillna(""), frame["valid_from"].fillna(0)
    groups = frame.groupby([frame["level"], frame["name"].map(likeness), parent, start])
    out = []
    for rows in [r for r in groups.indices.values() if len(r) > 1]:
        codes = sorted(map(str, frame.index.take(np.asarray(rows, dtype=np.intp))))
        text = f"Units of one level and parent with the same name: {', '.join(codes)}."
        out += [problem("name_duplicate", text, row=int(checked.numbers[r]), column="name",
                        value=str(frame["name"].iloc[r])) for r in rows]  # fmt: skip
    return out


def _overlaps(checked: Checked, geometry: Any, rows: NDArray[np.intp], level: str) -> list[Problem]:
    frame = checked.frame
    start = frame["valid_from"].to_numpy(dtype=float, na_value=-np.inf)
    end = frame["valid_to"].to_numpy(dtype=float, na_value=np.inf)
    pairs, group, (a, b) = _near(geometry[rows], 0.0)
    common = np.bincount(group, area_m2(shapely.intersection(a, b)), len(pairs))
    first, second = rows[pairs].T
    same_time = (start[first] <= end[second]) & (start[second] <= end[first])
    first, second, common = first[same_time], second[same_time], common[same_time]
    out = []
    for a, b, area in zip(first.tolist(), second.tolist(), common.tolist(), strict=True):
        if area > _SLIVER_M2:
            i, j = sorted((a, b), key=lambda row: str(frame.index[row]))
            text = (
                f"{frame['name'].iloc[i]} and {frame['name'].iloc[j]} ({level}) overlap by "
                f"{area / 1e6:.3g} km²."
            )
            out.append(
                problem(
                    "boundaries_overlap",
                    text,
                    row=int(checked.numbers[j]),
                    value=f"{area / 1e6:.3g} km2",
                )
            )
    return out


def _near(shapes: Any, apart: float) -> tuple[NDArray[np.intp], NDArray[np.intp], tuple[Any, Any]]:
    """Pairs of shapes that are no farther apart than so many degrees, by their pieces.

    The box of a unit of many islands overlaps all others; those of its islands do not.

    Returns
    -------
    tuple
        Pairs, the lower number first; of each near pair of pieces, its pair of shapes; and those
        pieces.
    """
    pieces, of = shapely.get_parts(shapes, return_index=True)
    west, south, east, north = shapely.bounds(pieces).T
    around = shapely.box(west - apart, south - apart, east + apart, north + apart)
    first, second = shapely.STRtree(pieces).query(around)
    lower = of[first] < of[second]
    first, second = first[lower][:_PAIRS], second[lower][:_PAIRS]
    shapely.prepare(pieces)
    close = shapely.dwithin(pieces[first], pieces[second], apart)
    first, second = first[close], second[close]
    both = np.stack([of[first], of[second]], axis=1)
    pairs, group = np.unique(both, axis=0, return_inverse=True)
    return pairs, group.ravel(), (pieces[first], pieces[second])


def _gaps(
    frame: gpd.GeoDataFrame, geometry: Any, rows: NDArray[np.intp], level: str
) -> list[Problem]:
    """Holes between the units of a level, which no unit of any level fills."""
    if len(rows) < 2:
        return []
    # By pieces: a country may have tens of thousands of islands.
    whole = shapely.disjoint_subset_union_all(shapely.get_parts(geometry[rows]))
    holes = _holes(whole)
    holes = holes[area_m2(holes) > _SLIVER_M2]
    # A hole that a single unit has by itself, such as a lake or an enclave abroad, is no gap
    # between units.
    own = _holes(geometry[rows]) if len(holes) else holes
    out = []
    for hole, area in sorted(zip(holes, area_m2(holes), strict=True), key=lambda h: h[0].bounds):
        if not any(hole.equals_exact(o, 1e-9) for o in own):
            x, y = hole.representative_point().coords[0]
            text = (
                f"Between the units of level {level} there is a gap of {area / 1e6:.3g} km² at "
                f"{x:.4f}, {y:.4f}."
            )
            out.append(problem("boundaries_gap", text, value=f"{area / 1e6:.3g} km2"))
    return out + _strips(frame, geometry, rows, level)


def _holes(shapes: Any) -> NDArray[Any]:
    """Holes of areas, each as an area."""
    rings, of = shapely.get_rings(shapely.get_parts(shapes), return_index=True)
    return np.asarray(shapely.normalize(shapely.polygons(rings[np.r_[False, of[1:] == of[:-1]]])))


def _strips(
    frame: gpd.GeoDataFrame, geometry: Any, rows: NDArray[np.intp], level: str
) -> list[Problem]:
    """Find narrow strips between two units that face each other without touching.

    They are longer than ten times their width.
    """
    near, touching = (
        set(map(tuple, _near(geometry[rows], apart)[0].tolist()))
        for apart in (_STRIP_DEG, _TOUCHING_DEG)
    )
    out = []
    for i, j in rows[np.array(sorted(near - touching), dtype=np.intp).reshape(-1, 2)]:
        apart = float(shapely.distance(geometry[i], geometry[j]))
        reach = apart * 1.05
        facing = shapely.intersection(
            shapely.buffer(geometry[i], reach), shapely.buffer(geometry[j], reach)
        )
        if facing.length / 2 > 10 * apart:
            names = (
                " and ".join(sorted((str(frame["name"].iloc[i]), str(frame["name"].iloc[j]))))
                + f" ({level})"
            )
            text = (
                f"Between {names} there is a strip about {apart * 111:.2g} km wide that belongs "
                "to neither."
            )
            out.append(problem("boundaries_gap", text, value=f"{apart * 111:.2g} km"))
    return out


def _uncovered(frame: gpd.GeoDataFrame, geometry: Any) -> list[Problem]:
    """Parts of a unit that none of the units below it covers."""
    out = []
    for code, rows in sorted(
        frame["parent_code"].dropna().groupby(frame["parent_code"].dropna()).indices.items()
    ):
        known = np.flatnonzero(frame["parent_code"].notna().to_numpy())[rows]
        if code not in frame.index or len(known) < 2:
            continue
        above = geometry[frame.index.get_loc(code)]
        total = float(area_m2([above])[0])
        bare = float(areas_beyond(np.array([above]), geometry[known])[0])
        # Where most of a unit is bare, its parts were simply not all given.
        if max(_SLIVER_M2, 0.001 * total) < bare < 0.5 * total:
            text = (
                f"{bare / 1e6:.3g} km² of {frame['name'].loc[code]} belong to none of the units "
                "below it."
            )
            out.append(problem("boundaries_gap", text, value=f"{bare / 1e6:.3g} km2"))
    return out


def _parents(checked: Checked, geometry: Any) -> list[Problem]:
    frame, out = checked.frame, []
    parent = frame["parent_code"]
    total, beyond = area_m2(geometry), np.zeros(len(frame))
    for code, rows in parent.groupby(parent).indices.items():
        if code in frame.index:
            above = geometry[[frame.index.get_loc(code)]]
            beyond[rows] = areas_beyond(geometry[rows], above)
    for i in np.flatnonzero(parent.notna().to_numpy()):
        code = str(parent.iloc[i])
        where = {"row": int(checked.numbers[i]), "column": "parent_code", "value": code}
        if code == str(frame.index.take([i])[0]):
            out.append(
                problem("parent_missing", "The unit names itself as the unit above.", **where)
            )
            continue
        if code not in frame.index:
            levels = frame["level"].nunique()
            severity = "warning" if levels > 1 else "note"
            out.append(
                problem("parent_missing", f"There is no unit {code!r}.", severity=severity, **where)
            )
            continue
        if total[i] > 0 and beyond[i] > max(_SHARE * total[i], _SLIVER_M2):
            text = (
                f"{beyond[i] / total[i]:.0%} of {frame['name'].iloc[i]} is outside "
                f"{frame['name'].loc[code]}."
            )
            out.append(problem("unit_outside_parent", text, **where))
    return out


def unit_membership(layers: Layers, _rasters: Rasters, aliases: Aliases) -> Found:
    """Sites, origins and places that lie outside a unit that they declare, at any level."""
    if "boundaries" not in layers:
        return []
    units = layers["boundaries"].frame
    return [
        (role, p)
        for role in DECLARING
        if role in layers
        for p in outside_declared(layers[role], units, aliases)
    ]


def turned(layers: Layers, _rasters: Rasters, _aliases: Aliases) -> Found:
    """Layers that are apart from all others until their axes or a sign are exchanged.

    They must be wholly apart before and wholly among the others after.
    """
    frames = {
        r: c.frame
        for r, c in layers.items()
        if isinstance(c.frame, gpd.GeoDataFrame) and r in _PLACED
    }
    out: Found = []
    for role, frame in frames.items():
        x, y = centres(frame.geometry.to_numpy())
        x, y = x[np.isfinite(x)], y[np.isfinite(x)]
        around = [
            f.total_bounds
            for r, f in frames.items()
            if r != role and np.isfinite(f.total_bounds).all()
        ]
        if not x.size or not around:
            continue
        boxes = np.array(around)
        low, high = boxes[:, :2].min(axis=0) - _NEAR_DEG, boxes[:, 2:].max(axis=0) + _NEAR_DEG

        def among(a: Any, b: Any, low: Any = low, high: Any = high) -> Any:
            return (a >= low[0]) & (a <= high[0]) & (b >= low[1]) & (b <= high[1])

        if high[0] - low[0] > _WIDE_DEG or among(x, y).any():
            continue
        for code, a, b, what in (
            ("crs_axis_order", y, x, "longitude and latitude"),
            ("hemisphere_contradicts", -x, y, "east and west"),
            ("hemisphere_contradicts", x, -y, "north and south"),
        ):
            if among(a, b).all():
                text = f"The whole layer is among the other layers only with {what} exchanged."
                out.append((role, problem(code, text, severity="fatal")))
                break
    return out


_PLACED: Final = frozenset({"sites", "origins", "places", "boundaries", "development", "oasis"})
_NEAR_DEG: Final = 3.0
_WIDE_DEG: Final = 120.0
"""Layers that reach so far around the Earth say nothing of where another one should lie."""


def shifted(layers: Layers, _rasters: Rasters, _aliases: Aliases) -> Found:
    """Layers that fit the others only once the shift of a Chinese map service is taken off."""
    frames = {
        role: c.frame
        for role, c in layers.items()
        if isinstance(c.frame, gpd.GeoDataFrame) and role in _PLACED
    }
    out: Found = []
    for role, frame in frames.items():
        others = {r: f for r, f in frames.items() if r != role}
        out += [(role, p) for p in suspect_datum(frame, others)]
    return out


def suspect_datum(frame: gpd.GeoDataFrame, others: Mapping[str, gpd.GeoDataFrame]) -> list[Problem]:
    """Find a suspicion, with the size of the shift; nothing is corrected."""
    found = find_shift(frame, others)
    if found is None:
        return []
    text = (
        f"The positions are {found.metres:.0f} m from those of {found.other} (median of "
        f"{found.n}); taken as"
        f" {found.datum.upper()} they would be {found.left:.0f} m from them. Nothing was "
        "corrected."
    )
    mend = f"If they come from a Chinese map service, state --datum {found.datum}."
    return [problem("datum_suspected", text, value=f"{found.metres:.0f} m", mend=mend)]


def raster_cover(layers: Layers, rasters: Rasters, _aliases: Aliases) -> Found:
    """Sites and origins outside the rasters, or on cells without a value."""
    out: Found = []
    places = [layers[r] for r in ("sites", "origins") if r in layers]
    if not places:
        return out
    x, y = (
        np.concatenate([_places(c, pd.Series(c.frame.index))[k] for c in places]) for k in (0, 1)
    )
    known = np.isfinite(x)
    for role, value in rasters.items():
        for raster in value.values() if isinstance(value, Mapping) else (value,):
            missing = (
                known & np.isnan(raster.sample(x, y))
                if isinstance(raster, Raster)
                else np.zeros(0, bool)
            )
            if missing.any():
                text = (
                    f"{int(missing.sum())} of {int(known.sum())} sites and origins have no value "
                    f"in {role}."
                )
                out.append((role, problem("raster_coverage", text, value=str(int(missing.sum())))))
    return out


FOR_STUDY: Final[tuple[Check, ...]] = (
    references,
    household_sums,
    oasis_years,
    lone_sites,
    declared_distances,
    boundaries,
    unit_membership,
    turned,
    shifted,
    raster_cover,
)
"""Every check between layers, in the order its findings are listed."""


def study_problems(layers: Layers, rasters: Rasters, aliases: Aliases) -> Found:
    """Every problem between layers; a layer refused for its axes makes the others no suspects."""
    out: Found = []
    for check in FOR_STUDY:
        if check is not turned or not any(p.severity == "fatal" for _, p in out):
            out += check(layers, rasters, aliases)
    return out
