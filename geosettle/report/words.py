"""Every sentence and label that report and figures print, in English and Chinese. Data is never translated."""

from __future__ import annotations

from typing import Any, Final

from geosettle.errors import UnknownNameError

__all__ = ["LANGUAGES", "say"]

LANGUAGES: Final = ("en", "zh")

_WORDS: Final[dict[str, tuple[str, str]]] = {
    # figures: the map
    "map_title": ("Where resettled households came from", "搬迁农户从哪里来"),
    "map_subtitle": (
        "{sites} sites and {origins} origins on the map; {flows} flows drawn; {unknown} positions unknown, not drawn",
        "图上{sites}个安置点、{origins}个迁出地;绘出{flows}条迁移流;{unknown}处位置不明,未绘",
    ),
    "site": ("Settlement site", "安置点"),
    "site_unknown_households": ("Site, households not stated", "安置点,户数未载明"),
    "origin": ("Origin left", "迁出地"),
    "flow": ("Flow, widens towards the site", "迁移流,向安置点变宽"),
    "flow_unknown": ("Flow, households not stated", "迁移流,户数未载明"),
    "uncertain": ("The true position lies within", "真实位置在此范围内"),
    "oasis": ("Oasis", "绿洲"),
    "water": ("River, lake", "河流、湖泊"),
    "prefecture": ("Prefecture", "地区(州)界"),
    "county": ("County", "县界"),
    "outer": ("Outer limit of the boundary set", "界线数据集外缘"),
    "development": ("Land development", "土地开发"),
    "illustrative": ("Illustrative, place not known", "示意,位置不明"),
    "households_n": ("{n:,} households", "{n:,}户"),
    "projection": ("Projection: {label}, WGS84.", "投影:{label},WGS84。"),
    "schematic": (
        "Flow lines are curved to be told apart; distances are measured along the ellipsoid, not along them.",
        "迁移流画成曲线以便区分;距离沿椭球面量算,不沿曲线。",
    ),
    "relief_from": ("Relief: {source}; blank where there is no elevation.", "地形:{source};空白处无高程。"),
    "boundaries_from": ("Boundaries: {source}.", "界线:{source}。"),
    "unwritable": (
        "Shown by identifier, because no installed font writes the script: {ids}.",
        "因未安装相应字体,以下以编号显示:{ids}。",
    ),
    "not_drawn": ("Position unknown: {ids}.", "位置不明:{ids}。"),
    "km": ("km", "公里"),
    # figures: charts
    "distances_title": (
        "How far households moved, with what the positions allow",
        "搬迁距离及位置不确定性所允许的范围",
    ),
    "distances_axis": ("Straight line on the ellipsoid, km", "椭球面直线距离,公里"),
    "legend_interval": ("range that both uncertainty radii allow", "两端不确定半径所允许的范围"),
    "legend_draws": ("{level:.0%} of the drawn positions", "随机位置的{level:.0%}"),
    "legend_value": ("between the stated positions", "按所给位置"),
    "legend_declared": ("as declared by the source (by road)", "来源所称(公路)"),
    "legend_declared_used": ("as declared, used to place the site or origin", "来源所称,已用于定位"),
    "land_title": ("Land developed for each site, declared and mapped", "各安置点的土地开发:申报与制图面积"),
    "land_axis": ("Area, ha", "面积,公顷"),
    "declared_area": ("declared", "申报"),
    "mapped_area": ("mapped", "制图"),
    "leased_area": ("of it leased out", "其中出租"),
    "capitals_title": ("Livelihood indicators before and after the move", "搬迁前后的生计指标"),
    "before": ("before", "搬迁前"),
    "after": ("after", "搬迁后"),
    "counties_title": ("Sites county by county", "分县安置点"),
    "counties_note": (
        "Each panel spans {km:g} km. Circle: the true position lies within.",
        "每幅宽{km:g}公里。圆圈:真实位置在此范围内。",
    ),
    "oasis_title": ("Oasis as a share of each prefecture", "各地州绿洲占比"),
    "oasis_axis": ("Share of the area, %", "占总面积比例,%"),
    "setting_low": ("low setting", "低值规则"),
    "setting_central": ("central setting", "中值规则"),
    "setting_high": ("high setting", "高值规则"),
    "published": ("published", "公开数据"),
    "printed": ("as printed by the study", "论文原文所印"),
    "declared_title": ("Declared by road against the straight line", "来源所称公路距离与直线距离"),
    "declared_axis": ("Declared, km", "来源所称,公里"),
    "possible": ("no road is shorter than this", "公路不可能短于此线"),
    "ratio_line": ("{ratio:g} × the straight line", "直线距离的{ratio:g}倍"),
    "no_evidence": ("circular: used to place", "循环论证:已用于定位"),
    "nothing": ("Nothing to show: {why}", "无可显示内容:{why}"),
    "no_rows": ("this study has no such rows", "本研究没有此类数据"),
}


def say(lang: str, key: str, **values: Any) -> str:
    """Return one string of the interface.

    Parameters
    ----------
    lang
        "en" or "zh".
    key
        Name of the string.
    values
        What stands in its braces; written as text, never read as a format itself.

    Raises
    ------
    UnknownNameError
        The language or the key does not exist.

    Examples
    --------
    >>> say("en", "households_n", n=1660)
    '1,660 households'
    """
    if lang not in LANGUAGES:
        raise UnknownNameError("there is no such language", value=lang, mend="Use en or zh.")
    if key not in _WORDS:
        raise UnknownNameError("there is no such string", value=key)
    return _WORDS[key][LANGUAGES.index(lang)].format(**values)
