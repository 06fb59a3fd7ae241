"""Make geosettle/figures/static from the Noto fonts of two packages, under the SIL Open Font Licence.

``apt-get download fonts-noto-core && dpkg-deb -x fonts-noto-core_*.deb noto`` (20201225-1), and
``pip download --no-deps justmytype-intl-cjk==0.1.0 && unzip justmytype_intl_cjk-*.whl -d noto``;
then ``python tests/reference/make_fonts.py noto``.

Noto Sans in three cuts, and one upright cut per script that neither it nor matplotlib's own DejaVu
Sans has. Hints are dropped: figures are
drawn at 300 dots per inch. Of the 30,890 glyphs of Noto Sans SC those stay whose letters are in
GBK: every simplified and traditional Chinese character in common use, and Japanese kana.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

OUT = Path(__file__).parents[2] / "geosettle" / "figures" / "static"
SCRIPTS = [
    "Adlam",
    "Arabic",
    "Balinese",
    "Bengali",
    "Chakma",
    "Cham",
    "Devanagari",
    "Ethiopic",
    "Gujarati",
    "Gurmukhi",
    "HanifiRohingya",
    "Javanese",
    "Kannada",
    "KayahLi",
    "Khmer",
    "Lepcha",
    "Limbu",
    "Malayalam",
    "MeeteiMayek",
    "Mongolian",
    "Myanmar",
    "NewTaiLue",
    "OlChiki",
    "Oriya",
    "Sinhala",
    "Sundanese",
    "Syriac",
    "TaiLe",
    "TaiTham",
    "TaiViet",
    "Tamil",
    "Telugu",
    "Thaana",
    "Thai",
    "Vai",
    "Yi",
]
UNNEEDED = ["DSIG", "STAT", "BASE", "VORG", "vhea", "vmtx"]
REGULAR = 400


def in_gbk(code: int) -> bool:
    """Whether a letter is in GBK, the national standard that has the characters of place names."""
    try:
        chr(code).encode("gbk")
    except UnicodeEncodeError:
        return False
    return True


def reduced(path: Path, features: list[str], codes: set[int] | None = None) -> TTFont:
    """Return the upright cut with these letters (all where none are given), without hints."""
    font = TTFont(path, recalcTimestamp=False)
    family = str(font["name"].getBestFamilyName())
    options = Options(hinting=False, layout_features=features, notdef_outline=True)
    options.drop_tables += UNNEEDED
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=set(font.getBestCmap()) & (codes or set(font.getBestCmap())))
    subsetter.subset(font)
    if "fvar" in font:
        instantiateVariableFont(font, {"wght": REGULAR}, inplace=True)
        font["name"].names = [kept for kept in font["name"].names if kept.nameID in {0, 5, 13, 14}]
        for key, text in ((1, family), (2, "Regular"), (4, family), (6, family.replace(" ", ""))):
            font["name"].setName(text, key, 3, 1, 0x409)
    return font


def main(folder: Path) -> None:
    """Write each font anew."""
    found = {path.name: path for path in folder.rglob("*.ttf")}
    for script in SCRIPTS:
        reduced(found[f"NotoSans{script}-Regular.ttf"], ["*"]).save(OUT / f"NotoSans{script}.ttf")
    for cut in ("Regular", "Bold", "Italic"):
        reduced(found[f"NotoSans-{cut}.ttf"], ["*"]).save(OUT / f"NotoSans-{cut}.ttf")
    tibetan = reduced(found["NotoSerifTibetan-Regular.ttf"], ["*"])
    tibetan.save(OUT / "NotoSerifTibetan.ttf")
    codes = {code for code in range(0x10000) if in_gbk(code)}
    reduced(found["NotoSansSC[wght].ttf"], [], codes).save(OUT / "NotoSansSC.ttf")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
