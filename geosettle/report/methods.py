"""METHODS: how each thing was measured, its reference, and when it belongs in a report.

A method is one entry.

Every number in a sentence comes from the settings or the tables of the run, never from here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from geosettle.analysis import Result
from geosettle.cells import numbers
from geosettle.distance.barriers import closed_barriers
from geosettle.distance.walk_models import MODELS as WALK_MODELS
from geosettle.results import number
from geosettle.words import has

_Values = Mapping[str, Any]


@dataclass(frozen=True)
class Method:
    """One method: its name, by which `words` has the sentence `method_<name>`, and who used it.

    `values` fills the blanks of the sentence from the result; `reference` names what is to be
    cited, one text each.
    """

    name: str
    used: Callable[[Result], bool]
    reference: Callable[[Result], tuple[str, ...]] = lambda _: ()
    values: Callable[[Result], _Values] = lambda _: {}


def methods_used(result: Result) -> list[Method]:
    """Return the methods that the numbers of this result come from, in the order of `METHODS`."""
    return [method for method in METHODS.values() if method.used(result)]


def _column(table: str, *names: str) -> Callable[[Result], bool]:
    """Whether a table has a value in one of these columns."""

    def used(result: Result) -> bool:
        frame = getattr(result, table)
        return any(name in frame and bool(frame[name].notna().any()) for name in names)

    return used


def _indicator(*kinds: str) -> Callable[[Result], bool]:
    """Whether an indicator of one of these kinds has a value."""

    def used(result: Result) -> bool:
        frame = result.remoteness
        return "kind" in frame and bool(
            frame.loc[numbers(frame, "value").notna(), "kind"].isin(kinds).any()
        )

    return used


def _holds(table: str, column: str, *codes: str) -> Callable[[Result], bool]:
    """Whether a column of codes holds one of these."""

    def used(result: Result) -> bool:
        frame = getattr(result, table)
        return column in frame and bool(frame[column].isin(codes).any())

    return used


def _both(*tests: Callable[[Result], bool]) -> Callable[[Result], bool]:
    return lambda result: all(test(result) for test in tests)


def _cite(*texts: str) -> Callable[[Result], tuple[str, ...]]:
    return lambda _: texts


def _settings(**paths: tuple[str, str]) -> Callable[[Result], _Values]:
    """Fill each blank with the setting at its path."""
    return lambda result: {
        blank: result.study.settings[path[0]][path[1]] for blank, path in paths.items()
    }


def _worded(value: Any, say: Callable[..., str]) -> str:
    """Write a setting in the language wanted: names that `words` has, numbers, lists of them.

    Examples
    --------
    >>> from functools import partial
    >>> from geosettle.words import say
    >>> _worded({"foot": 0.666, "cart": 2.0}, partial(say, "en"))
    'on foot 0.666, by cart 2'
    >>> _worded(["port", "county_seat"], partial(say, "zh"))
    '口岸、县城'
    """
    if isinstance(value, Mapping) and any(isinstance(part, Mapping) for part in value.values()):
        parts = [f"{_worded(k, say)}{say('colon')}{_worded(v, say)}" for k, v in value.items()]
        return say("list_gap").join(parts)
    if isinstance(value, Mapping):
        parts = [f"{_worded(key, say)} {_worded(part, say)}" for key, part in value.items()]
        return say("list_comma").join(parts)
    if isinstance(value, (list, tuple)):
        return say("list_comma").join(_worded(part, say) for part in value)
    if isinstance(value, float):
        return f"{value:,.6g}"
    keys = [f"{kind}_{value}" for kind in ("kind", "metric", "setting", "ind")]
    return next((say(key) for key in keys if has(key)), str(value).replace("_", " "))


def _walked_with(name: str) -> Callable[[Result], bool]:
    """Whether there are hours on foot, and a setting of walking is stated."""
    return _both(_on_heights, lambda result: bool(result.study.settings.walk[name]))


def _on_heights(result: Result) -> bool:
    """Whether there are hours on foot that come from elevation, not from a friction."""
    return result.study.friction is None and _WALKED(result)


def _walk_model(result: Result) -> str:
    """Name of the walking model; empty where the speeds are the study's own."""
    walk = result.study.settings.walk
    return "" if walk.speed_by_slope_kmh else str(walk.model)


def _is_no_adult(result: Result) -> bool:
    """Whether it is stated who walks: an age, a load or a speed on the level."""
    walk = result.study.settings.walk
    return walk.age != "adult" or bool(walk.load_kg or walk.flat_kmh)


def _walk_values(result: Result) -> _Values:
    return {
        "model": _walk_model(result) or "own_speeds",
        "neighbours": result.study.settings.walk.neighbours,
    }


def _friction_values(result: Result) -> _Values:
    friction = result.study.friction
    neighbours = result.study.settings.walk.neighbours
    return {"source": "" if friction is None else friction.source, "neighbours": neighbours}


def _has_barriers(result: Result) -> bool:
    """Whether there are barriers, and hours on foot that keep to them."""
    barriers = result.study.barriers
    return barriers is not None and not barriers.empty and _WALKED(result)


def _barriers(result: Result) -> _Values:
    """How many barriers there are, and how many of them walks keep to."""
    barriers, month = result.study.barriers, result.study.settings.walk.month
    closed = 0 if barriers is None else len(closed_barriers(barriers, month))
    n = 0 if barriers is None else len(barriers)
    return {"closed": str(closed), "n": str(n), "month": str(month)}


def _decays(result: Result) -> _Values:
    """Weights of places by distance, of each unit that the study states some for."""
    services = result.study.settings.services
    tables = {"km": services.catchment_decay_km, "h": services.catchment_decay_h}
    return {unit: table for unit, table in tables.items() if table}


def _is_rule(result: Result) -> bool:
    """Whether the oasis follows from a rule over rasters, not from polygons of the study."""
    drawn = result.study.oasis is not None and not result.study.oasis.empty
    return bool(result.oasis_polygons) and not drawn


def _oasis_values(result: Result) -> _Values:
    rules = result.study.settings.oasis
    return {"rules": {name: rules[name] for name in ("low", "central", "high") if rules[name]}}


def _draws(result: Result) -> _Values:
    frame = result.intervals
    names = (
        sorted(set(frame.loc[numbers(frame, "low").notna(), "metric"].astype(str)))
        if "metric" in frame
        else []
    )
    return {
        "metrics": names,
        "percent": number(100 * float(numbers(frame, "level").max())),
        "draws": number(float(numbers(frame, "draws").max())),
        "seed": result.study.settings.distance.seed,
    }


def _farming_radii(result: Result) -> _Values:
    return {"radii": result.study.settings.remoteness.farming_radius_km}


def _farming_source(result: Result) -> tuple[str, ...]:
    """Cite what the study says of its radii."""
    source = result.study.settings.remoteness.farming_radius_source
    return (source,) if source else ()


def _is_table(result: Result) -> bool:
    roads = result.study.roads
    return roads is not None and not hasattr(roads, "crs")


_WALKED: Final = _column("pairs", "walk_out_h", "walk_back_h", "travel_out_h")

_KARNEY: Final = (
    "Karney, C. F. F. (2013). Algorithms for geodesics. J. Geodesy 87, 43-55. "
    "doi:10.1007/s00190-012-0578-z"
)

METHODS: Final[Mapping[str, Method]] = {
    method.name: method
    for method in (
        Method("geodesic", _column("pairs", "geodesic_km"), _cite(_KARNEY)),
        Method("radii", _column("pairs", "geodesic_low_km")),
        Method("draws", _column("intervals", "low"), values=_draws),
        Method("surface", _column("pairs", "surface_km")),
        Method(
            "walk",
            _on_heights,
            lambda result: (
                (WALK_MODELS[_walk_model(result)].source,)
                if _walk_model(result) in WALK_MODELS
                else ()
            ),
            _walk_values,
        ),
        Method(
            "walk_walker",
            _both(_on_heights, _is_no_adult),
            values=_settings(
                age=("walk", "age"),
                load=("walk", "load_kg"),
                body=("walk", "body_kg"),
                kmh=("walk", "flat_kmh"),
            ),
        ),
        Method(
            "walk_own",
            _walked_with("speed_by_slope_kmh"),
            values=_settings(speeds=("walk", "speed_by_slope_kmh")),
        ),
        Method(
            "walk_friction",
            lambda result: result.study.friction is not None and _WALKED(result),
            values=_friction_values,
        ),
        Method(
            "barriers",
            lambda result: _has_barriers(result) and not result.study.settings.walk.month,
            values=_barriers,
        ),
        Method(
            "barriers_month",
            lambda result: _has_barriers(result) and result.study.settings.walk.month > 0,
            values=_barriers,
        ),
        Method("walk_flat", _walked_with("flat")),
        Method(
            "walk_cover",
            _walked_with("landcover_speed_kmh"),
            values=_settings(speeds=("walk", "landcover_speed_kmh")),
        ),
        Method(
            "road",
            _column("pairs", "road_km"),
            _cite(
                "Dijkstra, E. W. (1959). A note on two problems in connexion with graphs. Num. "
                "Math. 1, 269-271."
            ),
            _settings(
                speed=("road", "speed_kmh"),
                access=("road", "max_access_km"),
                model=("road", "access_model"),
            ),
        ),
        Method("road_table", _both(_column("pairs", "road_km"), _is_table)),
        Method(
            "travel",
            lambda result: any(
                "travel" in name for name in (*result.pairs.columns, *result.rasters)
            ),
            _cite(
                "Weiss, D. J. et al. (2018). A global map of travel time to cities. Nature 553. "
                "doi:10.1038/nature25181"
            ),
        ),
        Method(
            "admin",
            _column("sites", "admin_probability"),
            values=_settings(tolerance=("admin", "tolerance_km")),
        ),
        Method(
            "areas",
            _column("covers", "area_ha"),
            _cite(_KARNEY),
            _settings(radii=("overlay", "radii_km")),
        ),
        Method("oasis", _both(_column("oasis", "share_percent"), _is_rule), values=_oasis_values),
        Method(
            "oasis_given",
            _both(_column("sites", "oasis_edge_km"), lambda result: not _is_rule(result)),
        ),
        Method(
            "cover_change",
            _both(_column("change", "value"), _holds("change", "measure", "annual_rate")),
            _cite(
                "Puyravaud, J.-P. (2003). Standardizing the calculation of the annual rate of "
                "deforestation. "
                "Forest Ecology and Management 177, 593-596."
            ),
        ),
        Method(
            "farming_radius",
            _indicator("land_radii", "land_radii_unweighted"),
            _farming_source,
            _farming_radii,
        ),
        Method(
            "drive_class",
            _indicator("drive_class"),
            _cite("Scottish Government, Urban Rural Classification 2022: overview."),
        ),
        Method(
            "aria",
            _indicator("aria_style"),
            _cite("GISCA, Accessibility/Remoteness Index of Australia (ARIA+)."),
            _settings(cap=("services", "aria_cap"), ladder=("services", "ladder")),
        ),
        Method(
            "gravity",
            _indicator("gravity_remoteness"),
            _cite(
                "Alasia, A. et al. (2017). Measuring remoteness and accessibility. Statistics "
                "Canada."
            ),
            _settings(
                reach=("services", "gravity_reach_km"),
                floor=("services", "gravity_floor_km"),
                reach_h=("services", "gravity_reach_h"),
                floor_h=("services", "gravity_floor_h"),
            ),
        ),
        Method(
            "catchment",
            _indicator("catchment"),
            _cite(
                "Luo, W. and Wang, F. (2003). Environment and Planning B 30, 865-884. "
                "doi:10.1068/b29120"
            ),
            _settings(reach=("services", "catchment_reach_km"), demand=("services", "demand")),
        ),
        Method(
            "catchment_decay",
            _both(_indicator("catchment"), lambda result: bool(_decays(result))),
            _cite(
                "Luo, W. and Qi, Y. (2009). Health & Place 15, 1100-1107. "
                "doi:10.1016/j.healthplace.2009.06.002"
            ),
            lambda result: {"weights": _decays(result)},
        ),
        Method(
            "rural_access",
            _indicator("rural_access"),
            _cite("UN Statistics Division, SDG indicator 9.1.1 metadata."),
            _settings(km=("services", "rural_access_km")),
        ),
        Method(
            "composite",
            _indicator("composite"),
            values=_settings(
                how=("remoteness", "composite_how"),
                metric=("remoteness", "composite_metric"),
                weights=("remoteness", "composite_weights"),
            ),
        ),
        Method(
            "change",
            _column("access_change", "change"),
            _cite(
                "World Bank (2018). Environmental and Social Framework, ESS5: land acquisition and "
                "resettlement."
            ),
        ),
        Method(
            "capitals",
            _column("livelihood", "before", "after"),
            _cite("DFID (1999). Sustainable livelihoods guidance sheets."),
        ),
        Method(
            "survey",
            _holds("livelihood", "test", "mcnemar", "wilcoxon"),
            _cite(
                "McNemar, Q. (1947). Psychometrika 12, 153-157. doi:10.1007/BF02295996",
                "Wilcoxon, F. (1945). Biometrics Bulletin 1, 80-83. doi:10.2307/3001968",
            ),
            _settings(level=("livelihood", "level"), cell=("livelihood", "smallest_cell")),
        ),
        Method(
            "conditions",
            _holds("livelihood", "section", "model condition", "constraint", "recommendation"),
        ),
        Method("claims", _column("claims", "verdict")),
        Method(
            "masked",
            lambda result: result.study.mask_households is not None,
            values=lambda result: {"households": str(result.study.mask_households)},
        ),
    )
}


def method_texts(result: Result, say: Callable[..., str]) -> tuple[list[str], list[str]]:
    """Return the sentences of the methods that were used, and the references they cite, each once.

    Parameters
    ----------
    result
        What `geosettle.analyse` returned.
    say
        Takes the key of a sentence and its blanks, gives the sentence in the language wanted.
    """
    used = methods_used(result)
    sentences = []
    for method in used:
        values = {blank: _worded(value, say) for blank, value in method.values(result).items()}
        sentences.append(say(f"method_{method.name}", **values))
    references: Any = pd.Series(
        [text for method in used for text in method.reference(result)], dtype=object
    )
    return sentences, list(references.unique())
