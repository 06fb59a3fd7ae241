"""Tags of OpenStreetMap as the columns that roads have here: class, speed, direction, level."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geosettle.cells import texts
from geosettle.layers import LAYERS
from geosettle.problems import Problem, problem
from geosettle.settings import RoadRules

_TAGS: Final = tuple(name for name in LAYERS["roads"].also if name != "other_tags")
_HSTORE: Final = re.compile(r'"((?:[^"\\]|\\.)*)"=>"((?:[^"\\]|\\.)*)"')
_LIMIT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(km/h|kmh|kph|mph|knots)?")
_KMH: Final = {"mph": 1.609344, "knots": 1.852}
_NO_LIMIT: Final = ("none", "signals", "variable", "unknown")
_DIRECTIONS: Final = ("yes", "no", "true", "false", "1", "0", "-1", "reverse")
_ON_FOOT: Final = (
    "abandoned", "bridleway", "construction", "corridor", "cycleway", "disused", "elevator",
    "footway", "path", "pedestrian", "planned", "platform", "proposed", "raceway", "razed",
    "rest_area", "services", "steps", "via_ferrata",
)  # fmt: skip
WALK_KMH: Final = 5.0
"""Speed of `maxspeed=walk`, for which no number is given."""


def is_tagged(roads: pd.DataFrame) -> bool:
    """Whether roads have the tags of OpenStreetMap: a column `highway`."""
    return "highway" in roads


def _tag(roads: pd.DataFrame, name: str) -> pd.Series:
    """One tag of every road as text, empty where it has none; GDAL keeps most in `other_tags`."""
    text = texts(roads, name).str.strip()
    if "other_tags" in roads:
        held = roads["other_tags"].map(lambda cell: _pairs(cell).get(name, ""))
        text = text.where(text != "", held.astype("str"))
    return text


def _pairs(cell: object) -> dict[str, str]:
    return dict(_HSTORE.findall(cell)) if isinstance(cell, str) else {}


def _limit(text: str, speeds: Mapping[str, float]) -> float:
    """Km/h of a tag `maxspeed`; NaN where no rule knows it.

    Examples
    --------
    >>> _limit("50", {}), round(_limit("60 mph", {}), 3), _limit("RO:rural", {"RO:rural": 90.0})
    (50.0, 96.561, 90.0)
    """
    if text in speeds:
        return float(speeds[text])
    if text == "walk":
        return WALK_KMH
    found = _LIMIT.fullmatch(text)
    return float(found[1]) * _KMH.get(found[2], 1.0) if found else np.nan


def road_columns(roads: pd.DataFrame, rules: RoadRules) -> pd.DataFrame:
    """Roads with `class, speed_kmh, oneway, layer` taken from their tags, where they have tags.

    Parameters
    ----------
    roads
        With a column `highway`; further tags in columns of their own or in `other_tags`, as GDAL
        reads them. Without `highway` they are given back as they are.
    rules
        `class_speed_kmh` has speeds by class (`track = 15`), by class in a country (`"RO:track"`,
        for `country = "RO"`) and for limits without a number (`"RO:rural" = 90`).

    Notes
    -----
    A row's own `class`, `speed_kmh` and `oneway` go first. `maxspeed` in mph and knots is km/h;
    "none" and "signals" leave the speed to the class. Roundabouts and motorways are one-way where
    nothing else is stated. Bridges are on level 1 and tunnels on level -1 without a `layer`.
    """
    if not is_tagged(roads):
        return roads
    tags = {name: _tag(roads, name) for name in _TAGS}
    kind = tags["highway"].where(tags["route"] != "ferry", "ferry")
    speeds = rules.class_speed_kmh or {}
    limit = tags["maxspeed"].map({t: _limit(t, speeds) for t in tags["maxspeed"].unique()})
    own = pd.to_numeric(roads.get("speed_kmh", limit * np.nan), errors="coerce").astype(float)
    round_ = tags["junction"].isin(["roundabout", "circular"]) | tags["highway"].isin(
        ["motorway", "motorway_link"]
    )
    oneway = tags["oneway"].where((tags["oneway"] != "") | ~round_, "yes")
    level = pd.to_numeric(tags["layer"], errors="coerce")
    crossing = (~tags["bridge"].isin(["", "no"])).astype(int) - (
        ~tags["tunnel"].isin(["", "no"])
    ).astype(int)
    given = _tag(roads, "class")
    return roads.assign(
        **{"class": given.where(given != "", kind)},
        speed_kmh=own.where(own.notna(), limit.astype(float)),
        oneway=oneway,
        layer=level.where(level.notna(), crossing),
    )


def not_for_vehicles(roads: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether each tagged line is no road that vehicles may use."""
    if not is_tagged(roads):
        return np.zeros(len(roads), dtype=bool)
    kind, ferry = _tag(roads, "highway"), _tag(roads, "route") == "ferry"
    access = _tag(roads, "access")
    for name in ("vehicle", "motor_vehicle"):  # the narrower tag goes before the wider
        narrower = _tag(roads, name)
        access = narrower.where(narrower != "", access)
    none = (kind == "") & ~ferry
    return (none | (kind.isin(list(_ON_FOOT)) & ~ferry) | (access == "no")).to_numpy()


def tag_problems(roads: pd.DataFrame, rules: RoadRules) -> tuple[Problem, ...]:
    """Report what no rule knows of the tags: speeds, directions, lines that are no roads."""
    if not is_tagged(roads):
        return ()
    found: list[Problem] = []
    left = not_for_vehicles(roads)
    if left.any():
        kinds = _few(_tag(roads, "highway")[left].replace("", "none"))
        found.append(
            problem(
                "road_not_for_vehicles",
                f"{left.sum()} lines are not for vehicles and are not used (highway: {kinds}).",
                layer="roads",
                column="highway",
                value=str(left.sum()),
            )
        )
    used = road_columns(roads, rules)[~left]
    limits = _tag(used, "maxspeed")
    odd = limits[(limits != "") & ~limits.isin(_NO_LIMIT)]
    odd = odd[odd.map(lambda text: np.isnan(_limit(text, rules.class_speed_kmh or {})))]
    if len(odd):
        found.append(_unknown("maxspeed", odd, "its speed is that of its class"))
    ways = _tag(used, "oneway")
    odd = ways[(ways != "") & ~ways.isin(_DIRECTIONS)]
    if len(odd):
        found.append(_unknown("oneway", odd, "it is used in both directions"))
    bare = used["class"][used["speed_kmh"].isna() & ~used["class"].isin(list(_classes(rules)))]
    if len(bare):
        found.append(
            problem(
                "road_speed_assumed",
                f"{len(bare)} roads have no speed, and their class has none: "
                f"{rules.speed_kmh:g} km/h ({_few(bare)}).",
                layer="roads",
                column="maxspeed",
                value=str(len(bare)),
            )
        )
    return tuple(found)


def _classes(rules: RoadRules) -> set[str]:
    """Classes that have a speed, also those of the country of the rules."""
    prefix = f"{rules.country}:" if rules.country else ""
    return {name.removeprefix(prefix) for name in (rules.class_speed_kmh or {})}


def _unknown(tag: str, values: pd.Series[Any], effect: str) -> Problem:
    return problem(
        "road_tag_unknown",
        f"The {tag} of {len(values)} roads is not understood ({_few(values)}); {effect}.",
        layer="roads",
        column=tag,
        value=str(values.iloc[0]),
    )


def _few(values: pd.Series[Any], most: int = 5) -> str:
    """Name the commonest values."""
    names = values.value_counts(sort=False).sort_index().sort_values(ascending=False, kind="stable")
    text = ", ".join(f"{name} {count}" for name, count in names.head(most).items())
    return text + (" ..." if len(names) > most else "")
