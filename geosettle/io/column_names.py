"""Which header holds which column of a layer: by names, aliases, and words of seven languages."""

# ruff: noqa: RUF001  (look-alike characters are what is handled here)

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Final

from geosettle.data_files import read_data
from geosettle.layers import (
    COMPANIONS,
    LAT,
    LAYERS,
    LON,
    POSITION,
    WKT,
    Column,
    LayerSpec,
    plain_name,
)

_FILE: Final = read_data("io/header_words.toml")
UNITS: Final[Mapping[str, Mapping[str, float]]] = {
    unit: {name: float(Fraction(factor)) for factor, names in family.items() for name in names}
    for unit, family in _FILE["units"].items()
}
"""Unit of the contract to units a header may name, with the factor to multiply by."""
_ROLE_WORDS: Final[Mapping[str, str]] = _FILE["roles"]
"""Words of a header that only say which layer it is about."""
_WORDS: Final[Mapping[str, str]] = _FILE["columns"]
_CAPACITY: Final = frozenset(_FILE["capacity"]["words"].split())
_COUNTS: Final = frozenset({"households", "persons"})
_ALSO_FILL: Final[Mapping[str, str]] = _FILE["fillers"]
_FILLERS: Final = frozenset(_ALSO_FILL["every"].split())
_STEM: Final = 6
_PREFIXES: Final = re.compile(r"(?:安置|搬迁|迁出|迁入|总|现有|实际|登记|村|点|地|区|的|数量)+")
_END: Final = re.compile(r"(?:(迁出|原住|原籍|来源)|安置|迁入|目的)(?:[村点地区]|社区)?")
"""An end of a move at the start of a Chinese header."""
_ARABIC: Final = str.maketrans("أإآةى", "اااهي")


@cache
def _tokens(header: str) -> tuple[str, ...]:
    """Words of a header without case, accents of Latin letters, and the Arabic article."""
    text = unicodedata.normalize("NFKD", plain_name(header).translate(_ARABIC))
    text = "".join(
        c for i, c in enumerate(text) if not unicodedata.combining(c) or not _latin_before(text, i)
    )
    text = unicodedata.normalize("NFC", text).replace("ё", "е")
    out = []
    for word in text.split("_"):
        bare = word.removeprefix("ال") if len(word) > 4 else word
        if end := _END.match(bare):
            out.append("迁出" if end[1] else "安置")
            bare = bare[end.end() :]
        out.append(_PREFIXES.sub("", bare) or bare if "\u3400" <= bare[:1] <= "\u9fff" else bare)
    return tuple(w for w in out if w)


def _latin_before(text: str, at: int) -> bool:
    """Whether the letter that a combining mark belongs to is Latin or Arabic."""
    while at > 0 and unicodedata.combining(text[at]):
        at -= 1
    return text[at].isascii() or "\u0600" <= text[at] <= "\u06ff"


_VAGUE: Final = frozenset({
    *("gps", "centroid", "new", "old", "former", "idp", "local", "campo", "location"),
    *("community", "left"),
})  # fmt: skip
"""Words of a role that name neither end of a move by themselves."""


@cache
def _vocabulary(role: str, column: str) -> tuple[frozenset[str], frozenset[str]]:
    """Words that mean a column, and words that may go with them."""
    role_words = frozenset(_ROLE_WORDS.get(role, "").split())
    if role == "flows" and column in {"origin_id", "site_id"}:
        which = set(_ROLE_WORDS["origins" if column == "origin_id" else "sites"].split()) - _VAGUE
        also = frozenset(f"{_WORDS['id']} {_WORDS['name']}".split())
        return _with_stems(which), _FILLERS | also
    spec = LAYERS.get(role)
    key = spec.key[0] if spec is not None and len(spec.key) == 1 else ""
    words = _WORDS.get("id" if column == key else column, "")
    also = frozenset(_ALSO_FILL.get(column, "").split())
    return _with_stems(words.split()), _with_stems(_FILLERS | role_words | also)


def _with_stems(words: Iterable[str]) -> frozenset[str]:
    return frozenset(words) | {_stem(w) for w in words if len(w) >= _STEM}


def _says(header: str, role: str, column: str) -> bool:
    """Whether every word of a header means a column or only goes with it."""
    words, fillers = _vocabulary(role, column)
    tokens = _tokens(header)
    meant = [t in words or _stem(t) in words for t in tokens]
    return any(meant) and all(
        m or t in fillers or _stem(t) in fillers for t, m in zip(tokens, meant, strict=True)
    )


def _stem(word: str) -> str:
    """Return the stem of a Russian word, which its cases share; other words unchanged."""
    return word[:_STEM] if "\u0400" <= word[:1] <= "\u04ff" else word


def plain_unit(text: str) -> str:
    """Return a unit as the table of units writes it."""
    return unicodedata.normalize("NFKC", text).strip(" .()[]").casefold()


_LONGEST: Final = 500
"""Characters of a header that can name a column."""


def split_unit(header: str, unit: str) -> tuple[str, str]:
    """Header without the unit at its end, and that unit; "" where it names none of the family.

    Examples
    --------
    >>> split_unit("Area (acres)", "ha"), split_unit("uncertainty_m", "km"), split_unit("a", "ha")
    (('Area', 'acres'), ('uncertainty', 'm'), ('a', ''))
    """
    family = UNITS.get(unit, {})
    if len(header) > _LONGEST:
        return header, ""
    bracket = re.search(r"^(.*?)[(（\[【]([^()（）\[\]【】]*)[)）\]】]\s*$", header)
    if bracket and plain_unit(bracket[2]) in family:
        return bracket[1].strip(), plain_unit(bracket[2])
    for joint in (r"[\s_]+in[\s_]+", r"[\s_,/:-]+"):
        match = re.fullmatch(
            rf"(.{{1,200}}?){joint}([^\s_,/:-]{{1,20}}(?:[\s_]?[^\s_,/:-]{{1,4}})?)", header
        )
        if match and plain_unit(match[2]) in family:
            return match[1].strip(), plain_unit(match[2])
    return header, ""


def columns_of(spec: LayerSpec) -> tuple[Column, ...]:
    """Columns of a layer, after them those of its coordinates and of what changes their meaning."""
    if spec.geometries in {("none",), ("raster",)}:
        return spec.columns
    own = {c.name for c in spec.columns}
    return (*spec.columns, LON, LAT, WKT, POSITION, *(c for c in COMPANIONS if c.name not in own))


@cache
def _every_name() -> frozenset[str]:
    columns = [c for spec in LAYERS.values() for c in columns_of(spec)]
    return frozenset(plain_name(n) for c in columns for n in (c.name, *c.aliases))


@cache
def _every_word() -> frozenset[str]:
    """Words that mean some column, or may go with one."""
    pools = (_vocabulary(role, c) for role in _ROLE_WORDS for c in (*_WORDS, "id"))
    return frozenset().union(*(words | fillers for words, fillers in pools))


@cache
def is_known(header: str) -> bool:
    """Whether a header can name a column of some layer.

    Examples
    --------
    >>> is_known("Nombre de ménages"), is_known("Широта"), is_known("remarks of Tuesday")
    (True, True, False)
    """
    if len(header) > 120 or header.startswith("#"):
        return False
    found: set[str] = set().union(*(pool.keys() for pool in _pools([header])))
    if found & _every_name() or _exporter(plain_name(header)):
        return True
    tokens = {word if word in _every_word() else _stem(word) for word in _tokens(header)}
    return tokens <= _every_word() and any(
        _says(header, role, c) for role in _ROLE_WORDS for c in (*_WORDS, "id")
    )


def find_columns(
    headers: Sequence[str], spec: LayerSpec, mapping: Mapping[str, str] | None = None
) -> tuple[dict[str, str], dict[str, list[str]], list[str]]:
    """Which header holds which column of a layer, and its coordinates.

    Parameters
    ----------
    headers
        Column names as the file has them.
    spec
        The layer.
    mapping
        Column of the layer to header, as the user states it, or the other way round; it goes before
        every guess.

    Returns
    -------
    tuple
        Column to header; column to headers that fit equally well (the first is taken); mapped
        headers that the file does not have.

    Examples
    --------
    >>> find_columns(["编号", "名称", "经度", "纬度", "户数"], LAYERS["sites"])[0]
    {'site_id': '编号', 'name': '名称', 'households': '户数', 'lon': '经度', 'lat': '纬度'}
    """
    columns = columns_of(spec)
    pools = _pools(headers)
    found, absent = _mapped(headers, columns, mapping or {}, pools[0])
    doubtful: dict[str, list[str]] = {}
    own_names = {plain_name(column.name) for column in columns}
    technical = {h for h in headers if _TECHNICAL.fullmatch(h)}
    others = {h for h in headers if _CAPACITY & {*_tokens(h)}}
    for column in columns:
        if column.name in found:
            continue
        taken = set(found.values()) | technical
        taken |= others if column.name in _COUNTS else set()
        hits = _hits(column, pools, own_names, taken)
        if hits:
            found[column.name] = hits[0]
            if len(hits) > 1:
                doubtful[column.name] = hits
    _by_exporters(headers, spec, found)
    for column in columns:
        if column.name in found:
            continue
        taken = set(found.values()) | (others if column.name in _COUNTS else set())
        hits = _by_words(headers, spec.name, column, taken | technical)
        hits = hits or _hits(column, pools, own_names, taken)
        if hits:
            found[column.name] = hits[0]
            if len(hits) > 1:
                doubtful[column.name] = hits
    return {c.name: found[c.name] for c in columns if c.name in found}, doubtful, absent


def _mapped(
    headers: Sequence[str],
    columns: Iterable[Column],
    mapping: Mapping[str, str],
    exact: Mapping[str, list[str]],
) -> tuple[dict[str, str], list[str]]:
    """Columns that the user named, whichever side of the sign each name stands on."""
    own = {plain_name(c.name): c.name for c in columns}

    def header(text: str) -> str | None:
        return text if text in headers else next(iter(exact.get(plain_name(text), ())), None)

    found: dict[str, str] = {}
    absent = []
    for left, right in mapping.items():
        column, held = own.get(plain_name(left)), header(right)
        if column is None or held is None:
            turned, other = own.get(plain_name(right)), header(left)
            if turned is not None and other is not None:
                column, held = turned, other
        if held is None:
            absent.append(right)
        else:
            found[column or left] = held
    return found, absent


def _hits(
    column: Column, pools: Sequence[Mapping[str, list[str]]], own_names: set[str], taken: set[str]
) -> list[str]:
    """Headers that carry the name of a column, or else one of its aliases."""
    name = plain_name(column.name)
    aliases = [a for a in map(plain_name, column.aliases) if a not in own_names]
    for pool in pools:
        own = [h for h in pool.get(name, ()) if h not in taken]
        other = [h for a in aliases for h in pool.get(a, ()) if h not in taken]
        # Two columns of coordinates or counts must agree; an id next to a running number need not.
        hits = list(dict.fromkeys([*own, *other] if not own or column.name in _ALONE else own))
        if hits:
            return hits
    return []


_TECHNICAL: Final = re.compile(
    r"_(id|uuid|index|parent_index|submission_\w+|submitted_by|status|tags|notes|version_?)"
)
"""Columns that servers of forms add; they identify answers, not places."""
_ALONE: Final = frozenset({"lon", "lat", "households"})
_CUT: Final = 10
"""Letters that a shapefile leaves of the name of a column."""


def _by_words(headers: Sequence[str], role: str, column: Column, taken: set[str]) -> list[str]:
    """Headers that mean a column by their words, its first ten letters, or without their unit."""
    free = [h for h in headers if h not in taken]
    names = {plain_name(n) for n in (column.name, *column.aliases)}
    cut = [
        h for h in free
        if len(h) == _CUT and any(len(n) > _CUT and n.startswith(plain_name(h)) for n in names)
    ]  # fmt: skip
    if cut:
        return cut
    if column.unit:
        bare = {split_unit(n.replace("_", " "), column.unit)[0] for n in names}
        bare = {plain_name(n) for n in bare}
        with_unit = [
            h for h in free
            if (parts := split_unit(h, column.unit))[1]
            and (plain_name(parts[0]) in bare | names or _says(parts[0], role, column.name))
        ]  # fmt: skip
        if with_unit:
            return with_unit
    # How exact a position is, is written in metres by receivers, in kilometres by hand.
    if column.name == "uncertainty_km":
        return []
    meant = [h for h in free if _says(_last(h), role, column.name)]
    return meant or ([h for h in free if _only_role(h, role)] if column.name == "name" else [])


_QUESTION: Final = re.compile(r"^\s*(?:[A-Z]\.?)?\d{1,2}(?:\.\w{1,2}){1,4}\.?\s+")


def _only_role(header: str, role: str) -> bool:
    """Whether a header only says which layer it is about, such as Village left."""
    words = {*_ROLE_WORDS.get(role, "").split()} if role in {"sites", "origins"} else set()
    return (tokens := {*_tokens(header)}) <= words and not tokens <= _VAGUE


def _last(header: str) -> str:
    """Return a header without the groups of questions before it, and the number of a question.

    Such headers are grp/site_name and 2.1.b.1 Number of individuals.
    """
    return _QUESTION.sub("", re.split(r"[/:]", header)[-1]) or header


def _pools(headers: Sequence[str]) -> tuple[dict[str, list[str]], ...]:
    """Return headers by their plain names, in groups.

    As they are, without brackets, without joints (SiteID), by language, and without the groups that
    forms put before them.
    """
    pools: tuple[dict[str, list[str]], ...] = ({}, {}, {}, {}, {})
    for header in headers:
        if len(header) > _LONGEST:
            continue
        whole = plain_name(header)
        bare = plain_name(re.sub(r"[(（\[【][^)）\]】]*[)）\]】]", "", header))
        joined = plain_name(re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=ID|HH)(?=[A-Z][a-z])", "_", header))
        parts = (
            [plain_name(part) for part in _SCRIPTS.split(header)] if _SCRIPTS.search(header) else []
        )
        last = [plain_name(_last(header))] if re.search(r"[/:]", header) else []
        for pool, names in zip(pools, ([whole], [bare], [joined], parts, last), strict=True):
            for name in dict.fromkeys(names):
                pool.setdefault(name, []).append(header)
    return pools


_SCRIPTS: Final = re.compile(
    r"[/|\n()（）\[\]【】]|(?<=[\u3400-\u9fff])\s*(?=[A-Za-z])|(?<=[A-Za-z])\s*(?=[\u3400-\u9fff])"
)
"""Where a header that names a column in two languages falls apart."""

_EXPORTERS: Final = (
    (re.compile(r"adm(?:in)?_?(\d)_?(?:pcode|code)"),
    re.compile(r"adm(?:in)?_?(\d)_?(?:name_?)?(?:[a-z]{2})?")),
    (re.compile(r"gid_(\d)"), re.compile(r"name_(\d)")),
    (re.compile(r"shape_?(?:id|iso)()"), re.compile(r"shape_?name()")),
)  # fmt: skip
"""Codes and names of units as COD-AB, GADM and geoBoundaries call them."""


def _exporter(plain: str) -> bool:
    return any(p.fullmatch(plain) for pair in _EXPORTERS for p in pair)


def _by_exporters(headers: Sequence[str], spec: LayerSpec, found: dict[str, str]) -> None:
    """Find code, name, parent and level of boundaries as publishers of boundary sets call them."""
    if spec.name != "boundaries":
        return
    for codes, names in _EXPORTERS:
        code, name = (_by_level(headers, pattern) for pattern in (codes, names))
        if not code or not name:
            continue
        deepest = max(set(code) & set(name), default=None)
        if deepest is None:
            continue
        found.setdefault("code", code[deepest])
        found.setdefault("name", name[deepest])
        above = max((level for level in code if level < deepest), default=None)
        if above is not None:
            found.setdefault("parent_code", code[above])
        kinds = [h for h in headers if plain_name(h) in {"shapetype", "shape_type"}]
        if kinds:
            found.setdefault("level", kinds[0])
        return


def _by_level(headers: Sequence[str], pattern: re.Pattern[str]) -> dict[str, str]:
    """Level to the first header that a pattern fits, "" for sets of one level."""
    out: dict[str, str] = {}
    for header in headers:
        if match := pattern.fullmatch(plain_name(header)):
            out.setdefault(match[1], header)
    return out
