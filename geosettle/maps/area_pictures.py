"""Rasters as pictures of classes: travel times and land cover, of which the reader picks one."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import numpy as np

from geosettle import style
from geosettle.analysis import Result
from geosettle.covers import UNCLASSIFIED
from geosettle.maps import images
from geosettle.raster import Raster
from geosettle.words import say_all, untranslated

_HOURS: Final = (*(minutes / 60 for minutes in style.TRAVEL_BREAKS_MIN), np.inf)
_COVER_COLOURS: Final = (
    ("water", "#6FA8C9"),
    ("wetland", "#86B8B1"),
    ("snow", "#FFFFFF"),
    ("ice", "#FFFFFF"),
    ("crop", "#C9B458"),
    ("cultiv", "#C9B458"),
    ("mosaic", "#D8CE93"),
    ("urban", "#B5534B"),
    ("built", "#B5534B"),
    ("grass", "#BFD8A0"),
    ("savanna", "#A8C686"),
    ("shrub", "#B9A37A"),
    ("forest", "#4E8A57"),
    ("barren", "#E8DCC2"),
    ("bare", "#E8DCC2"),
    ("desert", "#E8DCC2"),
)
_OTHER_COLOURS: Final = (
    "#B3B3B3",
    "#8DA0CB",
    "#E78AC3",
    "#A6D854",
    "#FFD92F",
    "#E5C494",
    "#66C2A5",
    "#FC8D62",
)


def area_pictures(result: Result) -> dict[str, Any] | None:
    """Rasters made on the way and land cover: the reader picks one, or compares two."""
    items = [
        _hours(name, raster) for name, raster in sorted(result.rasters.items()) if _drawable(raster)
    ]
    items += [
        _cover(year, raster)
        for year, raster in sorted(result.study.landcover.items())
        if _drawable(raster)
    ]
    return {"items": items} if items else None


def _finite(raster: Raster) -> Any:
    values = raster.values
    return values[np.isfinite(values)]


def _drawable(raster: Raster) -> bool:
    return raster.is_north_up and len(_finite(raster)) > 0


def _hours(name: str, raster: Raster) -> dict[str, Any]:
    """Put a raster of numbers in classes: fixed ones for hours, else quantiles."""
    if raster.unit in {"h", "hours"} or name.endswith("_h"):
        # Most of a mountain study lies more than a day's walk from any site; then the classes are
        # six times as long.
        longer = 6 if float(np.median(_finite(raster))) > _HOURS[-2] else 1
        edges = [hours * longer for hours in _HOURS]
    else:
        inner = np.unique(np.quantile(_finite(raster), np.linspace(0, 1, 7)[1:-1]))
        edges = [-np.inf, *(float(f"{v:.3g}") for v in inner), np.inf]
    pairs = list(pairwise(edges))
    colours = style.TRAVEL[: len(pairs)]
    classes = [
        {"colour": c, "label": _class_label(low, high)}
        for c, (low, high) in zip(colours, pairs, strict=True)
    ]
    label = say_all(f"raster_{name}") if name in {"walk_h", "travel_h"} else untranslated(name)
    unit = raster.unit or ("h" if name.endswith("_h") else "")
    return _area(
        name,
        {k: f"{v}{f' ({unit})' if unit else ''}" for k, v in label.items()},
        raster,
        pairs,
        classes,
    )


def _class_label(low: float, high: float) -> str:
    if np.isinf(high):
        return f"> {low:g}"
    return f"< {high:g}" if np.isinf(low) else f"{low:g}\N{EN DASH}{high:g}"


def _cover(year: int, raster: Raster) -> dict[str, Any]:
    """Land cover of one year, its classes in one colour each."""
    present = np.unique(_finite(raster)).astype(int)
    classes, spare = [], iter(_OTHER_COLOURS * 8)
    for value in present:
        name = raster.classes.get(int(value), UNCLASSIFIED if raster.classes else str(value))
        colour = next((c for word, c in _COVER_COLOURS if word in name.lower()), None) or next(
            spare
        )
        classes.append({"colour": colour, "label": name})
    pairs = [(v - 0.5, v + 0.5) for v in present]
    label = say_all("landcover", year=str(year)) if year else say_all("landcover_undated")
    return _area(f"landcover_{year}", label, raster, pairs, classes)


def _area(
    name: str,
    label: dict[str, str],
    raster: Raster,
    pairs: list[tuple[Any, Any]],
    classes: list[dict[str, Any]],
) -> dict[str, Any]:
    drawn = images.in_degrees(raster, images.WIDTH, smooth=False)
    merged: dict[str, dict[str, Any]] = {}
    for entry in classes:  # classes of one colour share a row of the legend
        same = merged.setdefault(
            entry["colour"], {"colour": entry["colour"], "label": entry["label"]}
        )
        if same["label"] != entry["label"] and entry["label"] not in same["label"].split(", "):
            same["label"] += f", {entry['label']}"
    return {
        "name": name,
        "label": label,
        "src": images.class_picture(drawn, pairs, [c["colour"] for c in classes]),
        "bounds": list(drawn.bounds),
        "classes": list(merged.values()),
        "ramp": not name.startswith("landcover_"),
    }
