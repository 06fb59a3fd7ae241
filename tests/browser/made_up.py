"""A made-up result with everything a map can show, and with every string that ever broke one.
Nothing in it is real.
"""

from __future__ import annotations

from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from affine import Affine

from geosettle.analysis import Result
from geosettle.geodesy import GEOD
from geosettle.raster import Raster
from geosettle.study import Study

RUN = "window.__ran=1"
HOSTILE = (
    f'<img src=x onerror="{RUN}">',
    f"<script>{RUN}</script>",
    f"</script><script>{RUN}</script>",
    "<!--<script>",
    "${" + RUN + "}",
    f"`+({RUN})+`",
    f"\\`+({RUN})+`",
    f"'+({RUN})+'",
    f'"+({RUN})+"',
    f'"><img src=x onerror={RUN}>',
    "{{" + RUN + "}}",
    "{{7*7}}",
    "{% if 7*7==49 %}YES49{% endif %}",
    "{# gone #}",
    "{{cycler.__init__.__globals__.os.getpid()}}",
    "'\"",
    "a\u2028b\u2029c",
    "C:\\x\\2019",
    "abc\\",
    "خوتەن شەھىرى",
    "和田市",
    "\u202eabc\u202c",
    "a\nb\r\nc",
    "A & B <5%>",
    f"javascript:{RUN}",
    "&lt;b&gt;",
    "=1+1",
    "constructor",
    "__proto__",
)
"""Each is a name, an id, a kind and a source somewhere below."""

WEST, SOUTH, EAST, NORTH = 74.0, 36.0, 82.0, 41.0


def dem() -> Raster:
    """Mountains in the south and west, a basin in the middle; missing in one corner."""
    rows, columns = 300, 480
    lat = NORTH - (np.arange(rows) + 0.5) * (NORTH - SOUTH) / rows
    lon = WEST + (np.arange(columns) + 0.5) * (EAST - WEST) / columns
    x, y = np.meshgrid(lon, lat)
    rng = np.random.default_rng(5)
    z = 1200 + 3200 / (1 + np.exp((y - 37.4) * 4)) + 2600 / (1 + np.exp((x - 75.6) * 4))
    for k in range(1, 6):
        phase = rng.uniform(0, 6.28, 4)
        z += (
            (z - 1100)
            / 9
            / k
            * np.sin(x * 5 * k + phase[0] + 2 * np.sin(y * 3 + phase[1]))
            * np.cos(y * 6 * k + phase[2])
        )
    z[:12, -12:] = np.nan
    return Raster(
        z, Affine((EAST - WEST) / columns, 0, WEST, 0, -(NORTH - SOUTH) / rows, NORTH), unit="m"
    )


def landcover(share: float) -> Raster:
    """Three classes; cropland grows with `share`."""
    rows, columns = 100, 160
    lat = NORTH - (np.arange(rows) + 0.5) * (NORTH - SOUTH) / rows
    lon = WEST + (np.arange(columns) + 0.5) * (EAST - WEST) / columns
    x, y = np.meshgrid(lon, lat)
    values = np.where(y < 37.3, 10.0, 16.0)
    values[np.hypot(x - 77.5, (y - 38.8) * 1.3) < share] = 12.0
    classes = MappingProxyType({10: "Grassland", 12: "Cropland", 16: "Barren"})
    return Raster(
        values, Affine(8 / columns, 0, WEST, 0, -5 / rows, NORTH), unit="class", classes=classes
    )


def _texts(n: int, start: int = 0) -> list[str]:
    return [HOSTILE[(i + start) % len(HOSTILE)] for i in range(n)]


def _ids(n: int, start: int) -> list[str]:
    """Every hostile string as it is, then again with a number, because ids are unique."""
    return [text if i < len(HOSTILE) else f"{text} {i}" for i, text in enumerate(_texts(n, start))]


def result(*, hostile: bool = True, n_sites: int = 31, n_origins: int = 64) -> Result:
    """A whole result. Three sites and five origins have no position; some households are
    unknown.
    """
    rng = np.random.default_rng(11)
    sites = _places(rng, n_sites, "s", 3, (75.5, 81.5, 37.6, 40.6))
    origins = _places(rng, n_origins, "o", 5, (74.3, 81.0, 36.3, 38.4))
    households = np.where(
        rng.random(n_sites) < 0.3, np.nan, np.round(rng.lognormal(5.5, 1, n_sites))
    )
    sites["households"] = households
    sites["persons"] = households * 4
    sites["year"] = 2000.0 + rng.integers(0, 20, n_sites)
    sites["county"], sites["prefecture"] = "Made-up county", "Made-up prefecture"
    sites["county_code"], sites["prefecture_code"] = "0", "8"
    sites["admin_probability"] = 0.9
    sites["oasis_edge_km"], sites["oasis_edge_low_km"], sites["oasis_edge_high_km"] = (
        -1.5,
        -4.0,
        1.0,
    )
    if hostile:
        for column, shift in (
            ("name", 0),
            ("name_local", 3),
            ("county", 6),
            ("source", 9),
            ("why", 12),
            ("models", 15),
        ):
            sites[column] = _texts(n_sites, shift)
        for column, shift in (
            ("name", 1),
            ("name_local", 5),
            ("county", 8),
            ("source", 2),
            ("why", 4),
        ):
            origins[column] = _texts(n_origins, shift)
        origins["county_code"] = "0"
        sites.index = pd.Index(_ids(n_sites, 0), name="site_id")
        origins.index = pd.Index(_ids(n_origins, 7), name="origin_id")
    pairs = _pairs(rng, sites, origins)
    study = Study(
        sites=sites,
        origins=origins,
        flows=pairs.reset_index()[["origin_id", "site_id", "households", "year"]],
        boundaries=_boundaries(hostile=hostile),
        oasis=gpd.GeoDataFrame(
            geometry=[shapely.Point(77.5, 38.8).buffer(0.7), shapely.Point(80, 37.4).buffer(0.4)],
            crs=4326,
        ),
        development=_development(sites, hostile=hostile),
        landcover={2005: landcover(0.4), 2019: landcover(0.9)},
        dem=dem(),
        rivers=gpd.GeoDataFrame(
            geometry=[shapely.LineString([(76, 36.5), (77, 38), (79, 39.5), (81.5, 40.5)])],
            crs=4326,
        ),
        places=gpd.GeoDataFrame(
            {
                "name": ["Seat", HOSTILE[0] if hostile else "Town"],
                "kind": ["prefecture_seat", "county_seat"],
            },
            geometry=gpd.points_from_xy([77.2, 79.9], [39.4, 37.1]),
            crs=4326,
            index=pd.Index(["p1", "p2"], name="place_id"),
        ),
        settings={
            "study": {
                "name": HOSTILE[1] if hostile else "Made-up study",
                "boundary_note": HOSTILE[2] if hostile else "made up",
            }
        },
        inputs={
            "sites.csv": {
                "sha256": "00",
                "layer": "sites",
                "source": HOSTILE[4] if hostile else "nobody",
                "licence": HOSTILE[5],
            }
        },
    )
    empty = pd.DataFrame()
    height = dem()
    return Result(
        study=study, sites=sites, origins=origins, pairs=pairs, intervals=empty, admin=empty, covers=_covers(sites, hostile=hostile),
        oasis=empty, land=empty, change=empty, remoteness=_remoteness(sites, hostile=hostile), access_change=_access_change(sites, hostile=hostile), livelihood=_livelihood(sites, hostile=hostile),
        claims=empty, problems=empty,
        rasters={"walk_h": Raster((height.values - 900) / 400, height.transform, unit="h")},  # noqa: PD011, RUF100
    )  # fmt: skip


def _places(rng, n, letter, unknown, frame):
    west, east, south, north = frame
    points = gpd.points_from_xy(rng.uniform(west, east, n), rng.uniform(south, north, n)).tolist()
    points[-unknown:] = [None] * unknown
    role = "site" if letter == "s" else "origin"
    return gpd.GeoDataFrame(
        {
            "name": [f"{role.capitalize()} {i}" for i in range(n)],
            "uncertainty_km": np.where(
                rng.random(n) < 0.5, np.nan, np.round(rng.uniform(1, 25, n))
            ),
        },
        geometry=points,
        crs=4326,
        index=pd.Index([f"{letter}{i}" for i in range(n)], name=f"{role}_id"),
    )


def _pairs(rng, sites, origins):
    to = rng.integers(0, max(1, len(sites) // 2), len(origins))
    a, b = origins.geometry, sites.geometry.iloc[to]
    known = a.notna().to_numpy() & b.notna().to_numpy()
    km = np.full(len(origins), np.nan)
    km[known] = GEOD.inv(a.x[known], a.y[known], b.x[known], b.y[known])[2] / 1000
    return pd.DataFrame(
        {
            "households": np.where(
                rng.random(len(origins)) < 0.2, np.nan, np.round(rng.lognormal(4, 1, len(origins)))
            ),
            "year": np.where(
                rng.random(len(origins)) < 0.1, np.nan, 2000 + rng.integers(0, 20, len(origins))
            ),
            "geodesic_km": km,
            "geodesic_low_km": km * 0.9,
            "geodesic_high_km": km * 1.1,
        },
        index=pd.MultiIndex.from_arrays(
            [origins.index, sites.index[to]], names=["origin_id", "site_id"]
        ),
    )


def _boundaries(*, hostile):
    boxes = [
        shapely.box(WEST + 2 * i, SOUTH + 2.5 * j, WEST + 2 * i + 2, SOUTH + 2.5 * j + 2.5)
        for i in range(4)
        for j in range(2)
    ]
    whole = [shapely.box(WEST, SOUTH, WEST + 4, NORTH), shapely.box(WEST + 4, SOUTH, EAST, NORTH)]
    names = _texts(10) if hostile else [f"Unit {i}" for i in range(10)]
    return gpd.GeoDataFrame(
        {
            "name": names,
            "level": ["county"] * 8 + ["prefecture"] * 2,
            "disputed": [False] * 7 + [True] + [False] * 2,
        },
        geometry=boxes + whole,
        crs=4326,
        index=pd.Index([str(i) for i in range(10)], name="code"),
    )


def _development(sites, *, hostile):
    points = [p for p in sites.geometry if p is not None][:12]
    kinds = [HOSTILE[0], HOSTILE[10], "forestry"] if hostile else ["forage", "orchard", "forestry"]
    return gpd.GeoDataFrame(
        {
            "kind": [kinds[i % 3] for i in range(12)],
            "year": [2001.0 + i for i in range(12)],
            "geometry_basis": ["illustrative" if i % 2 else "surveyed" for i in range(12)],
        },
        geometry=[shapely.box(p.x + 0.05, p.y, p.x + 0.13, p.y + 0.06) for p in points],
        crs=4326,
        index=pd.Index([f"d{i}" for i in range(12)], name="development_id"),
    )


def _covers(sites, *, hostile):
    rows = [
        {
            "zone_id": s,
            "zone": "disc",
            "radius_km": 15.0,
            "layer": layer,
            "class": kind,
            "year": 2019,
            "area_ha": area,
        }
        for s in sites.index
        for layer, kind, area in (
            ("oasis", "oasis", 12_000.0),
            ("development", HOSTILE[0] if hostile else "forage", 400.0),
        )
    ]
    return pd.DataFrame(rows)


def _remoteness(sites, *, hostile):
    """Two indicators."""
    names = [HOSTILE[0], "weighted mean"] if hostile else ["mean", "maximum"]
    same = {"role": "site", "metric": "geodesic", "unit": "km"}
    rows = [
        {
            **same,
            "id": s,
            "indicator": name,
            "value": 10.0 + 3 * i,
            "low": 9.0 + 3 * i,
            "high": 11.0 + 3 * i,
        }
        for name in names
        for i, s in enumerate(sites.index[:-4])
    ]
    return pd.DataFrame(rows)


def _access_change(sites, *, hostile):
    """Change of the first indicator: more, less, undecided and none by turns."""
    rows = []
    for i, s in enumerate(sites.index[:-4]):
        change = -5.0 - i if i % 4 == 1 else 5.0 + i
        low = -4.0 if i % 4 == 2 else change - 2
        if i % 4 < 3:
            rows.append(
                {
                    "role": "site",
                    "id": s,
                    "indicator": HOSTILE[0] if hostile else "mean",
                    "metric": "geodesic",
                    "unit": "km",
                    "weighting": "households",
                    "change": change,
                    "low": low,
                    "high": change + 2,
                    "direction": ("farther", "nearer", "not distinguishable")[i % 4],
                }
            )
    return pd.DataFrame(rows)


def _livelihood(sites, *, hostile):
    rows = [
        {"section": "capitals", "site_id": s, "item": item, "before": 0.3, "after": 0.5}
        for s in sites.index
        for item in (HOSTILE[3] if hostile else "human", "natural")
    ]
    return pd.DataFrame(rows)
