"""What each layer of a study must hold. A new layer is one entry in LAYERS."""

# ruff: noqa: RUF002  (look-alike characters are what is handled here)

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Geometry = Literal["point", "polygon", "line", "none", "raster"]
Kind = Literal["text", "number", "integer", "year", "list"]


@dataclass(frozen=True)
class Column:
    """One column of a layer: its kind, unit, range and the other names users give it."""

    name: str
    kind: Kind = "text"
    required: bool = False
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    aliases: tuple[str, ...] = ()
    meaning: str = ""
    default: str = ""
    """What an empty cell of a text column means; "": it is missing."""


@dataclass(frozen=True)
class LayerSpec:
    """One layer: which geometries it takes, which column identifies a row, which columns it has."""

    name: str
    geometries: tuple[Geometry, ...]
    key: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    meaning: str = ""
    references: Mapping[str, str] = field(default_factory=dict)
    """Column of this layer to the layer whose key it must match."""
    private: bool = False
    """Rows are answers of households: they are put together while analysing, never kept, and no
    cell is ever quoted.
    """
    by_year: bool = False
    """A raster of which a study may have several, one per year."""


LON: Final = Column(
    "lon",
    "number",
    unit="degrees",
    aliases=(
        *(
            "longitude",
            "long",
            "lng",
            "x",
            "lon_dd",
            "longitude_dd",
            "x_coord",
            "xcoord",
            "point_x",
            "easting",
            "east",
        ),
        *(
            "long_dd",
            "经度",
            "东经",
            "lon_wgs84",
            "longitud",
            "laenge",
            "länge",
            "долгота",
            "经度坐标",
            "x坐标",
        ),
    ),
    meaning="longitude, degrees east",
)
LAT: Final = Column(
    "lat",
    "number",
    unit="degrees",
    aliases=(
        *(
            "latitude",
            "y",
            "lat_dd",
            "latitude_dd",
            "y_coord",
            "ycoord",
            "point_y",
            "northing",
            "north",
        ),
        *("纬度", "北纬", "lat_wgs84", "latitud", "breite", "широта", "纬度坐标", "y坐标"),
    ),
    meaning="latitude, degrees north",
)
WKT: Final = Column(
    "wkt",
    aliases=(
        "ewkt",
        "geometry",
        "geom",
        "the_geom",
        "wkt_geom",
        "wkt_geometry",
        "shape",
        "几何",
        "geometry_wkt",
    ),
    meaning="geometry as well-known text",
)

STUDY: Final = "study"
"""Value of `scope` of what a study is about."""
_SOURCE = Column(
    "source",
    aliases=("来源", "资料来源", "数据来源", "出处", "reference"),
    meaning="where the row comes from",
)
_NAMES = (
    *("名称", "名字", "安置点名称", "安置点", "迁出地名称", "迁出地", "村名", "村庄", "地名"),
    *("site_name", "origin_name", "place_name", "village_name", "village", "title"),
)
_NAME = Column("name", required=True, aliases=_NAMES, meaning="name, any script")
_LOCAL = Column(
    "name_local", aliases=("本地名称", "local_name", "name_zh"), meaning="name in the local script"
)
_UNCERTAINTY = Column(
    "uncertainty_km",
    "number",
    unit="km",
    minimum=0,
    maximum=1000,
    aliases=("不确定度", "位置误差", "radius_km", "uncertainty"),
    meaning="the true position lies within this distance",
)
_HOUSEHOLDS = Column(
    "households",
    "number",
    unit="households",
    minimum=0,
    maximum=10_000_000,
    aliases=(
        *("户数", "安置户数", "搬迁户数", "户", "总户数", "hh", "n_households", "hhs", "household"),
        *("no_of_households", "number_of_households", "num_households", "total_households"),
    ),
    meaning="households",
)
_PERSONS = Column(
    "persons",
    "number",
    unit="persons",
    minimum=0,
    maximum=100_000_000,
    aliases=(
        *(
            "人数",
            "人口",
            "安置人口",
            "搬迁人口",
            "人口数",
            "总人口",
            "总人数",
            "population",
            "people",
        ),
        *(
            "no_of_persons",
            "number_of_persons",
            "no_of_people",
            "number_of_people",
            "total_persons",
        ),
    ),
    meaning="persons",
)
_SCOPE = Column(
    "scope",
    default=STUDY,
    meaning="study (also where it is empty), or what else the row is listed for, e.g. comparison",
)
_YEAR = Column(
    "year",
    "year",
    minimum=1900,
    maximum=2100,
    aliases=("年份", "年", "搬迁年份", "安置年份", "建成年份"),
    meaning="year of the event",
)

LAYERS: Final[Mapping[str, LayerSpec]] = {
    spec.name: spec
    for spec in (
        LayerSpec(
            "sites",
            ("point", "polygon"),
            ("site_id",),
            (
                Column(
                    "site_id",
                    required=True,
                    aliases=(
                        "id",
                        "site",
                        "site_code",
                        "编号",
                        "编码",
                        "安置点编号",
                        "安置点编码",
                        "安置点代码",
                        "代码",
                        "序号",
                    ),
                    meaning="identifier of the settlement site",
                ),
                _NAME,
                _LOCAL,
                _UNCERTAINTY,
                _HOUSEHOLDS,
                _PERSONS,
                _YEAR,
                _SCOPE,
                Column(
                    "models",
                    "list",
                    aliases=("模式",),
                    meaning="development models as declared, e.g. 1;2;5",
                ),
                _SOURCE,
            ),
            "settlement sites, the destinations",
        ),
        LayerSpec(
            "origins",
            ("point", "polygon"),
            ("origin_id",),
            (
                Column(
                    "origin_id",
                    required=True,
                    aliases=(
                        "id",
                        "origin",
                        "编号",
                        "编码",
                        "迁出地编号",
                        "迁出地编码",
                        "迁出地代码",
                        "代码",
                        "序号",
                    ),
                    meaning="identifier of the origin",
                ),
                _NAME,
                _LOCAL,
                _UNCERTAINTY,
                Column(
                    "land_ha",
                    "number",
                    unit="ha",
                    minimum=0,
                    maximum=10_000_000,
                    aliases=("土地面积_公顷", "土地面积", "耕地面积"),
                    meaning="land held at the origin",
                ),
                _SCOPE,
                _SOURCE,
            ),
            "villages or townships that households left",
        ),
        LayerSpec(
            "flows",
            ("none",),
            ("origin_id", "site_id"),
            (
                Column(
                    "origin_id",
                    required=True,
                    aliases=("origin", "from_id", "from", "迁出地编号", "迁出地"),
                    meaning="origin left",
                ),
                Column(
                    "site_id",
                    required=True,
                    aliases=("site", "to_id", "to", "destination_id", "安置点编号", "安置点"),
                    meaning="site moved to",
                ),
                _HOUSEHOLDS,
                _PERSONS,
                _YEAR,
                Column(
                    "declared_km",
                    "number",
                    unit="km",
                    minimum=0,
                    meaning="distance as declared by the source",
                ),
                _SCOPE,
                _SOURCE,
            ),
            "who moved from where to where",
            {"origin_id": "origins", "site_id": "sites"},
        ),
        LayerSpec(
            "boundaries",
            ("polygon",),
            ("code",),
            (
                Column(
                    "code",
                    required=True,
                    aliases=("adcode", "行政区划代码", "代码"),
                    meaning="code of the unit",
                ),
                _NAME,
                Column(
                    "level",
                    required=True,
                    aliases=("级别",),
                    meaning="level of the unit, under any name: state, district ...",
                ),
                Column("parent_code", meaning="code of the unit above"),
                _LOCAL,
                Column("valid_from", "year", meaning="first year of validity"),
                Column("valid_to", "year", meaning="last year of validity"),
                Column(
                    "disputed",
                    aliases=("争议",),
                    meaning="yes: the outline is disputed and drawn dashed",
                ),
            ),
            "administrative units",
        ),
        LayerSpec(
            "oasis",
            ("polygon",),
            (),
            (_YEAR,),
            "oasis, as polygons or derived from rasters by the rule in study.toml",
        ),
        LayerSpec(
            "development",
            ("polygon",),
            ("development_id",),
            (
                Column(
                    "development_id",
                    required=True,
                    aliases=("id", "编号"),
                    meaning="identifier of the parcel",
                ),
                Column(
                    "kind",
                    required=True,
                    aliases=("类型", "种类"),
                    meaning="kind of land development",
                ),
                Column("site_id", meaning="site that the parcel serves"),
                Column(
                    "declared_ha",
                    "number",
                    unit="ha",
                    minimum=0,
                    maximum=1e8,
                    meaning="area as declared",
                ),
                Column("leased_ha", "number", unit="ha", minimum=0, meaning="area leased out"),
                _YEAR,
                _SOURCE,
                Column(
                    "geometry_basis",
                    meaning="surveyed, digitised, or illustrative (no evidence of place)",
                ),
            ),
            "land-development areas",
            {"site_id": "sites"},
        ),
        LayerSpec(
            "landcover",
            ("raster",),
            meaning="land cover classes, one raster per year, with a class table",
            by_year=True,
        ),
        LayerSpec("ndvi", ("raster",), meaning="highest NDVI of the year, for the oasis rule"),
        LayerSpec("dem", ("raster",), meaning="elevation, metres"),
        LayerSpec(
            "roads",
            ("line", "none"),
            (),
            (
                Column("a", meaning="place at one end (table form)"),
                Column("b", meaning="place at the other end (table form)"),
                Column(
                    "length_km",
                    "number",
                    unit="km",
                    minimum=0,
                    meaning="length as published (table form)",
                ),
                Column("class", meaning="road class"),
                Column("speed_kmh", "number", unit="km/h", minimum=1, maximum=250, meaning="speed"),
                Column("surface", meaning="paved, gravel ..."),
                Column("season", meaning="when the road is open"),
                _SOURCE,
            ),
            "roads as lines, or a table of lengths between places",
        ),
        LayerSpec(
            "rivers",
            ("line", "polygon"),
            (),
            (Column("name", meaning="name"),),
            "rivers and lakes, for the map",
        ),
        LayerSpec(
            "places",
            ("point",),
            ("place_id",),
            (
                Column(
                    "place_id",
                    required=True,
                    aliases=("id", "编号"),
                    meaning="identifier of the place",
                ),
                _NAME,
                Column(
                    "kind",
                    required=True,
                    aliases=("类型",),
                    meaning="county_seat, port, market, school, clinic ...",
                ),
                Column(
                    "population",
                    "number",
                    unit="persons",
                    minimum=0,
                    meaning="population; missing is missing, never 0",
                ),
                Column(
                    "supply",
                    "number",
                    minimum=0,
                    aliases=(
                        "capacity",
                        "jobs",
                        "beds",
                        "供给",
                        "容量",
                        "岗位数",
                        "床位数",
                        "学位数",
                    ),
                    meaning="what the place offers: jobs, beds, school places, stalls",
                ),
                _LOCAL,
                _SOURCE,
            ),
            "service places",
        ),
        LayerSpec(
            "indicators",
            ("none",),
            (),
            (
                Column("site_id", required=True, meaning="site, or the name of the group surveyed"),
                Column(
                    "capital",
                    required=True,
                    meaning="human, natural, material, financial or social",
                ),
                Column("indicator", required=True, meaning="what was measured"),
                Column("before", "number", meaning="value before the move"),
                Column("after", "number", meaning="value after the move"),
                Column("unit", meaning="unit of the values"),
                Column("n", "integer", minimum=0, meaning="households or persons observed"),
                _SOURCE,
            ),
            "livelihood indicators before and after",
        ),
        LayerSpec(
            "survey",
            ("none",),
            ("site_id", "household", "time"),
            (
                Column(
                    "site_id",
                    required=True,
                    aliases=("site", "安置点编号"),
                    meaning="site the household lives in now",
                ),
                Column(
                    "household",
                    required=True,
                    aliases=("household_id", "hh_id", "hhid", "户编号", "农户编号", "家庭编号"),
                    meaning="anonymous number or code of the household",
                ),
                Column(
                    "time",
                    required=True,
                    aliases=("wave", "period", "round", "时点", "时间"),
                    meaning="before or after the move",
                ),
            ),
            "household survey, one anonymous row per household and time; put together by site, "
            "never kept",
            {"site_id": "sites"},
            private=True,
        ),
        LayerSpec(
            "claims",
            ("none",),
            (),
            (
                Column("subject", required=True, meaning="what the claim is about"),
                Column("quantity", required=True, meaning="what is claimed of it"),
                Column("value", meaning="the value claimed"),
                Column("unit", meaning="its unit"),
                Column("as_printed", meaning="the words or digits as printed"),
                Column("reading", meaning="how a garbled text is read"),
                Column("garbled", meaning="true where the printed text is damaged"),
                _SOURCE,
            ),
            "what sources claim",
        ),
    )
}


_PUNCTUATION: Final = re.compile(r"[\W_]+")
_SIMPLER: Final = str.maketrans(
    "編號碼稱經緯東戶數遷點縣區類種級別積標來資據處員長幾離門牌總項時間農業縱橫單設華過還進遠這個們書",
    "编号码称经纬东户数迁点县区类种级别积标来资据处员长几离门牌总项时间农业纵横单设华过还进远这个们书",
)
"""Traditional Chinese characters of headers to simplified ones."""


def plain_name(name: str) -> str:
    r"""Column name without case, spaces, full-width forms, invisible characters and punctuation.

    Examples
    --------
    >>> plain_name("\ufeff Site　ID "), plain_name("ＬＯＮ")
    ('site_id', 'lon')
    """
    if name.isascii():
        return _PUNCTUATION.sub("_", name.casefold()).strip("_")
    folded = unicodedata.normalize("NFKC", name).translate(_SIMPLER)
    folded = "".join(c for c in folded if unicodedata.category(c) != "Cf").casefold()
    return _PUNCTUATION.sub("_", folded).strip("_")
