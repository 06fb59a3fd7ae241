"""Write the made-up study `made_up_across_180`: two invented prefectures in the south Pacific,
across the antimeridian.

Nothing in it exists. It is there to run everything the embedded study runs, in the other hemisphere
and over 180 degrees, with layers the embedded study lacks (oasis polygons of two years, land cover
of two dates, developed land with years, road lines, markets, schools and clinics). Every number can
be worked out by hand from this script.

    python tests/studies/make_made_up_across_180.py [FOLDER]
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import rasterio
import shapely

HERE = Path(__file__).resolve().parent / "made_up_across_180"
SOURCE = "made up"
WEST, SOUTH, EAST, NORTH = 178.0, -19.0, 182.0, -15.0  # 182 is 178 west
CELL = 0.02
MIDDLE = 180.4  # the meridian between the western and the eastern counties: 179.6 west


def wrapped(geometry: shapely.Geometry) -> shapely.Geometry:
    """Cut at the antimeridian and bring the eastern part into -180..180, as GeoJSON asks (RFC 7946,
    3.1.9).
    """
    near = shapely.intersection(geometry, shapely.box(0, -90, 180, 90))
    far = shapely.intersection(geometry, shapely.box(180, -90, 360, 90))
    near = shapely.transform(near, lambda c: np.round(c, 7))
    far = shapely.transform(far, lambda c: np.round(c - [360, 0], 7))
    whole = [
        p
        for part in (near, far)
        for p in shapely.get_parts(part)
        if p.length or p.geom_type == "Point"
    ]
    if geometry.geom_type.endswith("Polygon"):
        return shapely.MultiPolygon(
            [shapely.orient_polygons(p) for p in whole if p.geom_type == "Polygon"]
        )
    return whole[0] if len(whole) == 1 else shapely.MultiLineString(whole)


def lon(value: float) -> float:
    """Longitude in -180..180."""
    return round(value - 360 if value > 180 else value, 6)


def geojson(folder: Path, name: str, rows: list[tuple[dict, shapely.Geometry]]) -> None:
    features = [
        json.dumps(
            {
                "type": "Feature",
                "properties": p,
                "geometry": json.loads(shapely.to_geojson(wrapped(g))),
            },
            separators=(",", ":"),
        )
        for p, g in rows
    ]
    text = '{"type":"FeatureCollection","features":[\n' + ",\n".join(features) + "\n]}\n"
    (folder / name).write_text(text, encoding="utf-8", newline="\n")


def table(folder: Path, name: str, header: str, rows: list[tuple]) -> None:
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header.split())
        writer.writerows(["" if v is None else v for v in row] for row in rows)


def grid(folder: Path, name: str, values: np.ndarray, nodata: float) -> None:
    with rasterio.open(
        folder / name, "w", driver="GTiff", width=values.shape[1], height=values.shape[0], count=1,
        dtype=values.dtype.name, crs="EPSG:4326", transform=rasterio.Affine(CELL, 0, WEST, 0, -CELL, NORTH),
        nodata=nodata, compress="deflate", predictor=2, zlevel=9,
    ) as file:  # fmt: skip
        file.write(values, 1)


def boundaries(folder: Path) -> None:
    """Two prefectures of two counties: boxes, so that areas follow from the zone of the ellipsoid
    between parallels.
    """
    rows = []
    for code, name, south, north in (
        ("91", "Vanua Rua", -17.0, NORTH),
        ("92", "Ra Tolu", SOUTH, -17.0),
    ):
        box = shapely.box(WEST, south, EAST, north)
        rows.append(
            ({"code": f"{code}0000", "name": name, "level": "prefecture", "parent_code": None}, box)
        )
        for part, direction, west, east in (
            ("01", "West", WEST, MIDDLE),
            ("02", "East", MIDDLE, EAST),
        ):
            own = {"code": f"{code}00{part}", "name": f"{name} {direction}", "level": "county"}
            rows.append(
                ({**own, "parent_code": f"{code}0000"}, shapely.box(west, south, east, north))
            )
    rows.sort(key=lambda row: (row[0]["level"] != "prefecture", row[0]["code"]))
    geojson(
        folder,
        "boundaries.geojson",
        [({**p, "valid_from": 1990, "source": SOURCE}, g) for p, g in rows],
    )


SITES = [
    # id, name, lon, lat, uncertainty_km, households, persons, year, county, prefecture, models
    ("S-1", "Near Line", 179.90, -16.40, 2, 240, 1100, 2008, "Vanua Rua West", "Vanua Rua", "1;5"),
    ("S-2", "Past Line", 180.10, -16.50, 5, 150, 640, 2010, "Vanua Rua West", "Vanua Rua", "2"),
    ("S-3", "South Coast", 180.85, -17.90, 1, 90, 410, 2012, "Ra Tolu East", "Ra Tolu", "4;6"),
    ("S-4", "Border Camp", 180.39, -16.00, 3, 60, 250, 2015, "Vanua Rua East", "Vanua Rua", ""),
    ("S-5", "Not Found", None, None, None, 35, None, 2016, "Ra Tolu West", "Ra Tolu", ""),
]
ORIGINS = [
    # id, name, lon, lat, uncertainty_km, land_ha
    ("O-1", "Upper Valley", 179.60, -16.45, 3, 300),
    ("O-2", "Crater Rim", 180.30, -16.60, 4, 180),
    ("O-3", "North Point", 179.95, -15.70, 1, 90),
    ("O-4", "Far Islet", 178.40, -18.60, 2, 40),
    ("O-5", "Lagoon", 181.40, -18.20, 2, 55),
    ("O-6", "Unknown Hamlet", None, None, None, None),
]
FLOWS = [
    # origin, site, households, persons, year, declared_km
    ("O-1", "S-1", 140, 640, 2008, 48),
    ("O-2", "S-1", 100, 460, 2008, 60),
    ("O-2", "S-2", 80, 340, 2010, 35),
    (
        "O-3",
        "S-2",
        70,
        300,
        2010,
        12,
    ),  # less than the straight line can be: a declared distance to doubt
    ("O-4", "S-3", 30, 140, 2012, None),
    ("O-5", "S-3", 60, 270, 2012, 85),
    ("O-2", "S-4", 60, 250, 2015, 90),
    ("O-6", "S-5", 35, None, 2016, None),
]


def points(folder: Path) -> None:
    table(
        folder, "sites.csv",
        "site_id name lon lat uncertainty_km households persons year county prefecture models source",
        [(s[0], s[1], lon(s[2]) if s[2] else None, *s[3:], SOURCE) for s in SITES],
    )  # fmt: skip
    table(
        folder, "origins.csv", "origin_id name lon lat uncertainty_km land_ha source",
        [(o[0], o[1], lon(o[2]) if o[2] else None, *o[3:], SOURCE) for o in ORIGINS],
    )  # fmt: skip
    table(
        folder, "flows.csv", "origin_id site_id households persons year declared_km source",
        [(*f, SOURCE) for f in FLOWS],
    )  # fmt: skip
    places = [
        ("P-1", "Rua Town", "prefecture_seat", 179.95, -16.50, 26000),
        ("P-2", "Tolu Town", "prefecture_seat", 179.20, -18.00, 31000),
        ("P-3", "Rua East", "county_seat", 180.60, -16.55, 4200),
        ("P-4", "Tolu East", "county_seat", 180.90, -17.80, 5100),
        ("P-5", "North Landing", "port", 180.02, -16.05, None),
        ("P-6", "Line Market", "market", 180.00, -16.45, None),
        ("P-7", "Line School", "school", 179.98, -16.42, None),
        ("P-8", "South Clinic", "clinic", 180.80, -17.85, None),
    ]
    table(
        folder, "places.csv", "place_id name kind lon lat population source",
        [(i, n, k, lon(x), y, p, SOURCE) for i, n, k, x, y, p in places],
    )  # fmt: skip


def areas(folder: Path) -> None:
    """Irrigated land of two years and developed parcels with years; one of each lies over 180
    degrees.
    """
    geojson(
        folder, "oasis.geojson",
        [
            ({"year": 2000, "source": SOURCE}, shapely.box(179.80, -16.55, 180.05, -16.35)),
            ({"year": 2020, "source": SOURCE}, shapely.box(179.80, -16.55, 180.20, -16.35)),
            ({"year": 2020, "source": SOURCE}, shapely.box(180.80, -17.95, 180.95, -17.80)),
        ],
    )  # fmt: skip
    parcels = [
        # Columns: id, kind, site, year, leased hectares, basis; then west, south, width and height
        # in degrees.
        ("D-1", "forage", "S-1", 2009, 100.0, "digitised", 179.86, -16.43, 0.02, 0.02),
        ("D-2", "orchard", "S-1", 2005, None, "digitised", 179.90, -16.45, 0.03, 0.01),
        ("D-3", "forage", "S-2", 2011, 0.0, "digitised", 179.99, -16.52, 0.02, 0.02),  # over 180
        ("D-4", "facility_agriculture", "S-3", 2013, 20.0, "surveyed", 180.84, -17.92, 0.01, 0.01),
        (
            "D-5",
            "forage",
            "S-4",
            None,
            None,
            "digitised",
            180.39,
            -16.03,
            0.02,
            0.02,
        ),  # over the county line, no year
        ("D-6", "orchard", "S-3", 2018, None, "illustrative", 180.86, -17.95, 0.02, 0.01),
    ]
    declared = {
        "D-1": 480.0,
        "D-2": 360.0,
        "D-3": 470.0,
        "D-4": 118.0,
        "D-5": 6000.0,
        "D-6": 230.0,
    }  # D-5: mu, not ha
    geojson(
        folder, "development.geojson",
        [
            (
                {
                    "development_id": i, "kind": kind, "site_id": site, "declared_ha": declared[i],
                    "leased_ha": leased, "year": year, "geometry_basis": basis, "source": SOURCE,
                },
                shapely.box(x, y, x + w, y + h),
            )
            for i, kind, site, year, leased, basis, x, y, w, h in parcels
        ],
    )  # fmt: skip


def roads(folder: Path) -> None:
    """Lines that meet at Rua Town; the eastern road crosses 180 degrees."""
    lines = [
        ("primary", 60, [(179.60, -16.45), (179.75, -16.50), (179.95, -16.50)]),
        ("primary", 60, [(179.95, -16.50), (180.10, -16.50), (180.30, -16.58), (180.60, -16.55)]),
        ("track", 20, [(179.95, -16.50), (179.90, -16.40), (180.02, -16.05), (179.95, -15.72)]),
        ("secondary", 40, [(180.60, -16.55), (180.70, -17.20), (180.90, -17.80), (180.85, -17.90)]),
    ]
    rows = [
        (
            {"class": c, "speed_kmh": v, "surface": "gravel", "season": "all", "source": SOURCE},
            shapely.LineString(xy),
        )
        for c, v, xy in lines
    ]
    geojson(folder, "roads.geojson", rows)


def rasters(folder: Path) -> None:
    """A cone of 1,200 m on each of two islands with sea (missing) around; forest that became
    cropland on one of them.
    """
    columns, rows = round((EAST - WEST) / CELL), round((NORTH - SOUTH) / CELL)
    x = WEST + (np.arange(columns) + 0.5) * CELL
    y = NORTH - (np.arange(rows) + 0.5) * CELL
    north = 1 - np.hypot((x[None, :] - 180.1) / 1.0, (y[:, None] + 16.3) / 0.8)
    south = 1 - np.hypot((x[None, :] - 180.7) / 0.9, (y[:, None] + 17.9) / 0.6)
    height = np.maximum(north, south) * 1200
    land = height > 0
    grid(folder, "dem.tif", np.where(land, np.round(height), -32768).astype(np.int16), -32768)
    forest, crop, sea = 2, 12, 0
    before = np.where(land, forest, sea).astype(np.uint8)
    for year, (west, east) in ((2000, (179.80, 180.05)), (2020, (179.80, 180.21))):
        cover = before.copy()
        inside = (
            (x[None, :] > west)
            & (x[None, :] < east)
            & (y[:, None] > -16.56)
            & (y[:, None] < -16.36)
        )
        cover[inside & land] = crop
        grid(folder, f"landcover_{year}.tif", cover, 255)
    table(
        folder, "landcover_classes.csv", "value name", [(0, "sea"), (2, "forest"), (12, "cropland")]
    )


def words(folder: Path) -> None:
    """Livelihood indicators as aggregates of a household survey, and claims, some of them false on
    purpose.
    """
    indicators = [
        ("S-1", "natural", "farmland per person", 0.25, 0.18, "ha per person", 60),
        ("S-1", "material", "households with a water tap", 22.0, 81.0, "percent of households", 60),
        ("S-1", "financial", "households with a loan", 15.0, 31.0, "percent of households", 60),
        ("S-1", "human", "adults with a training", 8.0, 35.0, "percent of adults", 110),
        ("S-1", "social", "households in a cooperative", 40.0, 28.0, "percent of households", 60),
        ("S-2", "natural", "farmland per person", 0.30, 0.31, "ha per person", 41),
        ("S-2", "material", "households with a water tap", 18.0, 64.0, "percent of households", 41),
        ("S-3", "natural", "farmland per person", 0.22, None, "ha per person", 4),
    ]
    table(
        folder, "indicators.csv", "site_id capital indicator before after unit n source",
        [(*row, SOURCE) for row in indicators],
    )  # fmt: skip
    claims = [
        (
            "C-1",
            "programme",
            "households",
            "575",
            "households",
            "575",
            "",
            "false",
        ),  # the five sites: 575
        ("C-2", "S-1", "persons", "1100", "persons", "1,1O0", "the letter O for a zero", "true"),
        ("C-3", "study_area", "counties", "5", "counties", "five", "", "false"),  # there are four
        ("C-4", "S-3", "county", "Ra Tolu East", "location", "Ra Tolu East", "", "false"),
        (
            "C-5",
            "S-4",
            "county",
            "Vanua Rua East",
            "location",
            "Vanua Rua East",
            "",
            "false",
        ),  # 1 km from the border
        ("C-6", "S-2", "income_year", "", "dollars", "[lost]", "lost; unknown", "true"),
    ]
    table(
        folder, "claims.csv", "claim_id subject quantity value unit as_printed reading garbled source",
        [(*row, SOURCE) for row in claims],
    )  # fmt: skip


STUDY = """\
# A made-up study: no place, village or number in it exists. Written by make_made_up_across_180.py.

[study]
name = "made_up_across_180"
title = "Made-up study across the antimeridian"
region = [178.0, -19.0, -178.0, -15.0]     # west, south, east, north; the region crosses 180 degrees
boundary_note = "Boundaries are made up."

[layers]
sites = { path = "sites.csv", source = "made up", licence = "MIT", date = "2026" }
origins = { path = "origins.csv", source = "made up", licence = "MIT", date = "2026" }
flows = { path = "flows.csv", source = "made up", licence = "MIT", date = "2026" }
boundaries = { path = "boundaries.geojson", source = "made up", licence = "MIT", date = "2026" }
oasis = { path = "oasis.geojson", source = "made up", licence = "MIT", date = "2026" }
development = { path = "development.geojson", source = "made up", licence = "MIT", date = "2026" }
dem = { path = "dem.tif", source = "made up", licence = "MIT", date = "2026" }
roads = { path = "roads.geojson", source = "made up", licence = "MIT", date = "2026" }
places = { path = "places.csv", source = "made up", licence = "MIT", date = "2026" }
indicators = { path = "indicators.csv", source = "made up", licence = "MIT", date = "2026" }
claims = { path = "claims.csv", source = "made up", licence = "MIT", date = "2026" }

[[layers.landcover]]
year = 2000
path = "landcover_2000.tif"
classes = "landcover_classes.csv"
source = "made up"
licence = "MIT"
date = "2026"

[[layers.landcover]]
year = 2020
path = "landcover_2020.tif"
classes = "landcover_classes.csv"
source = "made up"
licence = "MIT"
date = "2026"

[admin.aliases]
"Vanua Rua W" = "Vanua Rua West"

[distance]
places_by_road = ["prefecture_seat", "county_seat", "port"]

[services]
ladder = ["prefecture_seat", "county_seat", "township_seat"]
groups = { county_seat_or_above = ["county_seat", "prefecture_seat"] }

[remoteness]
farming_radius_km = { foot = 0.666, cart = 2.0, motor = 4.0 }
"""


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for part in (boundaries, points, areas, roads, rasters, words):
        part(folder)
    (folder / "study.toml").write_text(STUDY, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
