"""Files that are broken, and files that are odd but right, made by a script so that none lies in
the repository.

`make(folder)` writes them all and returns a `Case` for each: how to check it, and what must come of
it. Run `python tests/corpus.py DIR` to look at them.
"""

# ruff: noqa: RUF001  (look-alike characters are what is tested)

from __future__ import annotations

import io
import json
import math
import re
import sqlite3
import sys
import warnings
import zipfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import corpus_held
import corpus_odd
import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import rasterio
import shapely
from affine import Affine

from geosettle.crs import from_wgs84

REGION = (73.0, 34.25, 85.6, 42.0)
IDS = ["S1", "S2", "S3"]
NAMES = ["Akto New Village", "Barin", "丝路佳苑"]
LON = [76.0638, 75.9308, 76.1797]
LAT = [39.1291, 39.1353, 39.7084]
HOUSEHOLDS = [1660, 120, 45]


@dataclass(frozen=True)
class Case:
    """A file, how to check it, and what must come of it."""

    path: Path
    role: str | None = "sites"
    status: str = "accepted"
    codes: frozenset[str] = frozenset()
    summary: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.path.parent.name}/{self.path.name}"


GOOD = {
    "count": 3,
    "ids": IDS,
    "lon": LON,
    "lat": LAT,
    "names": NAMES,
    "households_sum": 1825.0,
    "households_missing": 0,
}
"""What must be understood of the three sites, however they are written."""


def rows(**columns: list[Any]) -> str:
    """CSV of the three sites, with some columns changed (a column of None is left out)."""
    table = {
        "site_id": IDS,
        "name": NAMES,
        "lon": LON,
        "lat": LAT,
        "households": HOUSEHOLDS,
    } | columns
    table = {k: v for k, v in table.items() if v is not None}
    return (
        "\n".join(
            [",".join(table), *(",".join(map(str, r)) for r in zip(*table.values(), strict=True))]
        )
        + "\n"
    )


def frame() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"site_id": IDS, "name": NAMES, "households": HOUSEHOLDS},
        geometry=gpd.points_from_xy(LON, LAT), crs=4326,
    )  # fmt: skip


class Maker:
    """Writes files into a folder and remembers what must come of each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cases: list[Case] = []

    def file(self, name: str, content: bytes | str | None = None) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is not None:
            path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return path

    def good(
        self,
        name: str,
        content: bytes | str | None = None,
        summary: dict[str, Any] | None = None,
        **kw: Any,
    ) -> None:
        self.case(name, content, summary=GOOD if summary is None else summary, **kw)

    def case(
        self, name: str, content: bytes | str | None = None, *, codes: str = "", role: str | None = "sites",
        status: str = "accepted", summary: dict[str, Any] | None = None, **options: Any,
    ) -> None:  # fmt: skip
        path = self.file(name, content)
        self.cases.append(
            Case(path, role, status, frozenset(codes.split()), summary or {}, options)
        )

    def bad(
        self,
        name: str,
        content: bytes | str | None,
        codes: str,
        status: str = "rejected",
        **kw: Any,
    ) -> None:
        self.case(name, content, codes=codes, status=status, **kw)


def make(folder: Path, groups: Sequence[str] | None = None) -> list[Case]:
    """Write the files of some groups, or of all; what must come of each."""
    maker = Maker(folder)
    for name in groups or GROUPS:
        (globals().get(name) or getattr(corpus_odd, name, None) or getattr(corpus_held, name))(
            maker
        )
    return maker.cases


GROUPS = (
    "tables_good", "tables_bad", "columns", "identities", "cells", "positions", "systems", "shapes", "workbooks",
    "vectors_good", "vectors_bad", "archives", "layers", "rasters_good", "rasters_bad", "studies",
    "tables_odd", "tables_broken", "books_odd", "layers_odd", "rasters_odd", *corpus_held.GROUPS,
)  # fmt: skip


# --- text tables
# -------------------------------------------------------------------------------------------------------


def tables_good(m: Maker) -> None:  # noqa: PLR0915  (one line for each file)
    base = rows()
    m.good("tables/plain.csv", base)
    m.good("tables/guessed.csv", base, role=None, codes="role_guessed")
    m.good("tables/bom.csv", b"\xef\xbb\xbf" + base.encode())
    m.good("tables/utf16.csv", base.encode("utf-16"))
    m.good("tables/utf16le_without_mark.csv", base.encode("utf-16-le"))
    m.good("tables/gb18030.csv", base.encode("gb18030"))
    m.good("tables/gbk_stated.csv", base.encode("gbk"), encoding="gbk")
    m.good(
        "tables/big5.csv",
        rows(name=["絲路佳苑", "巴仁鄉", "阿克陶縣"]).encode("big5"),
        {**GOOD, "names": ["絲路佳苑", "巴仁鄉", "阿克陶縣"]},
        codes="encoding_guessed",
    )
    m.good(
        "tables/cp1251.csv",
        rows(name=["Кашгар", "Хотан", "Артуш"]).encode("cp1251"),
        {**GOOD, "names": ["Кашгар", "Хотан", "Артуш"]},
        codes="encoding_guessed",
    )
    m.good(
        "tables/gbk_rare.csv",
        rows(name=["伽师县", "Barin", "a"]).encode("gbk"),
        {**GOOD, "names": ["伽师县", "Barin", "a"]},
    )
    m.good("tables/crlf.csv", base.replace("\n", "\r\n"))
    m.good("tables/cr.csv", base.replace("\n", "\r"))
    m.good("tables/no_last_line_end.csv", base.rstrip("\n"))
    m.good("tables/tab.tsv", base.replace(",", "\t"))
    m.good("tables/tab_in.csv", base.replace(",", "\t"))
    m.good("tables/semicolon.csv", base.replace(",", ";"))
    m.good("tables/pipe.txt", base.replace(",", "|"))
    m.good("tables/sep_line.csv", "sep=;\n" + base.replace(",", ";"))
    m.good(
        "tables/quoted.csv",
        "\n".join(",".join(f'"{c}"' for c in line.split(",")) for line in base.splitlines()),
    )
    m.good("tables/blank_lines.csv", base.replace("\n", "\n\n") + ",,,,\n\n")
    m.good(
        "tables/title_above.csv",
        "Settlement sites of 2019,,,,\nsource: office,,,,\n" + base,
        codes="header_below_title",
    )
    m.good("tables/extra_columns.csv", rows(remark=["a", "b", "c"], colour=["red", "", "blue"]))
    m.good(
        "tables/decimal_comma.csv",
        rows(
            lon=[str(v).replace(".", ",") for v in LON], lat=[str(v).replace(".", ",") for v in LAT]
        )
        .replace(",", ";")
        .replace(*_back(LON + LAT))
        if False
        else "site_id;name;lon;lat;households\n"
        + "\n".join(
            f"{i};{n};{str(x).replace('.', ',')};{str(y).replace('.', ',')};{h}"
            for i, n, x, y, h in zip(IDS, NAMES, LON, LAT, HOUSEHOLDS, strict=True)
        ),
    )
    m.good(
        "tables/thousands_point.csv",
        "site_id;name;lon;lat;households\nS1;Akto New Village;76,0638;39,1291;1.660\n"
        "S2;Barin;75,9308;39,1353;120\nS3;丝路佳苑;76,1797;39,7084;45\n",
    )
    m.good("tables/thousands_comma.csv", rows(households=['"1,660"', 120, 45]))
    m.good("tables/thousands_space.csv", rows(households=["1 660", 120, 45]))
    m.good("tables/thousands_nbsp.csv", rows(households=["1\u00a0660", "120", "45"]))
    m.good("tables/thousands_apostrophe.csv", rows(households=["1'660", 120, 45]))
    m.good(
        "tables/full_width.csv",
        rows(
            lon=["７６．０６３８", "７５．９３０８", "７６．１７９７"],
            households=["１６６０", "１２０", "４５"],
        ),
    )
    m.good(
        "tables/dms.csv",
        rows(
            lon=["76°03'49.68\"E", "75°55'50.88\"E", "76°10'46.92\"E"],
            lat=["39°07'44.76\"N", "39°08'07.08\"N", "39°42'30.24\"N"],
        )
        .replace('"E', '""E"')
        .replace('"N', '""N"')
        .replace("76°0", '"76°0')
        .replace("75°5", '"75°5')
        .replace("76°1", '"76°1')
        .replace("39°", '"39°'),
    )
    m.good(
        "tables/dms_chinese.csv",
        rows(
            lon=["东经76度3分49.68秒", "东经75度55分50.88秒", "东经76度10分46.92秒"],
            lat=["北纬39度7分44.76秒", "北纬39度8分7.08秒", "北纬39度42分30.24秒"],
        ),
    )
    m.good(
        "tables/dms_prime.csv",
        rows(
            lon=["76°3′49.68″", "75°55′50.88″", "76°10′46.92″"],
            lat=["39°7′44.76″", "39°8′7.08″", "39°42′30.24″"],
        ),
    )
    m.good("tables/degree_sign.csv", rows(lon=[f"{v}°E" for v in LON], lat=[f"{v}°N" for v in LAT]))
    m.good("tables/letters.csv", rows(lon=[f"E{v}" for v in LON], lat=[f"N{v}" for v in LAT]))
    m.good("tables/unit_in_cells.csv", rows(households=["1660户", "120 户", "45 households"]))
    m.good(
        "tables/pandas_index.csv",
        "\n".join(f"{'' if n == 0 else n},{line}" for n, line in enumerate(base.splitlines())),
    )
    m.good("tables/trailing_delimiter.csv", base.replace("\n", ",\n"))
    m.good("tables/two_line_cell.csv", rows(remark=['"a\nb"', "c", '"d, ""e"""']))
    m.good(
        "tables/minutes_only.csv",
        rows(
            lon=["76°3.828'E", "75°55.848'E", "76°10.782'E"],
            lat=["N39°7.746'", "N39°8.118'", "N39°42.504'"],
        ),
    )
    m.good(
        "tables/colons.csv",
        rows(
            lon=["76:03:49.68", "75:55:50.88", "76:10:46.92"],
            lat=["39 07 44.76 N", "39 08 07.08 N", "39 42 30.24 N"],
        ),
    )
    m.good("tables/exponent.csv", rows(lon=["7.60638E+01", "7.59308e1", "76.1797"]))
    m.good("tables/plus_sign.csv", rows(lon=[f"+{v}" for v in LON]))
    m.good("tables/spaces_around.csv", base.replace(",", " , "))
    m.good(
        "tables/chinese_headers.csv",
        base.replace("site_id,name,lon,lat,households", "编号,名称,经度,纬度,户数"),
    )
    m.good(
        "tables/aliases.csv",
        base.replace("site_id,name,lon,lat,households", "ID,Site Name,Longitude,LATITUDE,HH"),
    )
    m.good("tables/xy.csv", base.replace("lon,lat", "X,Y"))
    m.good(
        "tables/units_in_header.csv",
        base.replace("lon,lat,households", "经度(°),纬度(°),households (户)"),
    )
    m.good(
        "tables/full_width_header.csv",
        base.replace("site_id,name,lon", "ＳＩＴＥ＿ＩＤ,ｎａｍｅ,ｌｏｎ"),
    )
    m.good(
        "tables/mapped.csv",
        base.replace("site_id", "kennung").replace("name", "ort"),
        columns={"site_id": "kennung", "name": "ort"},
    )
    m.good(
        "tables/households_missing.csv",
        rows(households=[1660, "", "n/a"]),
        {**GOOD, "households_sum": 1660.0, "households_missing": 2},
    )
    m.good(
        "tables/leading_zeros.csv",
        rows(site_id=["007", "08", "0012"]),
        {**GOOD, "ids": ["007", "08", "0012"]},
    )
    m.good(
        "tables/long_ids.csv",
        rows(site_id=["653022103205001", "653022103205002", "9007199254740993"]),
        {**GOOD, "ids": ["653022103205001", "653022103205002", "9007199254740993"]},
    )
    m.good(
        "tables/hostile_names.csv",
        rows(name=["<script>alert(1)</script>", "=1+1", "{{7*7}}"]),
        {**GOOD, "names": ["<script>alert(1)</script>", "=1+1", "{{7*7}}"]},
        codes="text_markup",
    )
    m.good(
        "tables/uyghur.csv",
        rows(name=["ئاقتو ناھىيىسى", "قەشقەر", "خوتەن"]),
        {**GOOD, "names": ["ئاقتو ناھىيىسى", "قەشقەر", "خوتەن"]},
    )
    m.good(
        "tables/name_na.csv",
        rows(name=["NA", "None", "null"]),
        {**GOOD, "names": ["NA", "None", "null"]},
    )
    m.good(
        "tables/one_row.csv",
        "site_id,name,lon,lat\nS1,Barin,76.0638,39.1291\n",
        {"count": 1, "lon": [76.0638]},
    )
    m.good(
        "tables/wkt.csv",
        "site_id;name;households;wkt\n"
        + "\n".join(
            f"{i};{n};{h};POINT ({x} {y})"
            for i, n, x, y, h in zip(IDS, NAMES, LON, LAT, HOUSEHOLDS, strict=True)
        ),
    )
    m.good(
        "tables/ewkt.csv",
        "site_id;name;households;geom\n"
        + "\n".join(
            f"{i};{n};{h};SRID=4326;POINT ({x} {y})".replace("4326;P", "4326,P")
            if False
            else f'{i};{n};{h};"SRID=4326;POINT ({x} {y})"'
            for i, n, x, y, h in zip(IDS, NAMES, LON, LAT, HOUSEHOLDS, strict=True)
        ),
    )
    m.good(
        "tables/elsewhere.csv",
        "site_id,name,lon,lat\nP1,Puno,-70.02,-15.84\nP2,Juliaca,-70.13,-15.5\n",
        {"lon": [-70.02, -70.13], "lat": [-15.84, -15.5]},
    )
    m.good(
        "tables/fiji.csv",
        "site_id,name,lon,lat\nF1,Suva,178.44,-18.14\nF2,Taveuni,-179.9,-16.85\nF3,Labasa,179.38,-16.43\nF4,Lau,-178.8,-18.2\n",
        {"lon": [178.44, -179.9, 179.38, -178.8]},
    )
    m.good(
        "tables/equator.csv",
        "site_id,name,lon,lat\nK1,Nanyuki,37.07,0.01\nK2,Meru,37.65,0.05\nK3,Embu,37.46,-0.53\n",
        {"lat": [0.01, 0.05, -0.53]},
    )
    m.good(
        "tables/svalbard.csv",
        "site_id,name,lon,lat\nL1,Longyearbyen,15.65,78.22\n",
        {"lat": [78.22]},
    )
    m.good(
        "tables/count_360.csv",
        "site_id,name,lon,lat\nP1,Puno,289.98,-15.84\nP2,Juliaca,289.87,-15.5\n",
        {"lon": [-70.02, -70.13]},
        codes="longitude_wrapped",
    )
    m.good(
        "tables/unknown_positions.csv",
        rows(lon=[LON[0], "", LON[2]], lat=[LAT[0], "", LAT[2]]),
        {**GOOD, "lon": [LON[0], None, LON[2]], "lat": [LAT[0], None, LAT[2]]},
        codes="position_unknown",
    )
    m.good(
        "tables/gcj02.csv",
        rows(
            lon=[round(float(v), 9) for v in from_wgs84(LON, LAT, "gcj02")[0]],
            lat=[round(float(v), 9) for v in from_wgs84(LON, LAT, "gcj02")[1]],
        ),
        datum="gcj02",
        codes="datum_converted",
    )
    m.good(
        "tables/bd09.csv",
        rows(
            lon=[round(float(v), 9) for v in from_wgs84(LON, LAT, "bd09")[0]],
            lat=[round(float(v), 9) for v in from_wgs84(LON, LAT, "bd09")[1]],
        ),
        datum="bd09",
        codes="datum_converted",
    )
    x, y = (np.round(v, 3).tolist() for v in _utm(LON, LAT))
    m.good("tables/utm_stated.csv", rows(lon=x, lat=y), crs="EPSG:32643", codes="crs_converted")
    m.good(
        "tables/utm_named_easting.csv",
        rows(lon=x, lat=y).replace("lon,lat", "easting,northing"),
        crs="EPSG:32643",
    )
    m.good("tables/in_region.csv", base, region=REGION)
    m.good(
        "tables/year_forms.csv",
        rows(year=["2019", "2019年", "2017-2019"]),
        codes="year_read_from_text",
    )
    m.good(
        "tables/cp1252.csv",
        rows(name=["Río Grande", "Dösé", "Barin é"]).encode("cp1252"),
        {**GOOD, "names": ["Río Grande", "Dösé", "Barin é"]},
        codes="encoding_guessed",
    )


def _utm(lon: list[float], lat: list[float]) -> tuple[np.ndarray, np.ndarray]:
    points = gpd.GeoSeries(gpd.points_from_xy(lon, lat), crs=4326).to_crs(32643)
    return points.x.to_numpy(), points.y.to_numpy()


def _back(_: Any) -> tuple[str, str]:
    return "", ""


def tables_bad(m: Maker) -> None:
    m.bad("tables/empty.csv", b"", "file_unreadable")
    m.bad("tables/header_only.csv", "site_id,name,lon,lat\n", "table_empty")
    m.bad("tables/blank.csv", "\n\n\n", "file_unreadable")
    m.bad("tables/binary.csv", bytes(range(256)) * 20, "file_unreadable")
    m.bad("tables/picture.csv", b"\x89PNG\r\n\x1a\n" + bytes(2000), "file_unreadable")
    m.bad("tables/web_page.csv", "<!DOCTYPE html><html><body>login</body></html>", "file_refused")
    m.bad("tables/missing.csv", None, "file_missing")
    m.bad(
        "tables/wrong_encoding.csv", rows().encode("gb18030"), "file_unreadable", encoding="utf-8"
    )
    m.bad(
        "tables/quotes.csv",
        'site_id,name,lon,lat\nS1,"Barin,76.1,39.1\nS2,x,76.2,39.2\n',
        "quotes_kept",
        "accepted",
    )
    m.bad(
        "tables/too_long.csv",
        "site_id,name,lon,lat\nS1,Barin, Akto,76.1,39.1\nS2,x,76.2,39.2\n",
        "row_too_long",
        "quarantined",
    )
    m.bad(
        "tables/too_short.csv",
        "site_id,name,lon,lat,source\nS1,Barin,76.1,39.1\nS2,x,76.2,39.2,b\n",
        "row_too_short",
        "accepted",
    )
    m.bad(
        "tables/cut.csv",
        "site_id,name,lon,lat,source\nS1,Barin,76.1,39.1,a\nS2,x,76.",
        "row_cut",
        "quarantined",
    )
    m.bad("tables/damaged.csv", rows(name=["Ak\ufffdto", "b", "c"]), "text_damaged", "accepted")
    m.bad(
        "tables/mojibake.csv",
        rows(name=["阿克陶".encode().decode("latin-1"), "b", "c"]),
        "text_damaged",
        "accepted",
    )
    m.bad("tables/legacy.xls", b"\xd0\xcf\x11\xe0" + bytes(600), "file_refused")
    m.bad("tables/no_extension", rows(), "file_refused")


def columns(m: Maker) -> None:
    m.good(
        "columns/no_id.csv",
        rows().replace("site_id", "zzz"),
        {**GOOD, "ids": NAMES},
        codes="id_from_name",
    )
    m.good("columns/no_name.csv", rows(name=None), {**GOOD, "names": IDS}, codes="name_from_id")
    m.bad("columns/no_id_no_name.csv", rows(name=None, lon=None, site_id=None), "column_missing")
    m.bad("columns/no_position.csv", rows(lon=None, lat=None), "column_missing")
    m.bad("columns/no_lat.csv", rows(lat=None), "column_missing")
    m.bad(
        "columns/repeated.csv", rows().replace("households", "lon"), "column_repeated", "accepted"
    )
    m.bad(
        "columns/unclear.csv",
        rows(lon=None, longitude=LON, 经度=[75.1, 75.2, 75.3]),
        "column_unclear",
        "accepted",
    )
    m.bad(
        "columns/two_ids.csv",
        rows(编号=["a", "b", "c"]).replace("site_id,", "id,"),
        "column_unclear",
        "accepted",
    )
    m.bad(
        "columns/same_twice.csv",
        rows(**{"Lon ": [75.1, 75.2, 75.3]}),
        "column_repeated",
        "accepted",
    )
    m.bad("columns/map_unknown.csv", rows(), "map_unknown", columns={"site_id": "nowhere"})
    m.bad(
        "columns/id_card.csv",
        rows(no=["653022198001011234", "653022198501011234", "65302219900101123X"]),
        "personal_data",
    )
    m.bad(
        "columns/phone.csv",
        rows(line=["13812345678", "13912345678", "15812345678"]),
        "personal_data",
    )
    m.bad(
        "columns/contact.csv",
        rows(contact=["13812345678", "13912345678", "15812345678"]),
        "contact_left_out",
        "accepted",
    )
    m.bad("columns/limit.csv", rows(households=["<5", "14", "21"]), "number_limit", "accepted")
    m.bad("columns/person.csv", rows(户主姓名=["甲", "乙", "丙"]), "personal_data")
    m.bad(
        "columns/unit_unknown.csv",
        rows().replace("households", "households (dozen)"),
        "unit_unknown",
        "accepted",
    )
    m.case(
        "columns/metres.csv",
        "origin_id,site_id,declared_km (m)\nO1,S1,160000\n",
        codes="unit_converted",
        role="flows",
    )
    m.bad("columns/role.csv", rows(), "layer_unknown", role="settlements")


def identities(m: Maker) -> None:
    m.bad("ids/missing.csv", rows(site_id=["S1", "", "S3"]), "id_missing", "quarantined")
    m.bad("ids/twice.csv", rows(site_id=["S1", "S1", "S3"]), "id_duplicate", "quarantined")
    m.bad("ids/all_twice.csv", rows(site_id=["S1", "S1", "S1"]), "id_duplicate")
    m.bad("ids/space.csv", rows(site_id=["S1", "S 1", "S3"]), "id_near_duplicate", "accepted")
    m.bad("ids/case.csv", rows(site_id=["S1", "s1", "S3"]), "id_near_duplicate", "accepted")
    m.bad("ids/width.csv", rows(site_id=["S1", "Ｓ１", "S3"]), "id_near_duplicate", "accepted")
    m.bad(
        "ids/zero_width.csv",
        rows(site_id=["S1", "S\u200b1", "S3"]),
        "id_duplicate id_cleaned",
        "quarantined",
    )
    m.bad("ids/around.csv", rows(site_id=["S1", " S1 ", "S3"]), "id_duplicate", "quarantined")
    m.bad(
        "ids/scientific.csv",
        rows(site_id=["6.53022E+11", "6.53023E+11", "S3"]),
        "id_scientific",
        "quarantined",
    )
    m.bad("ids/excel_error.csv", rows(site_id=["#N/A", "S2", "S3"]), "excel_error", "quarantined")
    m.bad(
        "ids/copy.csv",
        rows() + "S1,Akto New Village,76.0638,39.1291,1660\n",
        "row_repeated",
        "quarantined",
        summary={"count": 3, "households_sum": 1825.0},
    )
    m.bad(
        "ids/total.csv",
        rows() + "合计,,,,1825\n",
        "row_total",
        "quarantined",
        summary={"households_sum": 1825.0},
    )
    m.bad(
        "ids/names.csv",
        rows(name=["Barin", "barin ", "c"], lon=[76.0, 76.001, 76.2], lat=[39.0, 39.0, 39.2]),
        "name_duplicate",
        "accepted",
    )
    m.bad("ids/name_missing.csv", rows(name=["a", "", "c"]), "value_missing", "quarantined")
    m.bad("ids/bidi.csv", rows(name=["a\u202eb", "b", "c"]), "text_bidi", "accepted")


def cells(m: Maker) -> None:
    for name, value, code in (
        ("ref", "#REF!", "excel_error"), ("na", "#N/A", "excel_error"), ("hashes", "#####", "excel_error"),
        ("date", "5月3日", "date_in_number"), ("date2", "3-May", "date_in_number"), ("date3", "2019-05-03", "date_in_number"),
        ("words", "about 50", "number_unreadable"), ("range", "40-50", "number_unreadable"), ("letter_o", "12O", "number_unreadable"),
        ("negative", "-5", "number_out_of_range"), ("ambiguous", "1.660", "number_ambiguous"), ("infinite", "inf", "number_unreadable"),
        ("two_marks", "1.2.3", "number_unreadable"),
    ):  # fmt: skip
        m.bad(
            f"cells/{name}.csv",
            rows(households=[value, 120, 45]),
            code,
            "accepted",
            summary={"households_sum": 165.0},
        )
    m.bad("cells/fraction.csv", rows(households=["12.5", 120, 45]), "number_not_whole", "accepted")
    m.bad(
        "cells/land_ambiguous.csv",
        'origin_id,name,lon,lat,land_ha\nO1,a,76,39,"1,234"\n',
        "number_ambiguous",
        "accepted",
        role="origins",
    )
    m.bad("cells/year.csv", rows(year=[43586, 2019, 2018]), "number_out_of_range", "accepted")
    m.bad(
        "cells/uncertainty.csv",
        rows(uncertainty_km=[5000, 1, 2]),
        "number_out_of_range",
        "quarantined",
    )
    m.bad(
        "cells/uncertainty_metres.csv",
        rows(uncertainty_km=[500, 250, 800]),
        "unit_suspected",
        "accepted",
    )
    m.bad(
        "cells/persons.csv", rows(persons=[100, 500, 180]), "households_exceed_persons", "accepted"
    )
    m.bad("cells/household_size.csv", rows(persons=[99000, 500, 180]), "household_size", "accepted")


def positions(m: Maker) -> None:
    m.bad("positions/swapped.csv", rows(lon=LAT, lat=LON), "coordinates_swapped")
    m.bad(
        "positions/swapped_region.csv", rows(lon=LAT, lat=LON), "coordinates_swapped", region=REGION
    )
    m.bad(
        "positions/one_swapped.csv",
        rows(lon=[LAT[0], *LON[1:]], lat=[LON[0], *LAT[1:]]),
        "coordinates_swapped",
        "quarantined",
    )
    m.bad(
        "positions/swapped_china.csv",
        "site_id,name,lon,lat\nS1,a,30.5,114.3\nS2,b,31.2,121.4\n",
        "coordinates_swapped",
    )
    m.bad("positions/equal.csv", rows(lon=[LAT[0], *LON[1:]]), "coordinates_equal", "quarantined")
    m.bad(
        "positions/zero.csv",
        rows(lon=[0, *LON[1:]], lat=[0, *LAT[1:]]),
        "position_zero",
        "quarantined",
    )
    m.bad("positions/zero_lat.csv", rows(lat=[0, *LAT[1:]]), "position_zero", "quarantined")
    m.bad("positions/zeros.csv", rows(lon=[0, 0, 0], lat=[0, 0, 0]), "position_zero")
    m.bad("positions/zero_lats.csv", rows(lat=[0, 0, 0]), "position_zero")
    m.bad("positions/half.csv", rows(lat=["", *LAT[1:]]), "position_half", "quarantined")
    m.bad(
        "positions/metres.csv",
        rows(
            lon=np.round(_utm(LON, LAT)[0], 1).tolist(), lat=np.round(_utm(LON, LAT)[1], 1).tolist()
        ),
        "crs_missing",
    )
    m.bad(
        "positions/one_metres.csv",
        rows(
            lon=[round(_utm(LON, LAT)[0][0], 1), *LON[1:]],
            lat=[round(_utm(LON, LAT)[1][0], 1), *LAT[1:]],
        ),
        "coordinates_metres",
        "quarantined",
    )
    m.bad(
        "positions/radians.csv",
        rows(
            lon=[round(math.radians(v), 6) for v in LON],
            lat=[round(math.radians(v), 6) for v in LAT],
        ),
        "coordinates_radians",
    )
    m.bad(
        "positions/radians_region.csv",
        rows(
            lon=[round(math.radians(v), 6) for v in LON],
            lat=[round(math.radians(v), 6) for v in LAT],
        ),
        "coordinates_radians",
        region=REGION,
    )
    m.bad(
        "positions/outside.csv",
        rows(lon=[116.4, *LON[1:]]),
        "outside_region",
        "quarantined",
        region=REGION,
    )
    m.bad(
        "positions/far.csv",
        rows(lon=[116.4, *LON[1:]], site_id=["S1", "S2", "S3"]) + "S4,d,76.3,39.2,5\n",
        "far_from_others",
        "accepted",
    )
    m.bad(
        "positions/west.csv",
        rows(lon=[-LON[0], *LON[1:]]) + "S4,d,76.3,39.2,5\n",
        "hemisphere_contradicts",
        "quarantined",
    )
    m.bad(
        "positions/south.csv",
        rows(lat=[-LAT[0], *LAT[1:]]),
        "hemisphere_contradicts",
        "quarantined",
        region=REGION,
    )
    m.bad(
        "positions/letter.csv", rows(lon=["76.0638N", *LON[1:]]), "hemisphere_axis", "quarantined"
    )
    m.bad(
        "positions/sign_and_letter.csv",
        rows(lon=["-76.0638W", *LON[1:]]),
        "hemisphere_contradicts",
        "quarantined",
    )
    m.bad(
        "positions/lost_mark.csv",
        rows(lon=[760638, *LON[1:]]),
        "coordinate_scaled",
        "quarantined",
        region=REGION,
    )
    m.bad(
        "positions/unreadable.csv",
        rows(lon=["near Akto", *LON[1:]]),
        "coordinate_unreadable",
        "quarantined",
    )
    m.bad(
        "positions/minutes.csv",
        rows(lon=['76°73\'12""E'[:8] + "E", *LON[1:]]),
        "coordinate_unreadable",
        "quarantined",
    )
    m.bad(
        "positions/beyond.csv", rows(lat=[95.5, *LAT[1:]]), "coordinate_out_of_range", "quarantined"
    )
    m.bad(
        "positions/coarse.csv",
        rows(lon=[76, *LON[1:]], lat=[39, *LAT[1:]]),
        "coordinate_coarse",
        "accepted",
    )
    m.bad(
        "positions/same.csv",
        rows(lon=[LON[0], LON[0], LON[2]], lat=[LAT[0], LAT[0], LAT[2]]),
        "position_duplicate",
        "accepted",
    )
    m.bad(
        "positions/nearly_same.csv",
        rows(lon=[LON[0], LON[0] + 0.0001, LON[2]], lat=[LAT[0], LAT[0], LAT[2]]),
        "position_duplicate",
        "accepted",
    )


def _json(features: list[dict[str, Any]], **more: Any) -> str:
    return json.dumps(
        {"type": "FeatureCollection", **more, "features": features}, ensure_ascii=False
    )


def _feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def _sites(swap: bool = False) -> list[dict[str, Any]]:
    return [
        _feature(
            {"type": "Point", "coordinates": [y, x] if swap else [x, y]},
            site_id=i,
            name=n,
            households=h,
        )
        for i, n, x, y, h in zip(IDS, NAMES, LON, LAT, HOUSEHOLDS, strict=True)
    ]


def systems(m: Maker) -> None:
    f = frame()
    utm = f.to_crs(32643)
    utm.to_file(m.file("systems/no_prj.shp"))
    m.file("systems/no_prj.prj").unlink()
    m.bad("systems/no_prj.shp", None, "crs_missing")
    m.good("systems/no_prj_stated.geojson", _json(_sites()))
    f.to_file(m.file("systems/no_prj_degrees.shp"))
    m.file("systems/no_prj_degrees.prj").unlink()
    m.bad("systems/no_prj_degrees.shp", None, "crs_missing")
    m.good("systems/no_prj_degrees.shp", None, crs="EPSG:4326")
    m.good("systems/no_prj.shp", None, crs="EPSG:32643", codes="crs_converted")
    m.bad(
        "systems/metres_called_degrees.geojson",
        _json(
            [
                _feature({"type": "Point", "coordinates": [x, y]}, site_id=i, name=n)
                for i, n, x, y in zip(IDS, NAMES, *_utm(LON, LAT), strict=True)
            ]
        ),
        "crs_contradicted",
    )
    f.set_crs(32643, allow_override=True).to_file(m.file("systems/degrees_called_metres.gpkg"))
    m.bad("systems/degrees_called_metres.gpkg", None, "crs_contradicted")
    m.bad("systems/axis.geojson", _json(_sites(swap=True)), "crs_axis_order")
    m.bad("systems/unknown.csv", rows(), "crs_unknown", crs="EPSG:999999")
    m.bad("systems/overridden.gpkg", None, "crs_overridden", "accepted", crs="EPSG:4490")
    f.to_file(m.file("systems/overridden.gpkg"))
    m.good(
        "systems/old_crs_member.geojson",
        _json(
            [
                _feature({"type": "Point", "coordinates": [x, y]}, site_id=i, name=n, households=h)
                for i, n, x, y, h in zip(IDS, NAMES, *_utm(LON, LAT), HOUSEHOLDS, strict=True)
            ],
            crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32643"}},
        ),
        codes="crs_converted",
    )
    for code in (32643, 3857, 4490, 4479 if False else 4547, 32644):
        if code == 4547:
            continue
        f.to_crs(code).to_file(m.file(f"systems/epsg_{code}.gpkg"))
        m.good(f"systems/epsg_{code}.gpkg", None)
    m.bad(
        "systems/far_away.csv",
        rows(lon=[8467000, 8452000, 8480000], lat=[4740000, 4741000, 4823000]),
        "crs_contradicted",
        crs="EPSG:32643",
    )


def shapes(m: Maker) -> None:
    def one(
        name: str,
        geometry: Any,
        codes: str,
        status: str = "rejected",
        role: str = "development",
        **kw: Any,
    ) -> None:
        g = (
            geometry
            if isinstance(geometry, dict | None)
            else json.loads(shapely.to_geojson(geometry))
        )
        properties = {
            "development": {"development_id": "D1", "kind": "orchard"},
            "boundaries": {"code": "B1", "name": "b", "level": "county"},
        }.get(role, {"site_id": "S1", "name": "a"})
        m.case(
            f"shapes/{name}.geojson",
            _json([_feature(g, **properties)]),
            codes=codes,
            status=status,
            role=role,
            **kw,
        )

    square = shapely.box(76, 39, 76.1, 39.1)
    one("fine", square, "", "accepted", summary={"count": 1, "geometry_types": {"Polygon": 1}})
    one("hole", shapely.difference(square, shapely.box(76.02, 39.02, 76.03, 39.03)), "", "accepted")
    one(
        "clockwise",
        {
            "type": "Polygon",
            "coordinates": [[[76, 39], [76, 39.1], [76.1, 39.1], [76.1, 39], [76, 39]]],
        },
        "",
        "accepted",
    )
    one(
        "bowtie",
        shapely.Polygon([(76, 39), (76.1, 39.1), (76.1, 39), (76, 39.1)]),
        "geometry_invalid",
    )
    one(
        "hole_outside",
        {
            "type": "Polygon",
            "coordinates": [
                list(map(list, square.exterior.coords)),
                [[77, 39], [77.1, 39], [77.1, 39.1], [77, 39]],
            ],
        },
        "geometry_invalid",
    )
    one(
        "overlapping_parts",
        shapely.MultiPolygon([square, shapely.box(76.05, 39, 76.15, 39.1)]),
        "geometry_invalid",
    )
    one("flat", shapely.Polygon([(76, 39), (76.1, 39), (76.2, 39)]), "geometry_invalid")
    one(
        "spike",
        shapely.Polygon(
            [(76, 39), (76.1, 39), (76.1, 39.1), (76.1, 39.3), (76.1, 39.1), (76, 39.1)]
        ),
        "geometry_mended",
        "accepted",
    )
    one("collection_of_one", shapely.GeometryCollection([square]), "", "accepted")
    one("mixed", shapely.GeometryCollection([square, shapely.Point(76, 39)]), "geometry_mixed")
    one("line", shapely.LineString([(76, 39), (76.1, 39)]), "geometry_type")
    one("empty", {"type": "Polygon", "coordinates": []}, "geometry_empty")
    one("none", None, "position_unknown", "accepted")
    one("none_boundary", None, "geometry_missing", role="boundaries")
    one(
        "unclosed",
        {"type": "Polygon", "coordinates": [[[76, 39], [76.1, 39], [76.1, 39.1], [76, 39.1]]]},
        "geometry_unreadable",
    )
    one(
        "two_points",
        {"type": "Polygon", "coordinates": [[[76, 39], [76.1, 39], [76, 39]]]},
        "geometry_invalid",
    )
    one("text", {"type": "Point", "coordinates": ["76", "39"]}, "geometry_unreadable", role="sites")
    one("null", {"type": "Point", "coordinates": [None, 39]}, "geometry_unreadable", role="sites")
    one("one_number", {"type": "Point", "coordinates": [76]}, "geometry_unreadable", role="sites")
    one("circle", {"type": "Circle", "coordinates": [76, 39]}, "geometry_unreadable", role="sites")
    one(
        "heights",
        {"type": "Point", "coordinates": [76, 39, 1200]},
        "geometry_dropped_z",
        "accepted",
        role="sites",
        summary={"lon": [76.0]},
    )
    one(
        "four",
        {"type": "Point", "coordinates": [76.01, 39.02, 1, 2]},
        "geometry_dropped_z",
        "accepted",
        role="sites",
    )
    one(
        "several_points",
        shapely.MultiPoint([(76, 39), (76.1, 39)]),
        "multipoint_centre",
        "accepted",
        role="sites",
    )
    one(
        "multipoint_of_one",
        shapely.MultiPoint([(76.01, 39.02)]),
        "",
        "accepted",
        role="sites",
        summary={"geometry_types": {"Point": 1}},
    )
    one("site_polygon", square, "", "accepted", role="sites")
    one("tiny", shapely.box(76, 39, 76.000001, 39.000001), "geometry_tiny", "accepted")
    one(
        "antimeridian",
        shapely.box(179, -17, 181, -16),
        "antimeridian",
        "accepted",
        summary={"geometry_types": {"MultiPolygon": 1}},
    )
    one(
        "jump",
        shapely.Polygon([(179, -17), (-179, -17), (-179, -16), (179, -16)]),
        "antimeridian",
        "accepted",
    )
    m.bad(
        "shapes/not_finite.csv",
        "site_id,name,wkt\nS1,a,POINT (nan nan)\nS2,b,POINT (inf 39)\nS3,c,POINT (76 39)\n",
        "geometry_not_finite",
        "quarantined",
    )
    m.bad(
        "shapes/bad_wkt.csv",
        "site_id,name,wkt\nS1,a,POINT 76 39\nS2,b,POINT (76 39)\n",
        "geometry_unreadable",
        "quarantined",
    )
    m.bad(
        "shapes/twice.geojson",
        _json(
            [
                _feature(json.loads(shapely.to_geojson(square)), development_id=i, kind="a")
                for i in "AB"
            ]
        ),
        "geometry_duplicate",
        "accepted",
        role="development",
    )


def _book(table: list[list[Any]], *more: tuple[str, list[list[Any]]], edit: Any = None) -> bytes:
    book = openpyxl.Workbook()
    page = book.active
    page.title = "Sheet1"
    for row in table:
        page.append(row)
    for title, content in more:
        extra = book.create_sheet(title)
        for row in content:
            extra.append(row)
    if edit:
        edit(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def workbooks(m: Maker) -> None:
    head = ["site_id", "name", "lon", "lat", "households"]
    body = [list(r) for r in zip(IDS, NAMES, LON, LAT, HOUSEHOLDS, strict=True)]
    m.good("books/plain.xlsx", _book([head, *body]))
    m.good("books/title.xlsx", _book([["Sites of 2019"], [], head, *body]))
    m.good("books/chinese.xlsx", _book([["编号", "名称", "经度", "纬度", "户数"], *body]))
    m.good("books/second_sheet.xlsx", _book([["notes"], ["made in 2019"]], ("Data", [head, *body])))
    m.good(
        "books/named_sheet.xlsx",
        _book([head, *[[f"X{r[0]}", *r[1:]] for r in body]], ("sites", [head, *body])),
    )
    m.good(
        "books/stated_sheet.xlsx",
        _book([head, *[[f"X{r[0]}", *r[1:]] for r in body]], ("Data", [head, *body])),
        sheet="Data",
    )
    m.good(
        "books/numbers_as_text.xlsx",
        _book([head, *[[r[0], r[1], str(r[2]), str(r[3]), f"{r[4]:,}"] for r in body]]),
    )
    m.good(
        "books/number_ids.xlsx",
        _book([head, *[[n + 7, *r[1:]] for n, r in enumerate(body)]]),
        {**GOOD, "ids": ["7", "8", "9"]},
    )

    def zeros(book: Any) -> None:
        for cell in book.active["A"][1:]:
            cell.number_format = "000"

    m.good(
        "books/shown_zeros.xlsx",
        _book([head, *[[n + 7, *r[1:]] for n, r in enumerate(body)]], edit=zeros),
        {**GOOD, "ids": ["007", "008", "009"]},
    )

    def stray(book: Any) -> None:
        book.active["XFD1048576"] = "."

    m.good("books/stray_cell.xlsx", _book([head, *body], edit=stray)) if False else None
    m.bad("books/two_sheets.xlsx", _book([head, *body], ("Other", [head, *body])), "layer_unclear")
    m.bad("books/no_sheet.xlsx", _book([head, *body]), "layer_unclear", sheet="Nowhere")

    import datetime as dt

    dated = [[*r] for r in body]
    dated[0][4] = dt.datetime(2019, 3, 5)  # noqa: DTZ001  (workbooks know no time zone)
    m.bad("books/date.xlsx", _book([head, *dated]), "date_in_number", "accepted")
    dated = [[*r] for r in body]
    dated[0][0] = dt.datetime(2019, 3, 5)  # noqa: DTZ001  (workbooks know no time zone)
    m.bad("books/date_id.xlsx", _book([head, *dated]), "date_in_number", "quarantined")
    wrong = [[*r] for r in body]
    wrong[0][4] = "#REF!"
    m.bad("books/error.xlsx", _book([head, *wrong]), "excel_error", "accepted")
    formula = [[*r] for r in body]
    formula[0][4] = "=SUM(E3:E4)"
    m.bad("books/formula.xlsx", _book([head, *formula]), "formula_without_value", "accepted")
    m.bad(
        "books/merged.xlsx",
        _book([head, *body], edit=lambda b: b.active.merge_cells("B3:B4")),
        "merged_cells",
        "accepted",
    )
    m.bad("books/nothing.xlsx", _book([[]]), "file_unreadable")
    m.bad("books/text_called.xlsx", rows(), "file_refused")
    plain = _book([head, *body])
    m.bad("books/cut.xlsx", plain[: len(plain) // 2], "file_unreadable")
    m.bad(
        "books/entities.xlsx",
        _replaced(
            plain,
            "xl/worksheets/sheet1.xml",
            lambda t: t.replace(
                b"<worksheet",
                b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><worksheet',
                1,
            ),
        ),
        "file_refused",
    )
    m.bad(
        "books/bomb.xlsx",
        _replaced(plain, "xl/worksheets/sheet1.xml", lambda t: t + b" " * 60_000_000),
        "file_refused",
    )


def _replaced(data: bytes, member: str, change: Any) -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for item in old.infolist():
            content = old.read(item)
            new.writestr(item.filename, change(content) if item.filename == member else content)
    return out.getvalue()


KML = """<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>x</name>
<Folder><name>A</name>{0}<Folder><name>B</name>{1}</Folder></Folder>{2}{extra}</Document></kml>"""


def _kml(extra: str = "") -> str:
    marks = [
        f'<Placemark><name>{n}</name><ExtendedData><Data name="site_id"><value>{i}</value></Data><Data name="households">'
        f"<value>{h}</value></Data></ExtendedData><Point><coordinates>{x},{y},0</coordinates></Point></Placemark>"
        for i, n, x, y, h in zip(IDS, NAMES, LON, LAT, HOUSEHOLDS, strict=True)
    ]
    return KML.format(*marks, extra=extra)


def vectors_good(m: Maker) -> None:
    f = frame()
    m.good("vectors/plain.geojson", _json(_sites()))
    m.good("vectors/bom.geojson", b"\xef\xbb\xbf" + _json(_sites()).encode())
    m.good("vectors/indented.json", json.dumps(json.loads(_json(_sites())), indent=2))
    m.good("vectors/lines.geojsonl", "\n".join(json.dumps(s) for s in _sites()) + "\n")
    m.good("vectors/sequence.geojsons", "".join("\x1e" + json.dumps(s) + "\n" for s in _sites()))
    m.good(
        "vectors/number_ids.geojson",
        _json(
            [
                {**s, "properties": {**s["properties"], "site_id": n + 7}}
                for n, s in enumerate(_sites())
            ]
        ),
        {**GOOD, "ids": ["7", "8", "9"]},
    )
    m.good(
        "vectors/feature_ids.geojson",
        _json(
            [
                {
                    **s,
                    "id": s["properties"]["site_id"],
                    "properties": {
                        "name": s["properties"]["name"],
                        "households": s["properties"]["households"],
                    },
                }
                for s in _sites()
            ]
        ),
    )
    for extension in ("gpkg", "fgb", "shp"):
        f.to_file(
            m.file(f"vectors/plain.{extension}"),
            **({"SPATIAL_INDEX": "NO"} if extension == "fgb" else {}),
        )
        m.good(f"vectors/plain.{extension}", None)
    f.to_parquet(m.file("vectors/plain.parquet"))
    m.good("vectors/plain.parquet", None)
    f.to_file(m.file("vectors/gbk.shp"), encoding="GBK")
    m.good("vectors/gbk.shp", None)
    f.to_file(m.file("vectors/gbk_no_cpg.shp"), encoding="GBK")
    m.file("vectors/gbk_no_cpg.cpg").unlink()
    m.good("vectors/gbk_no_cpg.shp", None)
    f.to_file(m.file("vectors/utf8_no_cpg.shp"), encoding="UTF-8")
    m.file("vectors/utf8_no_cpg.cpg").unlink()
    m.good("vectors/utf8_no_cpg.shp", None)
    f.to_file(m.file("vectors/layers.gpkg"), layer="sites")
    f.iloc[:1].to_file(m.file("vectors/layers.gpkg"), layer="others", mode="a")
    m.good("vectors/layers.gpkg", None)
    m.good("vectors/layers.gpkg", None, {"count": 1}, layer="others")
    m.good("vectors/folders.kml", _kml())
    m.good(
        "vectors/names_only.kml",
        re.sub("<ExtendedData>.*?</ExtendedData>", "", _kml()),
        {"ids": NAMES, "lon": LON},
        codes="id_from_name",
    )
    f.to_parquet(m.file("vectors/arrow.parquet"), geometry_encoding="geoarrow")
    m.good("vectors/arrow.parquet", None)
    m.good(
        "vectors/crs84.geojson",
        _json(
            _sites(), crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
        ),
        {**GOOD, "crs_used": "EPSG:4326"},
    )
    m.good("vectors/feature.geojson", json.dumps(_sites()[0]), {"count": 1, "ids": ["S1"]})
    with zipfile.ZipFile(m.file("vectors/folders.kmz"), "w") as z:
        z.writestr("doc.kml", _kml())
        z.writestr("files/icon.png", b"\x89PNG")
    m.good("vectors/folders.kmz", None)
    with zipfile.ZipFile(m.file("vectors/zipped.zip"), "w") as z:
        for suffix in ("shp", "shx", "dbf", "prj", "cpg"):
            z.write(m.file(f"vectors/gbk.{suffix}"), f"inside/sites.{suffix}")
        z.writestr("inside/readme.pdf", b"%PDF")
        z.writestr("__MACOSX/inside/._sites.shp", b"x")
    m.good("vectors/zipped.zip", None)


def vectors_bad(m: Maker) -> None:  # noqa: PLR0915  (one line for each file)
    f = frame()
    text = _json(_sites())
    m.bad("vectors/cut.geojson", text[: len(text) * 2 // 3], "file_unreadable")
    m.bad("vectors/list.geojson", "[1, 2, 3]", "file_unreadable")
    m.bad("vectors/topology.json", '{"type": "Topology", "objects": {}}', "file_unreadable")
    m.bad("vectors/no_features.geojson", '{"type": "FeatureCollection"}', "file_unreadable")
    m.bad("vectors/empty.geojson", _json([]), "column_missing")
    m.bad("vectors/not_features.geojson", _json([1, 2]), "file_unreadable")
    m.bad(
        "vectors/deep.geojson",
        '{"type":"FeatureCollection","features":' + "[" * 200_000 + "]" * 200_000 + "}",
        "file_unreadable",
    )
    m.bad(
        "vectors/twice.geojson",
        text.replace('"site_id": "S1"', '"site_id": "S1", "site_id": "S9"'),
        "file_unreadable",
    )
    m.bad("vectors/bad_crs.geojson", _json(_sites(), crs={"type": "name"}), "crs_missing")
    vrt = '<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'
    for extension in (
        "geojson",
        "gpkg",
        "shp",
        "fgb",
        "kml",
        "csv",
        "parquet",
        "tif",
        "zip",
        "xlsx",
    ):
        m.bad(
            f"vectors/vrt.{extension}",
            vrt,
            "file_refused",
            role="dem" if extension == "tif" else "sites",
        )
    for extension in ("shp", "fgb", "gpkg", "parquet"):
        path = m.file(f"vectors/cut.{extension}")
        f = pd.concat([frame()] * 200, ignore_index=True)
        f["site_id"] = [f"S{i}" for i in range(len(f))]
        f.to_parquet(path) if extension == "parquet" else f.to_file(path)
        data = path.read_bytes()
        path.write_bytes(data[: len(data) * 2 // 3])
        m.bad(
            f"vectors/cut.{extension}",
            None,
            "count_differs" if extension == "shp" else "file_unreadable",
        )
    frame().to_file(m.file("vectors/short_dbf.shp"))
    dbf = m.file("vectors/short_dbf.dbf")
    dbf.write_bytes(dbf.read_bytes()[:-100])
    m.bad("vectors/short_dbf.shp", None, "count_differs")
    frame().to_file(m.file("vectors/fewer_rows.shp"))
    frame().iloc[:2].drop(columns="geometry")
    frame().iloc[:2].to_file(m.file("vectors/two.shp"))
    m.file("vectors/fewer_rows.dbf").write_bytes(m.file("vectors/two.dbf").read_bytes())
    m.bad("vectors/fewer_rows.shp", None, "count_differs")
    frame().to_file(m.file("vectors/no_dbf.shp"))
    m.file("vectors/no_dbf.dbf").unlink()
    m.bad("vectors/no_dbf.shp", None, "file_unreadable")
    frame().to_file(m.file("vectors/damaged_blob.gpkg"))
    with closing(sqlite3.connect(m.file("vectors/damaged_blob.gpkg"))) as base:
        for (trigger,) in base.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            base.execute(f'DROP TRIGGER "{trigger}"')
        base.execute("UPDATE damaged_blob SET geom = substr(geom, 1, 20) WHERE fid = 2")
        base.commit()
    m.bad("vectors/damaged_blob.gpkg", None, "geometry_unreadable", "quarantined")
    frame().to_file(m.file("vectors/fewer.gpkg"))
    with closing(sqlite3.connect(m.file("vectors/fewer.gpkg"))) as base:
        base.execute("UPDATE gpkg_ogr_contents SET feature_count = 9")
        base.commit()
    m.bad("vectors/fewer.gpkg", None, "count_differs")
    with closing(sqlite3.connect(m.file("vectors/other.gpkg"))) as base:
        base.execute("CREATE TABLE a (b)")
        base.commit()
    m.bad("vectors/other.gpkg", None, "file_unreadable")
    frame().to_file(m.file("vectors/odd_version.gpkg"))
    with closing(sqlite3.connect(m.file("vectors/odd_version.gpkg"))) as base:
        base.execute("PRAGMA application_id = 12345")
        base.commit()
    m.bad("vectors/odd_version.gpkg", None, "reader_warning", "accepted")
    frame().to_file(m.file("vectors/two_layers.gpkg"), layer="a")
    frame().to_file(m.file("vectors/two_layers.gpkg"), layer="b", mode="a")
    m.bad("vectors/two_layers.gpkg", None, "layer_unclear")
    m.bad("vectors/two_layers.gpkg", None, "layer_unclear", layer="c")
    m.bad(
        "vectors/link.kml",
        _kml("<NetworkLink><Link><href>http://example.org/a.kml</href></Link></NetworkLink>"),
        "link_not_followed",
        "accepted",
    )
    bomb = (
        '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">]>'
        + _kml()[38:].replace("<name>x", "<name>&lol2;")
    )
    m.bad("vectors/bomb.kml", bomb, "file_refused")
    m.bad(
        "vectors/outside_entity.kml",
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        + _kml()[38:].replace("<name>x", "<name>&x;"),
        "file_refused",
    )
    m.bad("vectors/cut.kml", _kml()[:-40], "file_unreadable")
    m.bad(
        "vectors/contradiction.geojson",
        _json(
            [
                _feature(
                    {"type": "Point", "coordinates": [76.1, 39.1]},
                    site_id="S1",
                    name="a",
                    lon=75.0,
                    lat=38.0,
                )
            ]
        ),
        "position_contradicts_geometry",
        "accepted",
    )


def _zip(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(path, "w", compression) as z:
        for name, content in members.items():
            z.writestr(name, content)


def archives(m: Maker) -> None:
    csv = rows().encode()
    _zip(m.file("zips/csv.zip"), {"sites.csv": csv})
    m.good("zips/csv.zip", None)
    _zip(m.file("zips/climb.zip"), {"../sites.csv": csv})
    m.bad("zips/climb.zip", None, "file_refused")
    _zip(m.file("zips/root.zip"), {"/tmp/sites.csv": csv})
    m.bad("zips/root.zip", None, "file_refused")
    _zip(m.file("zips/bomb.zip"), {"sites.csv": b" " * 50_000_000})
    m.bad("zips/bomb.zip", None, "file_refused")
    link = zipfile.ZipInfo("sites.csv")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(m.file("zips/link.zip"), "w") as z:
        z.writestr(link, "/etc/passwd")
    m.bad("zips/link.zip", None, "file_refused")
    _zip(m.file("zips/two.zip"), {"a.csv": csv, "b.csv": csv})
    m.bad("zips/two.zip", None, "layer_unclear")
    m.good("zips/two.zip", None, layer="b.csv")
    _zip(m.file("zips/nothing.zip"), {"readme.pdf": b"a"})
    m.bad("zips/nothing.zip", None, "file_unreadable")
    _zip(m.file("zips/nested.zip"), {"a.csv": csv, "b.zip": b"PK"})
    m.bad("zips/nested.zip", None, "file_refused")
    _zip(m.file("zips/crc.zip"), {"sites.csv": csv}, zipfile.ZIP_STORED)
    data = bytearray(m.file("zips/crc.zip").read_bytes())
    at = data.index(b"Barin")
    data[at : at + 5] = b"Barim"
    m.bad("zips/crc.zip", bytes(data), "file_unreadable")
    m.bad("zips/cut.zip", bytes(data)[:100], "file_unreadable")


def layers(m: Maker) -> None:
    m.case(
        "layers/survey.csv",
        "site_id,household,time,material_shed\nS1,h1,before,yes\nS1,h1,2019,no\n",
        codes="time_unknown",
        role="survey",
        status="quarantined",
    )
    """Roles other than sites."""
    m.case(
        "layers/flows.csv",
        "origin_id,site_id,households,year\nO1,S1,10,2018\nO1,S1,5,2019\nO2,S1,,2018\n",
        role="flows",
        summary={"count": 3, "households_sum": 15.0, "households_missing": 1},
    )
    m.bad(
        "layers/flow_twice.csv",
        "origin_id,site_id,households\nO1,S1,10\nO1,S1,5\n",
        "flow_duplicate",
        "accepted",
        role="flows",
    )
    m.bad(
        "layers/declared_metres.csv",
        "origin_id,site_id,declared_km\nO1,S1,160000\nO2,S1,98000\n",
        "unit_suspected",
        "accepted",
        role="flows",
    )
    a, b = shapely.box(76, 39, 76.5, 39.5), shapely.box(76.4, 39, 77, 39.5)
    ring = shapely.difference(shapely.box(76, 39, 77, 40), shapely.box(76.4, 39.4, 76.6, 39.6))
    halves = [
        shapely.intersection(ring, shapely.box(76, 39, 76.5, 40)),
        shapely.intersection(ring, shapely.box(76.5, 39, 77, 40)),
    ]

    def units(
        name: str, shapes_: list[Any], codes: str, status: str = "accepted", **columns_: list[Any]
    ) -> None:
        table = {
            "code": [f"B{n}" for n in range(len(shapes_))],
            "name": [f"u{n}" for n in range(len(shapes_))],
            "level": ["county"] * len(shapes_),
        } | columns_
        m.case(
            f"layers/{name}.geojson",
            _json(
                [
                    _feature(
                        json.loads(shapely.to_geojson(s)), **{k: v[n] for k, v in table.items()}
                    )
                    for n, s in enumerate(shapes_)
                ]
            ),
            codes=codes,
            status=status,
            role="boundaries",
        )

    units("fine", [shapely.box(76, 39, 76.5, 39.5), shapely.box(76.5, 39, 77, 39.5)], "")
    units("overlap", [a, b], "boundaries_overlap")
    units("not_at_one_time", [a, b], "", valid_from=[1990, 2010], valid_to=[2009, 2020])
    units("gap", halves, "boundaries_gap")
    units(
        "strip", [shapely.box(76, 39, 76.5, 40), shapely.box(76.51, 39, 77, 40)], "boundaries_gap"
    )
    units(
        "bare",
        [shapely.box(76, 39, 77, 40), shapely.box(76, 39, 76.5, 40), shapely.box(76.6, 39, 77, 40)],
        "boundaries_gap",
        level=["prefecture", "county", "county"],
        parent_code=[None, "B0", "B0"],
    )
    units("islands", [shapely.box(76, 39, 76.5, 40), shapely.box(76.9, 39, 77, 40)], "")
    units(
        "outside_parent",
        [shapely.box(76, 39, 77, 40), shapely.box(76.5, 39, 78, 39.5)],
        "unit_outside_parent",
        level=["prefecture", "county"],
        parent_code=[None, "B0"],
    )
    units(
        "no_parent",
        [shapely.box(76, 39, 77, 40), shapely.box(76.5, 39, 76.7, 39.5)],
        "parent_missing",
        level=["prefecture", "county"],
        parent_code=[None, "B9"],
    )
    units("reversed", [a], "validity_reversed", "rejected", valid_from=[2010], valid_to=[1990])
    parcel = shapely.box(76, 39, 76.02, 39.02)  # 382.5 ha by area_m2; times 15 is 5,737 mu

    def land(name: str, codes: str, **more: Any) -> None:
        m.case(
            f"layers/{name}.geojson",
            _json(
                [
                    _feature(
                        json.loads(shapely.to_geojson(parcel)),
                        development_id="D1",
                        kind="forage",
                        **more,
                    )
                ]
            ),
            codes=codes,
            role="development",
        )

    land("land_fine", "", declared_ha=380, leased_ha=100)
    land("mu", "unit_suspected", declared_ha=5737)
    land("other_area", "area_differs", declared_ha=900)
    land("leased", "leased_exceeds_declared", declared_ha=380, leased_ha=400)
    m.case(
        "layers/land_mu.csv",
        f'development_id,kind,declared_ha (亩),wkt\nD1,forage,5737,"{parcel.wkt}"\n',
        codes="unit_converted",
        role="development",
    )
    m.bad("layers/roads_no_length.csv", "a,b,class\nP1,P2,main\n", "value_missing", role="roads")
    m.bad("layers/roads_nothing.csv", "x1,x2\nP1,P2\n", "column_missing", role="roads")
    m.case(
        "layers/roads_table.csv", "a,b,length_km\nP1,P2,39.5\n", role="roads", summary={"count": 1}
    )
    m.case(
        "layers/roads.geojson",
        _json(
            [
                _feature(
                    {"type": "LineString", "coordinates": [[76, 39], [76.1, 39.2]]}, speed_kmh=60
                )
            ]
        ),
        role="roads",
    )
    m.case(
        "layers/places.csv",
        "place_id,name,kind,lon,lat,population\nP1,Akto,county_seat,75.95,39.15,\n",
        role="places",
    )
    m.case(
        "layers/indicators.csv",
        "site_id,capital,indicator,before,after,unit\nS1,human,years,5,6,a\n",
        role="indicators",
    )
    m.case("layers/claims.csv", "subject,quantity,value\nS1,households,1660\n", role="claims")
    m.bad("layers/unguessable.csv", "a,b,c\n1,2,3\n", "file_unreadable", role=None)


# --- rasters
# -----------------------------------------------------------------------------------------------------------


def raster(
    path: Path, values: np.ndarray, transform: Affine | None = None, crs: Any = 4326, **profile: Any
) -> None:
    tags = {k: profile.pop(k) for k in ("scales", "offsets", "units") if k in profile}
    mask = profile.pop("mask", None)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(
        path, "w", driver="GTiff", height=values.shape[0], width=values.shape[1], count=1, dtype=values.dtype,
        crs=None if crs is None else rasterio.CRS.from_epsg(crs), transform=transform or Affine(0.5, 0, 76, 0, -0.5, 40), **profile,
    ) as data:  # fmt: skip
        data.write(values, 1)
        for name, value in tags.items():
            setattr(data, name, (value,))
        if mask is not None:
            data.write_mask(mask)


GRID = np.array([[1000.0, 1100.0], [1200.0, 1300.0]], dtype="float32")
"""North-west, north-east; south-west, south-east of a grid from 76 E, 40 N in cells of half a
degree.
"""
FOUR = "id,lon,lat\nnw,76.1,39.9\nne,76.9,39.9\nsw,76.1,39.1\nse,76.9,39.1\n"


def rasters_good(m: Maker) -> None:
    points = m.file("rasters/points.csv", FOUR)
    whole = {
        "size": [2, 2],
        "min": 1000.0,
        "max": 1300.0,
        "nodata_share": 0.0,
        "at": [1000.0, 1100.0, 1200.0, 1300.0],
    }
    less = {
        "min": 1100.0,
        "max": 1300.0,
        "nodata_share": 0.25,
        "at": [None, 1100.0, 1200.0, 1300.0],
    }

    def dem(
        name: str,
        values: np.ndarray = GRID,
        expect: dict[str, Any] = whole,
        codes: str = "",
        **kw: Any,
    ) -> None:
        raster(m.file(f"rasters/{name}.tif"), values, **kw)
        m.case(f"rasters/{name}.tif", None, role="dem", summary=expect, codes=codes, at=points)

    dem("plain")
    dem("int16", GRID.astype("int16"))
    dem("tiled", tiled=True, blockxsize=16, blockysize=16, compress="deflate")
    dem("bigtiff", BIGTIFF="YES")
    dem("south_up", GRID[::-1].copy(), transform=Affine(0.5, 0, 76, 0, 0.5, 39))
    dem("east_west", GRID[:, ::-1].copy(), transform=Affine(-0.5, 0, 77, 0, -0.5, 40))
    dem("cgcs2000", crs=4490)
    gone = GRID.copy()
    for name, value in (
        ("nan", np.nan),
        ("minus_9999", -9999),
        ("minus_32768", -32768),
        ("float_low", -3.4028234663852886e38),
        ("zero", 0),
    ):
        gone[0, 0] = value
        dem(f"nodata_{name}", gone.copy(), less, nodata=value)
    gone[0, 0] = np.nan
    dem("nan_undeclared", gone.copy(), less)
    gone[0, 0] = 3.4028235e38
    dem("high_undeclared", gone.copy(), less, "nodata_undeclared")
    gone[0, 0] = -9999
    dem("minus_9999_undeclared", gone.copy(), less, "nodata_undeclared")
    dem("mask", GRID, less, mask=np.array([[0, 255], [255, 255]], dtype="uint8"))
    dem("scaled", np.array([[100, 110], [120, 130]], dtype="int16"), scales=10.0)
    dem("offset", (GRID - 500).astype("int16"), offsets=500.0)
    raster(m.file("rasters/cover.tif"), np.array([[12, 16], [16, 255]], dtype="uint8"), nodata=255)
    m.case(
        "rasters/cover.tif",
        None,
        role="landcover",
        summary={"classes": {"12": 1, "16": 2}, "nodata_share": 0.25},
    )
    big = np.repeat(np.repeat(GRID, 40, axis=0), 40, axis=1)
    raster(m.file("rasters/utm.tif"), big, Affine(1000, 0, 420000, 0, -1000, 4430000), crs=32643)
    m.case(
        "rasters/utm.tif",
        None,
        role="dem",
        summary={"size": [80, 80], "crs_used": "EPSG:32643", "min": 1000.0, "max": 1300.0},
    )
    m.case(
        "rasters/utm.tif",
        None,
        role="dem",
        summary={"at": [1000.0, 1300.0]},
        at=m.file(
            "rasters/utm_points.csv",
            "id,easting,northing\n".replace("easting,northing", "lon,lat")
            + "".join(
                f"{n},{p.x:.6f},{p.y:.6f}\n"
                for n, p in enumerate(
                    gpd.GeoSeries(
                        gpd.points_from_xy([420500, 499500], [4429500, 4350500]), crs=32643
                    ).to_crs(4326)
                )
            ),
        ),
    )
    turn = Affine(0.01, 0, 76, 0, -0.01, 40) @ Affine.rotation(20)
    raster(m.file("rasters/rotated.tif"), big, turn)
    m.bad("rasters/rotated.tif", None, "raster_rotated", role="dem")


def rasters_bad(m: Maker) -> None:
    raster(m.file("rasters/no_crs.tif"), GRID, crs=None)
    m.bad("rasters/no_crs.tif", None, "crs_missing", role="dem")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(
            m.file("rasters/no_place.tif"),
            "w",
            driver="GTiff",
            height=2,
            width=2,
            count=1,
            dtype="float32",
            crs=4326,
        ) as data:
            data.write(GRID, 1)
    m.bad("rasters/no_place.tif", None, "raster_no_place", role="dem")
    raster(m.file("rasters/nothing.tif"), np.full((2, 2), np.nan, dtype="float32"))
    m.bad("rasters/nothing.tif", None, "raster_empty", role="dem")
    raster(m.file("rasters/constant.tif"), np.full((2, 2), 7, dtype="float32"))
    m.bad("rasters/constant.tif", None, "raster_constant", "accepted", role="dem")
    raster(m.file("rasters/over_180.tif"), GRID, Affine(2, 0, 178, 0, -2, -15))
    m.case(
        "rasters/over_180.tif",
        None,
        role="dem",
        region=(177.0, -20.0, -178.0, -14.0),
        summary={"size": [2, 2]},
    )
    raster(m.file("rasters/feet.tif"), (GRID * 16).astype("float32"))
    m.bad("rasters/feet.tif", None, "unit_suspected", "accepted", role="dem")
    raster(m.file("rasters/low.tif"), np.array([[-20000, 5], [6, 7]], dtype="float32"))
    m.bad("rasters/low.tif", None, "raster_values", "accepted", role="dem")
    raster(m.file("rasters/ndvi.tif"), np.array([[2000, 5000], [6000, 7000]], dtype="int16"))
    m.bad("rasters/ndvi.tif", None, "raster_values", "accepted", role="ndvi")
    raster(m.file("rasters/no_classes.tif"), GRID + 0.5)
    m.bad("rasters/no_classes.tif", None, "raster_classes", "accepted", role="landcover")
    raster(m.file("rasters/cut.tif"), np.random.default_rng(1).random((500, 500)).astype("float32"))
    path = m.file("rasters/cut.tif")
    path.write_bytes(path.read_bytes()[:400_000])
    m.bad("rasters/cut.tif", None, "file_unreadable", role="dem")
    m.bad(
        "rasters/vrt.tif",
        '<VRTDataset rasterXSize="2" rasterYSize="2"></VRTDataset>',
        "file_refused",
        role="dem",
    )
    m.bad("rasters/table.tif", rows(), "file_refused", role="dem")
    raster(
        m.file("rasters/metres_called_degrees.tif"),
        GRID,
        Affine(1000, 0, 420000, 0, -1000, 4430000),
    )
    m.bad("rasters/metres_called_degrees.tif", None, "crs_contradicted", role="dem")
    raster(m.file("rasters/masked_by_vrt.tif"), GRID)
    m.file("rasters/masked_by_vrt.tif.msk", "<VRTDataset/>")
    m.bad("rasters/masked_by_vrt.tif", None, "file_refused", role="dem")
    raster(m.file("rasters/elsewhere.tif"), GRID)
    m.bad(
        "rasters/elsewhere.tif", None, "outside_region", role="dem", region=(10.0, 40.0, 12.0, 42.0)
    )
    with rasterio.open(
        m.file("rasters/bands.tif"),
        "w",
        driver="GTiff",
        height=2,
        width=2,
        count=3,
        dtype="float32",
        crs=4326,
        transform=Affine(0.5, 0, 76, 0, -0.5, 40),
    ) as data:
        data.write(np.stack([GRID] * 3))
    m.bad("rasters/bands.tif", None, "raster_bands", "accepted", role="dem")


# --- studies
# -----------------------------------------------------------------------------------------------------------

ORIGINS = "origin_id,name,lon,lat,uncertainty_km\nO1,Tar,74.9,38.6,5\nO2,Bulungkol,74.99,38.65,5\nO3,Muji,74.4,39.0,5\n"
FLOWS = "origin_id,site_id,households,declared_km\nO1,S1,1000,160\nO2,S1,660,190\nO2,S2,120,\nO3,S3,45,\n"


def studies(m: Maker) -> None:
    def study(name: str, codes: str = "", status: str = "accepted", **files: str | bytes) -> None:
        base = {"sites.csv": rows(), "origins.csv": ORIGINS, "flows.csv": FLOWS} | {
            k.replace("__", "."): v for k, v in files.items()
        }
        for file, content in base.items():
            if content:
                m.file(f"studies/{name}/{file}", content)
        m.case(f"studies/{name}", None, codes=codes, status=status, role=None)

    study("plain")
    study(
        "toml",
        study__toml='[study]\nname = "x"\nregion = [73, 34, 86, 42]\n[layers.sites]\npath = "sites.csv"\n[layers]\norigins = "origins.csv"\n',
    )
    study(
        "bad_setting",
        "setting_unknown",
        "rejected",
        study__toml='[study]\nnmae = "x"\n[layers.sites]\npath = "sites.csv"\n',
    )
    study(
        "bad_type",
        "setting_type",
        "rejected",
        study__toml='[study]\nname = 7\n[layers.sites]\npath = "sites.csv"\n',
    )
    study(
        "bad_layer",
        "layer_unknown",
        "rejected",
        study__toml='[layers.sitez]\npath = "sites.csv"\n[layers.sites]\npath = "sites.csv"\n',
    )
    study(
        "address",
        "file_refused",
        "rejected",
        study__toml='[layers.sites]\npath = "http://example.org/sites.csv"\n',
    )
    study(
        "vsi",
        "file_refused",
        "rejected",
        study__toml='[layers.sites]\npath = "/vsizip/x.zip/sites.csv"\n',
    )
    study("bad_toml", "file_unreadable", "rejected", study__toml="[study\n")
    study(
        "missing_file",
        "file_missing",
        "rejected",
        study__toml='[layers.sites]\npath = "nowhere.csv"\n',
    )
    study(
        "two_faults",
        "column_missing file_missing",
        "rejected",
        study__toml='[layers.sites]\npath = "sites.csv"\n[layers.origins]\npath = "no.csv"\n',
        sites__csv=rows(lat=None),
    )
    study("no_sites", "file_unreadable", "rejected", sites__csv="")
    study("dangling", "reference_unknown", "quarantined", flows__csv=FLOWS + "O9,S1,5,\n")
    study("spelling", "reference_mended", "accepted", flows__csv=FLOWS.replace("O3,S3", "o3 ,S3"))
    study("households", "households_differ", flows__csv=FLOWS.replace("1000", "2000"))
    study("no_flow", "site_without_flow", flows__csv="origin_id,site_id\nO1,S1\nO2,S2\n")
    study("short", "declared_shorter", flows__csv=FLOWS.replace(",160\n", ",60\n"))
    study("metres", "unit_suspected", flows__csv=FLOWS.replace(",160\n", ",160000\n"))
    county = json.dumps(json.loads(shapely.to_geojson(shapely.box(75.5, 38.5, 76.12, 39.5))))
    units = _json(
        [
            _feature(
                json.loads(county),
                code="653022",
                name="Akto",
                level="county",
                name_local="阿克陶县",
            )
        ]
    )
    study(
        "county",
        "outside_declared_unit",
        boundaries__geojson=units,
        sites__csv=rows(county=["Akto County", "阿克陶", "Akto"]),
    )
    study(
        "county_unknown",
        "declared_unit_unknown",
        boundaries__geojson=units,
        sites__csv=rows(county=["Akto County", "Nowhere", ""]),
    )
    beside = json.loads(shapely.to_geojson(shapely.box(77, 38.5, 78, 39.5)))
    two = json.loads(units)["features"]
    two.append(_feature(beside, code="653099", name="Bulung", level="county"))
    study(
        "county_code",
        "declared_code_differs",
        boundaries__geojson=_json(two),
        sites__csv=rows(county=["Akto", "", ""], county_code=["653099", "", ""]),
    )
    study(
        "adm2",
        "column_declares_unit",
        boundaries__geojson=units,
        sites__csv=rows(ADM2_EN=["Akto", "AKTO", ""]),
    )
    study(
        "computed_before",
        "column_renamed",
        boundaries__geojson=units,
        sites__csv=rows(declared_county=["Akto", "", ""], county=["Akto", "Akto", "Akto"]),
    )
    study("scope", "scope_unknown", sites__csv=rows(scope=["study", "urban", ""]))
    x, y = from_wgs84(LON, LAT, "gcj02")
    places = "place_id,name,kind,lon,lat\n" + "\n".join(
        f"P{i},{n},village,{a:.6f},{b:.6f}" for i, n, a, b in zip(IDS, NAMES, LON, LAT, strict=True)
    )
    study(
        "shifted",
        "datum_suspected",
        places__csv=places,
        sites__csv=rows(lon=[f"{v:.6f}" for v in x], lat=[f"{v:.6f}" for v in y]),
    )
    x, y = from_wgs84(LON, LAT, "bd09")
    study(
        "shifted_bd09",
        "datum_suspected",
        places__csv=places,
        sites__csv=rows(lon=[f"{v:.6f}" for v in x], lat=[f"{v:.6f}" for v in y]),
    )
    study("not_shifted", places__csv=places)
    study(
        "unused",
        "file_unused",
        notes__csv="a,b\n1,2\n",
        study__toml='[layers]\nsites = "sites.csv"\norigins = "origins.csv"\nflows = "flows.csv"\n',
    )
    study("raster", "raster_coverage")
    raster(m.file("studies/raster/dem.tif"), GRID, Affine(0.05, 0, 76, 0, -0.05, 39.2))


if __name__ == "__main__":
    for case in make(Path(sys.argv[1])):
        print(case.name, case.status, *sorted(case.codes))
