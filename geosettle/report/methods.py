"""METHODS: how each thing was measured, with its reference, and when it belongs in a report. A method is one entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from geosettle.analysis import Result

__all__ = ["METHODS", "Method", "methods_used"]


@dataclass(frozen=True)
class Method:
    """One method: what is said of it per language, its reference, and whether a result used it."""

    name: str
    en: str
    zh: str
    reference: str
    used: Callable[[Result], bool]


def methods_used(result: Result) -> list[Method]:
    """Return the methods that the numbers of this result come from, in the order of `METHODS`."""
    return [method for method in METHODS.values() if method.used(result)]


def _column(table: str, *names: str) -> Callable[[Result], bool]:
    """Whether a table has a value in one of these columns."""

    def used(result: Result) -> bool:
        frame = getattr(result, table)
        return any(name in frame and bool(frame[name].notna().any()) for name in names)

    return used


def _says(table: str, column: str, *parts: str) -> Callable[[Result], bool]:
    """Whether a column of names contains one of these parts."""

    def used(result: Result) -> bool:
        frame = getattr(result, table)
        if column not in frame:
            return False
        names = frame[column].dropna().astype(str).str.lower()
        return any(bool(names.str.contains(part, regex=False).any()) for part in parts)

    return used


METHODS: Final[Mapping[str, Method]] = {
    method.name: method
    for method in (
        Method(
            "geodesic",
            "Straight-line distances and bearings are geodesics on the WGS84 ellipsoid.",
            "直线距离和方位角按WGS84椭球面测地线计算。",
            "Karney, C. F. F. (2013). Algorithms for geodesics. Journal of Geodesy 87, 43-55. doi:10.1007/s00190-012-0578-z",
            _column("pairs", "geodesic_km"),
        ),
        Method(
            "radii",
            "The least and greatest distances are the central distance less and plus the uncertainty radii of both ends.",
            "最小和最大距离为中心距离减、加两端的不确定半径。",
            "",
            _column("pairs", "geodesic_low_km"),
        ),
        Method(
            "draws",
            "Intervals come from positions drawn uniformly over each disc of uncertainty, with a fixed seed.",
            "区间由在各不确定圆内均匀随机抽取的位置得出,随机种子固定。",
            "",
            _column("intervals", "low"),
        ),
        Method(
            "surface",
            "Surface distances follow the straight line over the elevation model.",
            "地表距离沿直线在高程模型上量算。",
            "",
            _column("pairs", "surface_km"),
        ),
        Method(
            "tobler",
            "Walking times use Tobler's hiking function along the least-time path over the elevation model, out and back "
            "apart.",
            "步行时间按Tobler徒步函数,沿高程模型上的最短时间路径,往返分别计算。",
            "Tobler, W. (1993). Three presentations on geographical analysis and modeling. NCGIA Technical Report 93-1.",
            _column("pairs", "walk_out_h", "walk_back_h"),
        ),
        Method(
            "road",
            "Road distances are shortest paths on the study's road graph; where it is a table of published lengths, lengths "
            "are real and lines schematic.",
            "公路距离为研究路网上的最短路径;路网若为公开里程表,则长度真实、线形示意。",
            "Dijkstra, E. W. (1959). A note on two problems in connexion with graphs. Numerische Mathematik 1, 269-271.",
            _column("pairs", "road_km"),
        ),
        Method(
            "admin",
            "Places are joined to the administrative unit that holds their position; the probability is the share of the disc "
            "of uncertainty inside it.",
            "地点归入其位置所在的行政区;概率为不确定圆落在该区内的面积比例。",
            "",
            _column("sites", "admin_probability"),
        ),
        Method(
            "areas",
            "Areas are geodesic, on the WGS84 ellipsoid; discs are geodesic discs.",
            "面积按WGS84椭球面计算;圆为测地圆。",
            "Karney (2013), as above.",
            _column("covers", "area_ha"),
        ),
        Method(
            "oasis",
            "The oasis is derived from land cover, the year's highest NDVI and an elevation ceiling by the rule in study.toml, "
            "at a low, a central and a high setting.",
            "绿洲按study.toml中的规则由土地覆盖、年最大NDVI和高程上限推得,取低、中、高三种设定。",
            "",
            _column("oasis", "share", "area_km2", "area_ha", "oasis_km2", "oasis_ha"),
        ),
        Method(
            "farming_radius",
            "Multiples of the farming radius use 666 m on foot, 2 km by cart and 4 km by motor vehicle, one way.",
            "耕作半径倍数采用单程步行666米、人力车2公里、机动车4公里。",
            "Ni Y., Hua Y., Xu Z. (2013). 中国土地科学 (China Land Science) 2013(10).",
            _says("remoteness", "indicator", "farming"),
        ),
        Method(
            "aria",
            "The ARIA-style score sums capped ratios of distance to each class of centre over the study's own means; it is not "
            "comparable with Australian classes.",
            "ARIA式得分为到各级中心距离与本研究均值之比(设上限)之和,不可与澳大利亚分级比较。",
            "GISCA, Accessibility/Remoteness Index of Australia (ARIA+).",
            _says("remoteness", "indicator", "aria"),
        ),
        Method(
            "statcan",
            "The gravity-style remoteness index is rescaled over the study's own sample; it is not comparable with Canadian "
            "classes.",
            "引力式偏远指数按本研究样本重新标度,不可与加拿大分级比较。",
            "Alasia, A. et al. (2017). Measuring remoteness and accessibility. Statistics Canada.",
            _says("remoteness", "indicator", "statcan", "gravity", "remoteness_index"),
        ),
        Method(
            "rural_access",
            "The rural access test asks whether an all-season road lies within 2 km.",
            "农村通达性检验:2公里内是否有四季通车道路。",
            "UN Statistics Division, SDG indicator 9.1.1 metadata.",
            _says("remoteness", "indicator", "rural_access", "rai"),
        ),
        Method(
            "friction",
            "Travel times follow a friction surface on which the fastest mode of each cell wins.",
            "出行时间依摩擦面计算,每格取最快方式。",
            "Weiss, D. J. et al. (2018). A global map of travel time to cities. Nature 553, 333-336. doi:10.1038/nature25181",
            lambda result: any("travel" in name for name in (*result.pairs.columns, *result.rasters)),
        ),
        Method(
            "capitals",
            "Livelihood is told apart into human, natural, material, financial and social capital, before and after.",
            "生计分为人力、自然、物质、金融和社会资本,比较搬迁前后。",
            "DFID (1999). Sustainable livelihoods guidance sheets.",
            _column("livelihood", "before", "after"),
        ),
    )
}
