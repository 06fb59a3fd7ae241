"""More files of the corpus: what spreadsheets, GIS programs and hand work do to tables, layers and
rasters.
"""

# ruff: noqa: RUF001  (look-alike characters are what is tested)

from __future__ import annotations

import datetime as dt
import json
import shutil
import sqlite3
import struct
import warnings
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet
import rasterio
import rasterio.errors
import shapely
from affine import Affine

if TYPE_CHECKING:
    from corpus import Maker

IDS = ["A1", "A2", "A3", "A4", "A5"]
NAMES = ["Kizilqum", "Tarbagh", "阿图什新村", "Opal Bazar", "Bulaksu"]
LON = [75.9912, 76.0638, 76.1722, 75.5387, 76.4102]
LAT = [39.4704, 39.1291, 39.7133, 39.3051, 39.5517]
HOUSEHOLDS = [1660, 120, 312, 87, 54]
KNOWN: dict[str, Any] = {
    "count": 5, "ids": IDS, "names": NAMES, "lon": LON, "lat": LAT, "households_sum": 2233.0, "households_missing": 0,
}  # fmt: skip
HEADER = "site_id,name,lon,lat,households"


def rows(delimiter: str = ",", header: str = HEADER, **columns: list[Any]) -> str:
    table = {
        "site_id": IDS,
        "name": NAMES,
        "lon": LON,
        "lat": LAT,
        "households": HOUSEHOLDS,
    } | columns
    lines = [delimiter.join(map(str, row)) for row in zip(*table.values(), strict=True)]
    return (
        "\n".join(
            [header + "".join(f",{c}" for c in columns if c not in HEADER.split(",")), *lines]
        )
        + "\n"
    )


def first(values: list[Any], value: object) -> list[Any]:
    return [value, *values[1:]]


def degrees(form: Callable[[int, int, float, str], str]) -> str:
    """The sites with their coordinates written in degrees, minutes and seconds."""

    def write(value: float, hemisphere: str) -> str:
        minutes, seconds = divmod(round(value * 3600, 2), 60)
        return form(*divmod(int(minutes), 60), round(seconds, 2), hemisphere)

    quoted = [
        [f'"{write(v, h)}"'.replace('""', '"') for v in values]
        for values, h in ((LON, "E"), (LAT, "N"))
    ]
    return rows(lon=quoted[0], lat=quoted[1])


def tables_odd(m: Maker) -> None:
    """Tables that are right, however odd."""

    def good(name: str, content: str | bytes, codes: str = "", **summary: Any) -> None:
        m.good(f"odd/{name}.csv", content, KNOWN | summary, codes=codes)

    for name, header in {
        "traditional": "編號,名稱,經度,緯度,戶數",
        "joined": "SiteID,SiteName,Long_DD,Lat_DD,HHs",
        "two_languages": "编号 site_id,名称 name,经度 lon,纬度 lat,户数 households",
        "slash": "编号/ID,名称/Name,经度/Longitude,纬度/Latitude,户数/Households",
        "brackets": "site_id (编号),name (名称),lon (经度),lat (纬度),households (户数)",
        "counted": "Site ID,Site name,Longitude (E),Latitude (N),No. of households",
        "codes": "编码,名称,经度(E),纬度(N),总户数",
    }.items():
        good(f"header_{name}", rows(header=header))
    for name, below in {
        "names": "编号,名称,经度,纬度,户数",
        "units": ",,deg,deg,n",
        "dashes": "-,-,°,°,户",
    }.items():
        good(f"below_{name}", rows().replace("\n", f"\n{below}\n", 1), "header_several_rows")
    good("dos_end", rows() + "\x1a")
    good("superfluous_sheet_row", "sep=;\n" + rows(";", header=HEADER.replace(",", ";")))
    for n, mark in enumerate(["missing", "暂缺", "未统计", "*", "×", "TBD"]):
        good(
            f"missing_{n}",
            rows(households=first(HOUSEHOLDS, mark)),
            households_sum=573.0,
            households_missing=1,
        )
    for name, form in {
        "dashes": lambda d, m, s, h: f"{d}-{m}-{s}{h}",
        "words": lambda d, m, s, h: f"{d} deg {m} min {s} sec {h}",
        "stop": lambda d, m, s, h: f"{d}°{m}′{s}″ {h}.",
        "chinese_after": lambda d, m, s, h: f"{d}°{m}′{s}″（{'东' if h == 'E' else '北'}）",
        "label": lambda d, m, s, h: f"{'经度' if h == 'E' else '纬度'}：{d}°{m}′{s}″",
        "equals": lambda d, m, s, h: f"{h}={d + m / 60 + s / 3600:.7f}",
    }.items():
        good(f"angle_{name}", degrees(form))
    good(
        "ids_with_e",
        rows(site_id=["1E5", "2E5", "3E5", "4E1", "6E0"]),
        ids=["1E5", "2E5", "3E5", "4E1", "6E0"],
    )
    good("x_y_in_metres", rows(x=[420000 + k for k in range(5)], y=[4370000 + k for k in range(5)]))
    features = [{"type": "Feature", "properties": {"site_id": i, "name": n, "households": h},
                 "geometry": {"type": "Point", "coordinates": [x, y]}}
                for i, n, x, y, h in zip(IDS, NAMES, LON, LAT, HOUSEHOLDS, strict=True)]  # fmt: skip
    legacy = {"type": "EPSG", "properties": {"code": 4326}}
    whole = {"type": "FeatureCollection", "crs": legacy, "features": features}
    m.good("odd/crs_code.geojson", json.dumps(whole), KNOWN)
    m.good("odd/lines.json", "\n".join(json.dumps(f) for f in features), KNOWN)
    m.good(
        "odd/separated.geojsons",
        "".join(f"\x1e{json.dumps(f, indent=1)}\n" for f in features),
        KNOWN,
    )
    marks = "".join(
        f'<Placemark><name>{n}</name><ExtendedData><Data name="site_id"><value>{i}</value></Data><Data name="households">'
        f"<value>{h}</value></Data></ExtendedData><Point><coordinates>{x},{y}</coordinates></Point></Placemark>"
        for i, n, x, y, h in zip(IDS, NAMES, LON, LAT, HOUSEHOLDS, strict=True)
    )
    kml = f'<?xml version="1.0" encoding="GBK"?><kml><Folder><name>甲</name>{marks}</Folder><Folder><name>乙</name></Folder></kml>'
    m.good("odd/gbk.kml", kml.encode("gbk"), KNOWN)
    m.good("odd/folder.kml", kml.encode("gbk"), KNOWN, layer="甲")
    m.bad("odd/no_folder.kml", kml.encode("gbk"), "layer_unclear", layer="丙")


def tables_broken(m: Maker) -> None:
    """Tables that something is wrong with that no reader of numbers notices."""

    def bad(
        name: str, content: str, codes: str, status: str = "quarantined", **options: Any
    ) -> None:
        m.bad(f"broken/{name}.csv", content, codes, status, **options)

    for name, cell in {"raised": "120²", "circled": "120①", "half": "½"}.items():
        bad(
            f"footnote_{name}",
            rows(households=first(HOUSEHOLDS, cell)),
            "number_unreadable",
            "accepted",
        )
    bad(
        "too_many",
        rows(households=first(HOUSEHOLDS, 99999999999)),
        "number_out_of_range",
        "accepted",
    )
    bad("total_spaced", rows() + "合 计,,,,2233\n", "row_total")
    bad("total_in_brackets", rows() + "总计（5个）,,,,2233\n", "row_total")
    bad("total_in_words", rows() + "TOTAL HOUSEHOLDS,,,,2233\n", "row_total")
    bad("total_disguised", rows() + "A6,All sites,76.2001,39.2001,2233\n", "row_total", "accepted")
    bad("cyrillic", rows(site_id=["A1", "А1", *IDS[2:]]), "id_near_duplicate", "accepted")
    bad("zeros", rows(site_id=["1", "01", *IDS[2:]]), "id_near_duplicate", "accepted")
    bad("id_date", rows(site_id=["A1", "3-May", *IDS[2:]]), "date_in_number", "accepted")
    bad("lost_letters", rows(name=["???", "????", "??", "???", "??"]), "text_damaged", "accepted")
    bad("two_longitudes", rows(longitude=[v + 1 for v in LON]), "column_unclear", "accepted")
    bad("x_in_degrees", rows(x=[v + 1 for v in LON]), "column_unclear", "accepted")
    bad("two_households", rows(户数=[v + 1 for v in HOUSEHOLDS]), "column_unclear", "accepted")
    bad("contact", rows(contact=["a", "b", "c", "d", "e"]), "contact_left_out", "accepted")
    # 11010519491231002X is the example number of GB 11643-1999 itself.
    bad(
        "identity_in_text",
        rows(note=["", "证件11010519491231002X", "", "", ""]),
        "personal_data",
        "rejected",
    )
    bad("southern", rows(lat=[-v for v in LAT]), "hemisphere_contradicts", "rejected")
    bad(
        "wide",
        rows(header=HEADER + "".join(f",c{k}" for k in range(2001))),
        "file_too_large",
        "rejected",
    )
    bad("no_layer", rows(), "layer_unclear", "rejected", layer="sites")
    bad("no_sheet", rows(), "layer_unclear", "rejected", sheet="Sheet1")
    points = [f"SRID=32643;{p}" for p in ("POINT (412345 4332100)", "POINT (413345 4332100)")] + [
        "POINT (76.06 39.13)"
    ]
    table = "site_id,name,wkt\n" + "".join(
        f"{i},{n},{p}\n" for i, n, p in zip(IDS, NAMES, points, strict=False)
    )
    bad("left_in_degrees", table, "crs_contradicted")
    bad("curve", 'site_id,name,wkt\nA1,x,"CURVEPOLYGON (CIRCULARSTRING (0 0, 4 0, 4 4, 0 4, 0 0))"\n',
        "geometry_unreadable", "rejected")  # fmt: skip
    for name, role, content, codes, status in (
        ("flow_spelling", "flows", "origin_id,site_id\nO1,A1\no1,A2\n", "spelling_differs", "accepted"),
        ("speed", "roads", 'wkt,speed_kmh\n"LINESTRING (76 39, 77 39)",0\n', "number_out_of_range", "accepted"),
        ("road_loop", "roads", "a,b,length_km\nKashgar,Kashgar,4\nKashgar,Opal,50\n", "road_ends_equal", "quarantined"),
        ("road_flat", "roads", "a,b,length_km\nKashgar,Artux,0\nKashgar,Opal,50\n", "number_out_of_range", "quarantined"),
        ("road_two", "roads", "a,b,length_km\nKashgar,Artux,45\nArtux,Kashgar,95\n", "road_contradicts", "accepted"),
        ("capital", "indicators", "site_id,capital,indicator,before\nA1,spiritual,x,1\n", "value_improbable", "accepted"),
        ("share", "indicators", "site_id,capital,indicator,after,unit\nA1,human,x,460,%\n", "value_improbable", "accepted"),
        ("twice", "indicators", "site_id,capital,indicator,after\nA1,human,x,4\nA1,human,x,5\n", "value_improbable", "accepted"),
        ("copied", "claims", "subject,quantity,value\nA1,households,4\nA1,households,4\n", "row_repeated", "quarantined"),
        ("much_land", "origins", "origin_id,name,lon,lat,land_ha\nO1,x,76.0123,39.0123,5e9\n", "number_out_of_range", "accepted"),
    ):  # fmt: skip
        bad(name, content, codes, status, role=role)

    def areas(
        name: str, role: str, codes: str, *properties: dict[str, Any], step: float = 0.05
    ) -> None:
        shapes = [
            json.loads(shapely.to_geojson(shapely.box(76 + step * k, 39, 76.1 + step * k, 39.1)))
            for k in (0, 1)
        ]
        features = [
            {"type": "Feature", "properties": p, "geometry": g}
            for p, g in zip(properties, shapes, strict=True)
        ]
        whole = json.dumps({"type": "FeatureCollection", "features": features})
        m.bad(f"broken/{name}.geojson", whole, codes, "accepted", role=role)

    origins = "origin_id,name,lon,lat\nO1,x,75.9123,39.1123\nO2,y,76.9123,39.9123\n"
    kenya = "site_id,name,lon,lat\nS1,a,{}\nS2,b,{}\n"
    for name, positions, codes in (
        ("two_apart", ("36.9123,-1.1123", "36.1123,-1.9123"), ""),
        ("two_swapped", ("39.2123,75.5123", "39.3123,76.1123"), "coordinates_swapped"),
        ("two_western", ("-75.5123,39.2123", "-76.1123,39.3123"), "hemisphere_contradicts"),
    ):
        m.file(f"broken/{name}/sites.csv", kenya.format(*positions))
        m.file(f"broken/{name}/origins.csv", origins)
        m.case(
            f"broken/{name}",
            None,
            codes=codes,
            status="rejected" if codes else "accepted",
            role=None,
        )
    m.file(
        "broken/two_turned/sites.csv",
        "site_id,name,lon,lat\nS1,a,-1.1123,36.9123\nS2,b,-1.9123,36.1123\n",
    )
    m.file(
        "broken/two_turned/origins.csv",
        "origin_id,name,lon,lat\nO1,x,36.5123,-1.2123\nO2,y,36.6123,-1.5123\n",
    )
    m.case("broken/two_turned", None, codes="crs_axis_order", status="rejected", role=None)
    areas("overlap", "oasis", "areas_overlap", {"year": 2000}, {"year": 2000})
    areas("two_years", "oasis", "", {"year": 2000}, {"year": 2010})
    unit = {"name": "A", "level": "county"}
    areas(
        "own_parent",
        "boundaries",
        "parent_missing",
        unit | {"code": "1", "parent_code": "1"},
        unit | {"code": "2", "name": "B"},
        step=0.1,
    )
    areas(
        "level",
        "boundaries",
        "spelling_differs",
        unit | {"code": "1"},
        unit | {"code": "2", "name": "B", "level": "County"},
        step=0.1,
    )
    areas(
        "same_name",
        "boundaries",
        "name_duplicate",
        unit | {"code": "1"},
        unit | {"code": "2"},
        step=0.1,
    )


def books_odd(m: Maker) -> None:
    """Workbooks with hidden sheets, headers of two rows, and names that became dates."""

    def book(name: str, fill: Callable[[Any, Any], object]) -> Path:
        path = m.file(f"books_odd/{name}.xlsx")
        wb = openpyxl.Workbook()
        fill(wb, wb.active)
        wb.save(path)
        return path

    def table(sheet: Any, header: str = HEADER) -> None:
        sheet.append(header.split(","))
        for row in zip(IDS, NAMES, LON, LAT, HOUSEHOLDS, strict=True):
            sheet.append(row)

    def hidden(wb: Any, sheet: Any) -> None:
        table(sheet)
        table(wb.create_sheet("old"))
        wb["old"].sheet_state = "hidden"

    def only_hidden(wb: Any, sheet: Any) -> None:
        wb.create_sheet("front")
        table(sheet)
        sheet.sheet_state = "hidden"

    def two_rows(_: Any, sheet: Any) -> None:
        table(sheet, "编号,名称,位置,,户数")
        sheet.insert_rows(2)
        sheet["C2"], sheet["D2"] = "经度", "纬度"
        for cells in ("A1:A2", "B1:B2", "C1:D1", "E1:E2"):
            sheet.merge_cells(cells)

    def name_date(_: Any, sheet: Any) -> None:
        table(sheet)
        sheet["B2"] = dt.datetime(2016, 5, 3)  # noqa: DTZ001  (a workbook knows no time zones)

    book("hidden", hidden)
    m.good("books_odd/hidden.xlsx", None, KNOWN)
    book("two_rows", two_rows)
    m.good("books_odd/two_rows.xlsx", None, KNOWN, codes="header_several_rows")
    book("only_hidden", only_hidden)
    m.bad("books_odd/only_hidden.xlsx", None, "sheet_hidden", "accepted")
    book("name_date", name_date)
    m.bad("books_odd/name_date.xlsx", None, "date_in_number", "accepted")


def layers_odd(m: Maker) -> None:
    """Binary vector files whose parts contradict each other."""
    frame = gpd.GeoDataFrame(
        {"site_id": IDS, "name": NAMES, "households": HOUSEHOLDS},
        geometry=gpd.points_from_xy(LON, LAT),
        crs=4326,
    )
    plain = m.file("layers_odd/plain.gpkg")
    frame.to_file(plain, layer="plain", SPATIAL_INDEX="NO")

    def changed(name: str, *statements: str) -> None:
        path = m.file(f"layers_odd/{name}.gpkg")
        shutil.copy(plain, path)
        with closing(sqlite3.connect(path)) as base:
            for statement in statements:
                base.execute(statement)
            base.commit()

    changed("text_in_number", "UPDATE plain SET households = 'many' WHERE fid = 2")
    m.bad("layers_odd/text_in_number.gpkg", None, "number_unreadable", "accepted")
    changed("two_systems", "UPDATE gpkg_contents SET srs_id = 0")
    m.bad("layers_odd/two_systems.gpkg", None, "reader_warning", "accepted")
    changed(
        "no_system",
        "UPDATE gpkg_contents SET srs_id = 0",
        "UPDATE gpkg_geometry_columns SET srs_id = 0",
    )
    m.bad("layers_odd/no_system.gpkg", None, "crs_missing")
    changed("view", "CREATE VIEW v AS SELECT * FROM plain")
    m.good("layers_odd/view.gpkg", None, KNOWN)
    changed("open_elsewhere")
    m.file("layers_odd/open_elsewhere.gpkg-wal", b"\x37\x7f\x06\x82" + bytes(28))
    m.bad("layers_odd/open_elsewhere.gpkg", None, "file_unreadable")

    def shape(name: str, change: Callable[[bytearray, int, int], None]) -> None:
        path = m.file(f"layers_odd/{name}/sites.shp")
        frame.to_file(path, encoding="utf-8")
        data = bytearray(path.with_suffix(".dbf").read_bytes())
        change(data, *struct.unpack("<HH", data[8:12]))
        path.with_suffix(".dbf").write_bytes(data)

    def stars(data: bytearray, head: int, size: int) -> None:
        data[head + size - 12 : head + size] = b"*" * 12

    def deleted(data: bytearray, head: int, size: int) -> None:
        data[head + size] = 0x2A

    shape("stars", stars)
    m.bad("layers_odd/stars/sites.shp", None, "number_unreadable", "accepted")
    shape("deleted", deleted)
    m.bad("layers_odd/deleted/sites.shp", None, "rows_deleted", "accepted", summary={"count": 4})

    def parquet(name: str, **said: Any) -> None:
        path = m.file(f"layers_odd/{name}.parquet")
        frame.to_parquet(path)
        read = pyarrow.parquet.read_table(path)
        geo = json.loads(read.schema.metadata[b"geo"])
        geo["columns"]["geometry"] |= said
        changed_ = read.replace_schema_metadata(
            {**read.schema.metadata, b"geo": json.dumps(geo).encode()}
        )
        pyarrow.parquet.write_table(changed_, path)
        m.bad(f"layers_odd/{name}.parquet", None, "reader_warning", "accepted")

    parquet("other_extent", bbox=[0, 0, 1, 1])
    parquet("other_types", geometry_types=["Polygon"])
    pd.DataFrame(frame.drop(columns="geometry").assign(lon=LON, lat=LAT)).to_parquet(
        m.file("layers_odd/table.parquet")
    )
    m.good("layers_odd/table.parquet", None, KNOWN)


def rasters_odd(m: Maker) -> None:
    """Rasters whose cells or corners cannot be what they are said to be."""
    heights = (1200 + np.random.default_rng(1).random((30, 40)) * 2500).round().astype("int16")
    place = Affine(0.01, 0, 75.9, 0, -0.01, 39.6)

    def write(name: str, cells: Any, transform: Affine | None = place, **kw: Any) -> None:
        cells = np.asarray(cells)
        shape = {
            "height": cells.shape[0],
            "width": cells.shape[1],
            "count": 1,
            "dtype": cells.dtype,
        }
        given = {} if transform is None else {"transform": transform}
        path = m.file(f"rasters_odd/{name}.tif")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            with rasterio.open(path, "w", driver="GTiff", crs=4326, **shape, **given, **kw) as data:
                data.write(cells, 1)

    def doubted(
        name: str, cells: Any, codes: str, role: str = "dem", status: str = "accepted", **kw: Any
    ) -> None:
        write(name, cells, **kw)
        m.bad(f"rasters_odd/{name}.tif", None, codes, status, role=role)

    for value in (-1, -99, -999, 255):
        cells = heights.copy()
        cells[:3] = value
        doubted(f"sign_{value}", cells, "nodata_undeclared")
    cells = heights.copy()
    cells[0, 0] = -3000
    doubted("pit", cells, "raster_values")
    doubted(
        "nodata_among",
        np.where(heights > 2400, 1500, heights).astype("int16"),
        "raster_values",
        nodata=1500,
    )
    doubted(
        "picture",
        np.random.default_rng(2).integers(0, 255, (30, 40)).astype("uint8"),
        "raster_values",
    )
    doubted("heights_as_classes", heights, "raster_classes", role="landcover")
    axes = Affine(0.01, 0, 39.2, 0, -0.01, 76.3)
    doubted("axes", heights.T, "crs_axis_order", status="rejected", transform=axes)
    write("world_file", heights, transform=None)
    m.file("rasters_odd/world_file.tfw", "0.01\n0\n0\n-0.01\n75.905\n39.595\n")
    m.good(
        "rasters_odd/world_file.tif", None, {"min": float(heights.min()), "width": 40}, role="dem"
    )
