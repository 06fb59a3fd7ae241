"""Every sentence and label that report and figures print, in English and Chinese. Data is never translated."""

# ruff: noqa: RUF001  (Chinese sentences have Chinese commas)

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
    # the ten findings
    "find_counts": (
        "{sites} settlement sites, {sites_known} with a known position; {origins} origins, {origins_known} with a known "
        "position; {pairs} moves between them. {stated} sites state their households, {households} in all.",
        "{sites}个安置点,其中{sites_known}个位置已知;{origins}个迁出地,其中{origins_known}个位置已知;其间{pairs}条迁移。"
        "{stated}个安置点载明户数,共{households}户。",
    ),
    "find_distances": (
        "Straight lines from origin to site: median {median} km, from {least} to {most} km, over {n} of {pairs} moves; "
        "typically known to ±{half} km.",
        "迁出地到安置点的直线距离:{pairs}条迁移中可算{n}条,中位数{median}公里,最短{least}公里,最长{most}公里;通常误差±{half}公里。",
    ),
    "find_no_distances": (
        "No distance could be computed: no move has both ends placed.",
        "无法计算距离:没有两端位置都已知的迁移。",
    ),
    "find_farthest": (
        "The longest is {origin} to {site}: between {low} and {high} km, longer than every other whatever the true positions.",
        "最长的是{origin}至{site}:{low}至{high}公里,无论真实位置如何均长于其他。",
    ),
    "find_farthest_unclear": (
        "The longest may be {origin} to {site}, between {low} and {high} km; {n} moves cannot be told apart from it.",
        "最长的可能是{origin}至{site},{low}至{high}公里;有{n}条迁移与之无法区分。",
    ),
    "find_no_farthest": ("Fewer than two distances: no ranking.", "距离不足两条,无法排序。"),
    "find_farming": (
        "{beyond} of {n} straight lines are longer than {radius} km, the farming radius by motor vehicle, whatever the "
        "true positions; {within} are shorter.",
        "{n}条直线中有{beyond}条无论真实位置如何都超过{radius}公里(机动车耕作半径);{within}条在半径以内。",
    ),
    "find_no_farming": ("No distance to set against the farming radius.", "没有可与耕作半径比较的距离。"),
    "find_units": (
        "{sure} of {n} sites lie in one county with a probability of at least 95 %; {unsure} do not. For {differs}, the "
        "county computed is not the one declared.",
        "{n}个安置点中有{sure}个以至少95%的概率落在同一县内,{unsure}个不然;{differs}个的计算县与所称县不同。",
    ),
    "find_no_units": ("No site could be placed in an administrative unit.", "没有安置点可归入行政区。"),
    "find_in_oasis": (
        "Of {n} sites, {inside} lie inside the mapped oasis and {outside} outside it whatever their true position; for "
        "{open} the position decides.",
        "{n}个安置点中,{inside}个必在所绘绿洲内,{outside}个必在其外;{open}个取决于真实位置。",
    ),
    "find_no_oasis": ("There is no oasis layer, or no site with a position.", "没有绿洲图层,或没有位置已知的安置点。"),
    "find_oasis": (
        "Oasis in {unit}: {low} to {high} % of the area by the settings of the rule{published}{printed}.",
        "{unit}的绿洲:按规则的不同取值占{low}%至{high}%{published}{printed}。",
    ),
    "find_oasis_published": ("; {share} % published elsewhere", ";另有公开数据{share}%"),
    "find_oasis_printed": ("; {share} % as printed by the source", ";来源所印为{share}%"),
    "find_no_oasis_area": ("No oasis area was computed.", "未计算绿洲面积。"),
    "find_land": (
        "{n} land developments declare {declared} ha, {leased} ha of them leased out; {illustrative} ha have only an "
        "illustrative shape, which is evidence of nothing.",
        "{n}处土地开发共申报{declared}公顷,其中出租{leased}公顷;{illustrative}公顷仅有示意图形,不作为证据。",
    ),
    "find_no_land": ("No land development is declared.", "未申报土地开发。"),
    "find_declared": (
        "Sources declare {stated} distances. {circular} served to place a site or origin and prove nothing; {usable} can be "
        "compared: {short} shorter than the straight line can be, median ratio {ratio}.",
        "来源称有{stated}个距离。{circular}个已用于定位,不能作证;{usable}个可比较:{short}个短于可能的直线距离,比值中位数{ratio}。",
    ),
    "find_no_declared": ("No source declares a distance.", "没有来源载明距离。"),
    "find_doubts": (
        "{claims} claims of the sources set beside what was computed{verdicts}. {aside} rows set aside, {problems} problems listed.",
        "{claims}条来源说法与计算结果并列{verdicts}。{aside}行被搁置,列出{problems}个问题。",
    ),
    # the report
    "report_lead": (
        "Computed from the study's own files. The report measures and attributes: what a source states is given as that "
        "source's statement, beside what was computed.",
        "由本研究的文件计算得出。本报告只量算并注明出处:来源的说法作为该来源的说法列出,与计算结果并列。",
    ),
    "contents": ("Contents", "目录"),
    "skip": ("Skip to the report", "跳到正文"),
    "yes": ("yes", "是"),
    "no": ("no", "否"),
    "known": ("known", "已知"),
    "unknown": ("unknown", "不明"),
    "more_rows": ("{{n}} further rows in tables/{table}.csv.", "另有{{n}}行,见tables/{table}.csv。"),
    "h_summary": ("What was found", "主要发现"),
    "h_reading": ("How to read this", "如何阅读"),
    "h_map": ("The map", "地图"),
    "h_sites": ("Settlement sites", "安置点"),
    "h_distances": ("Distances, with what the positions allow", "距离及位置不确定性"),
    "h_declared": ("Declared against computed", "来源所称与计算结果"),
    "h_land": ("Land and oasis", "土地与绿洲"),
    "h_oasis": ("Oasis by prefecture", "各地州绿洲"),
    "h_covers": ("Areas around the sites", "安置点周边面积"),
    "h_remoteness": ("Remoteness and its change", "偏远程度及其变化"),
    "h_change": ("Change of cover", "覆盖变化"),
    "h_livelihood": ("Livelihood: capitals, models, constraints", "生计:资本、模式与制约"),
    "h_claims": ("Claims of the sources", "来源说法一览"),
    "h_uncertain": ("What is uncertain, and why", "不确定之处及原因"),
    "h_problems": ("Problems found in the inputs", "输入数据的问题"),
    "h_methods": ("Methods", "方法"),
    "h_references": ("References", "参考文献"),
    "h_sources": ("Data, sources and licences", "数据来源与许可"),
    "h_run": ("This run", "本次运行"),
    "reading_1": (
        "A distance is the shortest line on the ellipsoid unless it says otherwise. Roads and paths are longer.",
        "除另有说明外,距离为椭球面最短线。公路和小路更长。",
    ),
    "reading_2": (
        "Where a position is known only roughly, a range stands beside the number: the least and the greatest value that the "
        "stated radius allows. Two places whose ranges overlap cannot be ranked. Numbers are rounded to what is known.",
        "位置只知大概时,数值旁给出范围:在所述半径内可能的最小值和最大值。范围重叠的两处不能排序。数值按已知精度取整。",
    ),
    "reading_3": (
        "A dash is a missing number, never a zero; the reason stands in the tables' last column, why.",
        "短横表示缺值,绝非零;原因见各表最后一列why。",
    ),
    "reading_4": (
        "Shapes marked illustrative show an area of the declared size at a made-up place. They are drawn hatched and count as "
        "no evidence.",
        "标为示意的图形只表示所申报的面积,位置为虚构;以斜线绘出,不作为证据。",
    ),
    "alt_map": (
        "Map of settlement sites, origins and the moves between them over relief; the tables below hold the same data.",
        "安置点、迁出地及其间迁移的地图,底图为地形;下列各表含相同数据。",
    ),
    "caption_map": (
        "Sites, origins and moves. The interactive map is in map.html.",
        "安置点、迁出地与迁移。交互地图见map.html。",
    ),
    "alt_distances": (
        "One line per move: the range of its straight-line distance. The table below holds the numbers.",
        "每条迁移一行,显示直线距离的范围。数值见下表。",
    ),
    "caption_distances": (
        "Straight lines from origin to site. Thin: what both radii allow. Thick: where most of the drawn positions fall.",
        "迁出地到安置点的直线距离。细线:两端半径所允许的范围。粗线:多数随机位置的结果。",
    ),
    "alt_declared": (
        "Declared distances against straight lines; points below the diagonal would be impossible.",
        "来源所称距离与直线距离;对角线以下不可能。",
    ),
    "caption_declared": (
        "Declared distances against straight lines. Hollow: the declared distance itself placed the site or origin.",
        "来源所称距离与直线距离。空心:该距离本身已用于定位。",
    ),
    "alt_counties": ("Small maps of the sites, one per county, at one scale.", "分县小地图,比例尺相同。"),
    "caption_counties": ("The sites of each county, all panels at one scale.", "各县安置点,各图比例尺相同。"),
    "alt_land": ("Bars of declared, leased and mapped area per development.", "各项开发的申报、出租和制图面积。"),
    "caption_land": (
        "Land development as declared and as mapped. Hatched: the shape is illustrative.",
        "土地开发的申报与制图面积。斜线:图形为示意。",
    ),
    "alt_oasis": (
        "Share of oasis per prefecture at three settings, beside published and printed figures.",
        "各地州三种设定下的绿洲占比,与公开及原文数据并列。",
    ),
    "caption_oasis": (
        "Oasis by the rule's low, central and high setting, beside figures published or printed elsewhere.",
        "规则低、中、高设定下的绿洲,与他处公开或印出的数据并列。",
    ),
    "alt_capitals": ("Slopes from before to after the move, per indicator.", "各指标搬迁前后的变化。"),
    "caption_capitals": (
        "Livelihood indicators before and after the move, as the source states them.",
        "来源所载搬迁前后的生计指标。",
    ),
    "sites_note": (
        "The county is the one that the position falls in; the probability is the share of the disc of possible positions "
        "inside it. The edge of the oasis is negative inside.",
        "县为位置所落之县;概率为可能位置圆在该县内的比例。绿洲边缘距离在内部为负。",
    ),
    "distances_note": (
        "Distances are geodesic. Walking and road values follow the terrain and the roads of this study, where it has them.",
        "距离为测地线距离。步行与公路数值依本研究所含地形与道路。",
    ),
    "declared_note": (
        "A declared distance is usually by road, the computed one a straight line; a ratio below one is impossible. A declared "
        "distance that served to place a site or an origin is kept apart, because it cannot be tested against itself.",
        "来源所称多为公路距离,计算值为直线;比值小于一不可能。已用于定位的距离单列,因为不能用自身检验自身。",
    ),
    "declared_circular": (
        "The following distances were used to place an end, and are no evidence about it.",
        "以下距离已用于定位一端,不能作为其证据。",
    ),
    "land_note": (
        "Declared areas are statements of the source. Areas per household use the households that the site states.",
        "申报面积为来源的说法。户均面积按安置点载明的户数计算。",
    ),
    "oasis_note": (
        "The oasis is derived by a rule; how much it covers depends on the setting. Published figures have methods of their own.",
        "绿洲按规则推得,面积取决于设定。公开数据各有其方法。",
    ),
    "remoteness_note": (
        "Ranks are given as a range; a single rank is printed only where the intervals separate.",
        "名次以范围给出;仅当区间分离时才给出单一名次。",
    ),
    "livelihood_note": (
        "Values before and after the move are those that the source states; what could be computed stands beside them.",
        "搬迁前后的数值为来源所载;可计算者并列于旁。",
    ),
    "claims_note": (
        "Every figure of the sources as it was printed, with a reading where the print is damaged, beside what was computed for "
        "the same quantity. A verdict says how the two stand to each other; it does not judge the source.",
        "来源的每个数字照原样列出,印刷受损处附读法,并列同一量的计算结果。结论只说明两者关系,不评判来源。",
    ),
    "uncertain_note": (
        "Positions are discs: the true place lies within the radius. Unknown positions stay unknown and enter no distance.",
        "位置以圆表示:真实地点在半径之内。位置不明者保持不明,不进入任何距离。",
    ),
    "problems_note": (
        "Rows in are rows used and rows set aside. A warning marks a row that is doubted and used; an error, a row set aside.",
        "读入行数等于使用行数加搁置行数。warning为存疑但使用的行,error为搁置的行。",
    ),
    "methods_note": (
        "What was run to make this report, in words that may be quoted:",
        "生成本报告所用的方法,可直接引用:",
    ),
    "versions": ("Versions: {versions}.", "版本:{versions}。"),
    "seed": ("Random seed: {seed}.", "随机种子:{seed}。"),
    "cap_sites": ("Sites", "安置点"),
    "cap_distances": ("Moves, with every metric that was computed", "迁移及所计算的各种距离"),
    "cap_declared": ("Declared distances that can be compared", "可比较的来源所称距离"),
    "cap_circular": ("Declared distances used to place", "已用于定位的来源所称距离"),
    "cap_land": ("Land per household", "户均土地"),
    "cap_oasis": ("Oasis area by prefecture and setting", "各地州各设定的绿洲面积"),
    "cap_covers": ("Areas within geodesic discs and units", "测地圆及行政区内的面积"),
    "cap_remoteness": ("Remoteness of sites and origins", "安置点与迁出地的偏远程度"),
    "cap_change": ("Change of cover", "覆盖变化"),
    "cap_claims": ("Claims and verdicts", "来源说法与比较结论"),
    "cap_positions": ("How well each position is known", "各位置的可知程度"),
    "cap_reasons": ("Why numbers are missing", "缺值原因"),
    "cap_ledger": ("Rows per layer", "各图层行数"),
    "cap_problems": ("Problems", "问题"),
    "cap_sources": ("Inputs", "输入"),
    "cap_hashes": ("Fingerprints of the inputs (SHA-256)", "输入文件指纹(SHA-256)"),
    "col_name": ("Name", "名称"),
    "col_name_local": ("Local name", "本地名称"),
    "col_site_id": ("Site", "安置点"),
    "col_origin_id": ("Origin", "迁出地"),
    "col_id": ("Id", "编号"),
    "col_role": ("Role", "类别"),
    "col_county": ("County", "县"),
    "col_prefecture": ("Prefecture", "地州"),
    "col_admin_probability": ("Share of possible positions in it", "落在该县的比例"),
    "col_households": ("Households", "户数"),
    "col_persons": ("Persons", "人数"),
    "col_year": ("Year", "年份"),
    "col_uncertainty_km": ("Known to ±", "位置误差±"),
    "col_oasis_edge_range_km": ("To the oasis edge", "距绿洲边缘"),
    "col_geodesic_km": ("Straight line", "直线"),
    "col_geodesic_range_km": ("Range", "范围"),
    "col_bearing_deg": ("Bearing", "方位角"),
    "col_surface_km": ("Over the ground", "沿地表"),
    "col_walk_out_h": ("On foot, out", "步行去程"),
    "col_walk_back_h": ("On foot, back", "步行回程"),
    "col_road_km": ("By road", "公路"),
    "col_road_h": ("By road, time", "公路时间"),
    "col_detour_ratio": ("Road ÷ straight line", "公路÷直线"),
    "col_elevation_change_m": ("Change of elevation", "高程变化"),
    "col_declared_km": ("Declared", "来源所称"),
    "col_ratio": ("Declared ÷ straight line", "所称÷直线"),
    "col_flags": ("Checks not passed", "未通过的检查"),
    "col_why": ("Why a number is missing", "缺值原因"),
    "col_position": ("Position", "位置"),
    "col_position_basis": ("How it was found", "定位依据"),
    "col_reason": ("Reason", "原因"),
    "col_n": ("Number", "数量"),
    "col_as_printed": ("As printed", "原文所印"),
    "col_reading": ("Read as", "读作"),
    "col_claim_id": ("Claim", "说法"),
    "col_subject": ("About", "关于"),
    "col_quantity": ("Quantity", "量"),
    "col_value": ("Value", "数值"),
    "col_unit": ("Unit", "单位"),
    "col_computed": ("Computed", "计算值"),
    "col_computed_unit": ("Unit computed", "计算单位"),
    "col_verdict": ("Verdict", "结论"),
    "col_source": ("Source", "来源"),
    "col_licence": ("Licence", "许可"),
    "col_file": ("File", "文件"),
    "col_layer": ("Layer", "图层"),
    "col_rows": ("Rows", "行数"),
    "col_date": ("Date", "日期"),
    "col_section_capital": ("Capitals, before and after", "资本,搬迁前后"),
    "col_section_model": ("Development models", "发展模式"),
    "col_section_constraint": ("Constraints", "制约因素"),
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
