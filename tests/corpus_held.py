"""More files of the corpus: tables as people hold them, from forms, phones and hand work."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import openpyxl
import pyogrio
import pyproj
from corpus_odd import HOUSEHOLDS, IDS, KNOWN, LAT, LON, NAMES, rows

from geosettle.io.source import Options

if TYPE_CHECKING:
    from corpus import Maker

NEAR: dict[str, Any] = {
    k: v for k, v in KNOWN.items() if k not in {"households_sum", "households_missing"}
}


def _table(header: str, *columns: list[Any], mark: str = ",") -> str:
    lines = [mark.join(map(str, row)) for row in zip(*columns, strict=True)]
    return "\n".join([header, *lines]) + "\n"


def headers_held(m: Maker) -> None:
    """Headers in seven languages, as exporters write them, and rows around them."""
    body = (IDS, NAMES, LON, LAT, HOUSEHOLDS)
    for language, header in {
        "english": "Settlement code,Name of settlement,GPS Longitude,GPS Latitude,Est. no. of HHs present",
        "french": "Code du site,Nom du site,Longitude,Latitude,Nombre de ménages",
        "spanish": "Código,Nombre del sitio,Longitud,Latitud,Número de hogares",
        "portuguese": "Código do local,Nome do local,Longitude,Latitude,Número de famílias",
        "russian": "Код,Название поселения,Долгота,Широта,Количество домохозяйств",
        "arabic": "رمز الموقع,اسم الموقع,خط الطول,خط العرض,عدد الأسر",
        "chinese": "安置点编码,安置点名称,经度,纬度,现有户数",
        "form": "grp/site_code,grp/site_name,_grp/place_longitude,_grp/place_latitude,grp/hh",
        "comment": "#site_id,name,lon,lat,households",
        "hxl_only": "#loc+code,#loc+name,#geo+lon,#geo+lat,#affected+hh",
        "ten_letters": "site_id,name,longitude,latitude,no_of_hous",
    }.items():
        m.good(f"held/{language}.csv", _table(header, *body), KNOWN)
    m.good(
        "held/hxl.csv",
        rows().replace("\n", "\n#loc+code,#loc+name,#geo+lon,#geo+lat,#affected+hh\n", 1),
        KNOWN, codes="header_several_rows",
    )  # fmt: skip
    lines = rows().splitlines(keepends=True)
    m.good(
        "held/joined.csv",
        "".join([*lines[:3], "\ufeff" + lines[0], *lines[3:]]),
        KNOWN, codes="header_repeated",
    )  # fmt: skip
    m.bad(
        "held/other_order.csv",
        "".join([*lines[:3], "name,site_id,lon,lat,households\n", *lines[3:]]),
        "file_unreadable",
    )
    noted = [f"{n}; see A|B\tC" for n in NAMES]
    m.good("held/marks_in_text.csv", rows(name=noted), {**KNOWN, "names": noted})
    lone = [f'"{NAMES[0]}', *NAMES[1:]]
    m.bad(
        "held/lone_quote.tsv", rows("\t", "site_id\tname\tlon\tlat\thouseholds", name=lone), "quotes_kept", "accepted",
        summary={**KNOWN, "names": lone},
    )  # fmt: skip
    mapped = _table("Ref,Wapi,lon,lat,households", *body)
    m.good("held/mapped.csv", mapped, KNOWN, columns={"site_id": "Ref", "name": "Wapi"})
    m.good("held/mapped_turned.csv", mapped, KNOWN, columns={"Ref": "site_id", "Wapi": "name"})


def positions_held(m: Maker) -> None:
    """Positions in one cell, in parts, and with columns that change what they mean."""
    pairs = list(zip(LON, LAT, strict=True))

    def one(
        name: str,
        write: Callable[[float, float], str],
        header: str = "coordinates",
        codes: str = "",
    ) -> None:
        cells = [f'"{write(x, y)}"' for x, y in pairs]
        m.good(
            f"held/{name}.csv",
            _table(f"site_id,name,{header}", IDS, NAMES, cells),
            NEAR,
            codes=codes,
        )

    one("pair", lambda x, y: f"{y}, {x}")
    one("pair_phone", lambda x, y: f"{y} {x} 1290.5 4.7", "gps")
    one("pair_brackets", lambda x, y: f"({y}°, {x}°)", "location")
    one("pair_hemispheres", lambda x, y: f"{y}N {x}E")
    one("pair_unnamed", lambda x, y: f"{y}, {x}", "where it is", "position_from_column")
    one(
        "geojson_cell",
        lambda x, y: f'{{""type"": ""Point"", ""coordinates"": [{x}, {y}]}}',
        "geometry",
    )
    one("list_cell", lambda x, y: f"[{x}, {y}]", codes="position_order")
    one("empty_point", lambda x, y: f"POINT ({x} {y})", "wkt")
    m.bad(
        "held/point_empty.csv", "site_id,name,wkt\nA1,One,POINT (75.9912 39.4704)\nA2,Two,POINT EMPTY\n",
        "position_unknown", "accepted", summary={"count": 2, "positions_missing": 1},
    )  # fmt: skip

    def parts(value: float) -> tuple[int, int, float]:
        minutes, seconds = divmod(round(value * 3600, 2), 60)
        return int(minutes) // 60, int(minutes) % 60, round(seconds, 2)

    split = [[p for v in pair for p in parts(v)] for pair in pairs]
    table = [[i, n, *p] for i, n, p in zip(IDS, NAMES, split, strict=True)]
    m.good(
        "held/three_columns.csv",
        _table("site_id,name,lon_deg,lon_min,lon_sec,lat_deg,lat_min,lat_sec", *map(list, zip(*table, strict=True))),
        NEAR,
    )  # fmt: skip
    west = [-v for v in LON]
    m.good(
        "held/hemispheres_west.csv",
        _table("site_id,name,lat,ns,lon,ew", IDS, NAMES, LAT, ["N"] * 5, LON, ["W"] * 5),
        {**NEAR, "lon": west},
    )  # fmt: skip
    packed = [[f"{int(v):0{w}d}{(v % 1) * 60:07.4f}" for v in vs] for vs, w in ((LAT, 2), (LON, 3))]
    m.good(
        "held/packed.csv",
        _table("site_id,name,lat,ns,lon,ew", IDS, NAMES, packed[0], ["N"] * 5, packed[1], ["E"] * 5),
        NEAR, codes="degrees_packed",
    )  # fmt: skip
    utm = pyproj.Transformer.from_crs(4326, 32643, always_xy=True)
    east, north = (list(v) for v in utm.transform(LON, LAT))
    m.good(
        "held/utm_zone.csv",
        _table("site_id,name,easting,northing,zone", IDS, NAMES, east, north, ["43N"] * 5),
        NEAR, codes="crs_converted",
    )  # fmt: skip
    m.bad(
        "held/utm_unclear.csv",
        _table("site_id,name,easting,northing,zone", IDS, NAMES, east, north, ["43N"] * 4 + ["43S"]),
        "zone_unclear", "quarantined", summary={"count": 4},
    )  # fmt: skip
    m.good(
        "held/district_zone.csv",
        _table("site_id,name,lon,lat,zone", IDS, NAMES, LON, LAT, ["12", "3", "4", "5", "6"]), NEAR,
    )  # fmt: skip
    pulkovo = pyproj.Transformer.from_crs(4326, 4284, always_xy=True)
    x, y = (list(v) for v in pulkovo.transform(LON, LAT))
    m.good(
        "held/datum_column.csv",
        _table("site_id,name,lon,lat,datum", IDS, NAMES, x, y, ["EPSG:4284"] * 5), NEAR, codes="crs_converted",
    )  # fmt: skip
    m.good(
        "held/datum_wgs84.csv",
        _table("site_id,name,lon,lat,datum", IDS, NAMES, LON, LAT, ["WGS 84"] * 5),
        NEAR,
    )
    m.bad(
        "held/datum_unknown.csv",
        _table("site_id,name,lon,lat,datum", IDS, NAMES, LON, LAT, ["WGS84"] * 4 + ["Local 7"]),
        "crs_unknown", "quarantined", summary={"count": 4},
    )  # fmt: skip
    lost = [[str(v).replace(".", "").rstrip("0") for v in vs] for vs in (LON, LAT)]
    lost[0][0] = lost[0][0][:3]
    m.bad(
        "held/lost_marks.csv",
        _table("site_id,name,lon,lat", IDS, NAMES, *lost),
        "coordinate_scaled",
    )


def books_held(m: Maker) -> None:  # noqa: C901  (one small function for each workbook)
    """Workbooks with filters, merged cells, notes, and degrees that became times."""

    def book(name: str, fill: Callable[[Any, Any], object]) -> None:
        path = m.file(f"held/{name}.xlsx")
        wb = openpyxl.Workbook()
        fill(wb, wb.active)
        wb.save(path)

    def table(sheet: Any, header: str = "site_id,name,lon,lat,households") -> None:
        sheet.append(header.split(","))
        for row in zip(IDS, NAMES, LON, LAT, HOUSEHOLDS, strict=True):
            sheet.append(row)

    def hidden_row(_: Any, sheet: Any) -> None:
        table(sheet)
        sheet.row_dimensions[3].hidden = True

    def notes_first(wb: Any, sheet: Any) -> None:
        sheet.append(["Baseline of displacement, round 7"])
        sheet.append(["Prepared for the cluster"])
        page = wb.create_sheet("Master list")
        page.append(["Master list of settlements, March"])
        page.merge_cells("A1:E1")
        page.append([])
        table(page, "Settlement ID,Settlement name,Longitude,Latitude,Number of households")
        page.append(["Total", None, None, None, sum(HOUSEHOLDS)])

    def times(_: Any, sheet: Any) -> None:
        table(sheet)
        for row, (x, y) in enumerate(zip(LON, LAT, strict=True), 2):
            for cell, value in ((f"C{row}", x), (f"D{row}", y)):
                sheet[cell] = dt.timedelta(seconds=round(value * 3600))
                sheet[cell].number_format = "[h]:mm:ss"

    def counties(_: Any, sheet: Any) -> None:
        sheet.append(["county", "site_id", "name", "lon", "lat", "households"])
        for row in zip(
            ["West"] + [None] * 4, IDS, NAMES, LON, LAT, [900, None, *HOUSEHOLDS[2:]], strict=True
        ):
            sheet.append(row)
        sheet.merge_cells("A2:A6")
        sheet.merge_cells("F2:F3")

    def groups(_: Any, sheet: Any) -> None:
        sheet.append(["site_id", "name", "Position", None, "households"])
        sheet.append([None, None, "lon", "lat", None])
        for row in zip(IDS, NAMES, LON, LAT, HOUSEHOLDS, strict=True):
            sheet.append(row)
        for cells in ("A1:A2", "B1:B2", "C1:D1", "E1:E2"):
            sheet.merge_cells(cells)

    book("hidden_row", hidden_row)
    m.good("held/hidden_row.xlsx", None, KNOWN, codes="rows_hidden")
    book("notes_first", notes_first)
    m.bad(
        "held/notes_first.xlsx",
        None,
        "row_total",
        "quarantined",
        summary={"count": 5, "households_sum": 2233.0},
    )
    book("times", times)
    seconds = [[round(v * 3600) / 3600 for v in vs] for vs in (LON, LAT)]
    m.good(
        "held/times.xlsx", None, {**KNOWN, "lon": seconds[0], "lat": seconds[1]}, codes="degrees_from_time",
    )  # fmt: skip
    book("counties", counties)
    # The count over two rows is that of both together: it is counted once.
    m.bad(
        "held/counties.xlsx", None, "merged_cells", "accepted",
        summary={"count": 5, "households_sum": 900.0 + sum(HOUSEHOLDS[2:]), "households_missing": 1},
    )  # fmt: skip
    book("groups", groups)
    m.good("held/groups.xlsx", None, KNOWN, codes="header_several_rows")


def choices_held(m: Maker) -> None:
    """One table for several layers, rows without identifiers, and cells that cost no row."""
    kinds = ["camp", "camp", "Camp ", "town", "camp"]
    mixed = _table(
        "site_id,name,lon,lat,households,location_type", IDS, NAMES, LON, LAT, HOUSEHOLDS, kinds
    )
    chosen = [0, 1, 2, 4]
    some = {
        "ids": [IDS[i] for i in chosen], "lon": [LON[i] for i in chosen],
        "households_sum": float(sum(HOUSEHOLDS[i] for i in chosen)), "count": 4,
    }  # fmt: skip
    m.good(
        "held/where.csv", mixed, some, codes="rows_chosen",
        options=Options(where={"Location type": "camp"}),
    )  # fmt: skip
    m.bad(
        "held/where_none.csv",
        mixed,
        "file_unreadable",
        options=Options(where={"location_type": "port"}),
    )
    m.good(
        "held/constant.csv", _table("site_id,lon,lat", IDS, LON, LAT),
        {"names": ["Camp"] * 5, "ids": IDS}, options=Options(constants={"name": "Camp"}),
    )  # fmt: skip
    m.good(
        "held/header_row.csv",
        "id,name\nremark,of 2019\n" + rows(),
        KNOWN,
        options=Options(header_row=3),
    )
    m.good(
        "held/numbered.csv", _table("lon,lat,households", LON, LAT, HOUSEHOLDS),
        {"ids": ["S1", "S2", "S3", "S4", "S5"], "households_sum": 2233.0}, codes="id_made name_from_id",
    )  # fmt: skip
    m.bad(
        "held/less_than_five.csv", rows(households=["<5", *HOUSEHOLDS[1:]]), "number_limit", "accepted",
        summary={"count": 5, "households_sum": 573.0, "households_missing": 1},
    )  # fmt: skip
    m.good("held/buddhist.csv", rows(year=[2562] * 5), KNOWN, codes="year_buddhist")
    m.bad(
        "held/no_move.csv", "origin_id,site_id,households\na,A1,12\nb,A1,0\n", "no_move", "quarantined", role="flows",
        summary={"count": 1, "households_sum": 12.0},
    )  # fmt: skip
    m.good(
        "held/float_ids.csv", _table("site_id,name,lon,lat", ["1.0", "2.0", "3.0", "4.0", "5.0"], NAMES, LON, LAT),
        {**NEAR, "ids": ["1", "2", "3", "4", "5"]}, codes="id_cleaned",
    )  # fmt: skip
    marks = "".join(
        f'<wpt lat="{y}" lon="{x}"><ele>1290</ele><name>{n}</name></wpt>'
        for n, x, y in zip(NAMES, LON, LAT, strict=True)
    )
    m.good(
        "held/phone.gpx", f'<?xml version="1.0"?><gpx xmlns="http://www.topografix.com/GPX/1/1">{marks}</gpx>',
        {**NEAR, "ids": NAMES}, codes="id_from_name",
    )  # fmt: skip
    square = {
        "type": "Polygon",
        "coordinates": [[[75, 39], [76, 39], [76, 40], [75, 40], [75, 39]]],
    }
    other = {"type": "Polygon", "coordinates": [[[76, 39], [77, 39], [77, 40], [76, 40], [76, 39]]]}
    units = [
        {
            "type": "Feature",
            "geometry": shape,
            "properties": {"code": "-99", "name": name, "level": "county"},
        }
        for shape, name in ((square, "Westland"), (other, "Eastland"))
    ]
    m.bad(
        "held/no_code.geojson", json.dumps({"type": "FeatureCollection", "features": units}), "code_missing", "accepted",
        role="boundaries", summary={"ids": ["Westland", "Eastland"]},
    )  # fmt: skip
    published = [
        {
            **unit,
            "properties": {
                "ADM1_EN": "Far",
                "ADM1_PCODE": "F1",
                "ADM2_EN": name,
                "ADM2_PCODE": f"F1{n}",
            },
        }
        for n, (unit, name) in enumerate(zip(units, ("Westland", "Eastland"), strict=True))
    ]
    m.bad(
        "held/published.geojson", json.dumps({"type": "FeatureCollection", "features": published}),
        "columns_unused", "accepted", role="boundaries",
        summary={"ids": ["F10", "F11"], "names": ["Westland", "Eastland"]}, options=Options(constants={"level": "district"}),
    )  # fmt: skip


def files_held(m: Maker) -> None:
    """Matrices, buildings as places, feature sets, geodatabases, workbooks of older programs."""
    m.good(
        "held/matrix.csv", "origin_id,A1,A2,A3\nO1,80,0,12\nO2,,40,\n",
        {"count": 3, "origin_id": ["O1", "O1", "O2"], "site_id": ["A1", "A3", "A2"], "households_sum": 132.0},
        role="flows", codes="flows_from_matrix",
    )  # fmt: skip
    ring = [[75.99, 39.47], [75.992, 39.47], [75.992, 39.472], [75.99, 39.472], [75.99, 39.47]]
    features = [
        {
            "type": "Feature",
            "properties": {"place_id": i, "name": n, "kind": "school"},
            "geometry": g,
        }
        for i, n, g in (
            ("1", "School", {"type": "Polygon", "coordinates": [ring]}),
            ("2", "Other school", {"type": "Point", "coordinates": [76.1, 39.5]}),
        )
    ]
    m.good(
        "held/buildings.geojson", json.dumps({"type": "FeatureCollection", "features": features}),
        {"count": 2, "ids": ["1", "2"]}, role="places", codes="place_from_area",
    )  # fmt: skip
    served = {
        "geometryType": "esriGeometryPoint", "spatialReference": {"wkid": 4326},
        "fields": [{"name": n, "type": f"esriFieldType{t}"} for n, t in (("site_id", "String"), ("name", "String"))],
        "features": [
            {"attributes": {"site_id": i, "name": n}, "geometry": {"x": x, "y": y}}
            for i, n, x, y in zip(IDS, NAMES, LON, LAT, strict=True)
        ],
    }  # fmt: skip
    m.good("held/served.json", json.dumps(served), NEAR)
    frame = gpd.GeoDataFrame(
        {"site_id": IDS, "name": NAMES}, geometry=gpd.points_from_xy(LON, LAT), crs=4326
    )
    base = m.file("held/base.gdb")
    pyogrio.write_dataframe(frame, base, driver="OpenFileGDB", layer="sites")
    m.good("held/base.gdb", None, NEAR)
    packed = m.file("held/base.zip")
    with zipfile.ZipFile(packed, "w") as archive:
        for part in sorted(base.iterdir()):
            archive.write(part, f"data/base.gdb/{part.name}")
    m.good("held/base.zip", None, NEAR)
    m.bad("held/cut_in_a_letter.csv", rows(name=[*NAMES[:4], "丝路"]).replace(",76.4102,39.5517,54\n", "").encode()[:-1], "row_cut", "quarantined",
          summary={"count": 4, "names": NAMES[:4]})  # fmt: skip
    m.good(
        "held/unit_column.csv",
        _table("development_id,kind,area,unit,wkt", ["P1", "P2"], ["orchard"] * 2, [150, 12], ["mu", "ha"],
               ['"POLYGON ((76 39, 76.0036 39, 76.0036 39.0029, 76 39.0029, 76 39))"',
                '"POLYGON ((76.1 39, 76.1039 39, 76.1039 39.0032, 76.1 39.0032, 76.1 39))"']),
        {"count": 2}, role="development", codes="unit_converted",
    )  # fmt: skip
    grid = "ncols 3\nnrows 2\nxllcorner 76\nyllcorner 39\ncellsize 0.1\nNODATA_value -9999\n1200 1210 1220\n1230 1240 1250\n"
    m.good(
        "held/heights.asc",
        grid,
        {"min": 1200.0, "max": 1250.0, "size": [3, 2]},
        role="dem",
        crs="EPSG:4326",
    )
    m.bad(
        "held/elsewhere.vrt",
        '<VRTDataset rasterXSize="1" rasterYSize="1"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        '<SourceFilename relativeToVRT="0">/etc/hosts</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>',
        "file_refused", role="dem",
    )  # fmt: skip


GROUPS = ("headers_held", "positions_held", "books_held", "choices_held", "files_held")
