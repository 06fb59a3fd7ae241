"""--mask end to end: whatever names, places or counts a small origin is in no file of the run,
however packed.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
from pyproj import Geod

import geosettle as gs
from geosettle import outputs
from geosettle.cli import main

KEY = "a key that only the owner has"
K = 20

ORIGINS = """origin_id,name,name_local,lon,lat,uncertainty_km,land_ha,note
hamlet-71,Quillhaven,奇岭村,-30.731357,40.412468,1,61.25,near Quillhaven mill
hamlet-72,Old Ferry,渡口村,-30.702468,40.391357,1,,the ferry
hamlet-73,Broad Field,大田村,-30.687531,40.434679,1,,
hamlet-74,Lone Rock,孤石村,-31.972468,41.912345,1,,
town-1,Stone Ford,石津,-30.612345,40.854321,1,300,
"""
FLOWS = """origin_id,site_id,households,persons,year,declared_km,source,households_as_printed
hamlet-71,S1,3,11,2017,47.19,an official of Quillhaven,three
hamlet-72,S1,9,41,2017,48.23,,nine
hamlet-73,S1,17,83,2017,2.5,,
hamlet-74,S2,13,57,2018,,,
town-1,S1,240,910,2017,61,,
town-1,S2,60,230,2018,,,
"""
CLAIMS = """claim_id,subject,quantity,value,unit,as_printed,source
C1,hamlet-71,households,3,households,three,a report
C2,S1,households,269,households,269,a report
C3,S1,origin,Quillhaven,,"people of Quillhaven",a report
C4,S2,households with a loan,4,households,four,a report
"""
INDICATORS = """site_id,capital,indicator,before,after,unit,n,source
S1,financial,income per person,1234,5678,yuan,40,a survey
S2,financial,income per person,1357,8642,yuan,3,a survey at 奇岭村
"""
SECRET = (
    "quillhaven",
    "奇岭",
    "old ferry",
    "渡口",
    "broad field",
    "大田",
    "lone rock",
    "孤石",
    "hamlet-7",
)
TRUE_AT = {
    "hamlet-71": (-30.731357, 40.412468),
    "hamlet-72": (-30.702468, 40.391357),
    "hamlet-73": (-30.687531, 40.434679),
    "hamlet-74": (-31.972468, 41.912345),
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study") / "islands"
    shutil.copytree(gs.template_path(), folder)
    for name, text in (
        ("origins", ORIGINS),
        ("flows", FLOWS),
        ("claims", CLAIMS),
        ("indicators", INDICATORS),
    ):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    with (folder / "study.toml").open("a", encoding="utf-8") as file:
        file.write(
            '\n[layers.claims]\npath = "claims.csv"\n[layers.indicators]\npath = "indicators.csv"\n'
        )
    with (folder / "sites.csv").open("a", encoding="utf-8") as file:
        file.write("S9,Four Houses,,-30.2,40.6,1,4,19,2019,,,,four families of Quillhaven\n")
    return folder


@pytest.fixture(scope="module")
def run(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("masked") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GEOSETTLE_MASK_KEY", KEY)
        assert main(["run", str(study), "-o", str(out), "--mask", str(K)]) == 0
    return out


def unpacked(path: Path) -> str:
    """Every character of a file: the parts of a workbook, the bytes of a GeoPackage, the text of a
    page.
    """
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as book:
            return "\n".join(book.read(name).decode("utf-8") for name in book.namelist())
    return path.read_bytes().decode("utf-8", errors="replace")


def everything(out: Path) -> dict[str, str]:
    return {
        p.relative_to(out).as_posix(): unpacked(p) for p in sorted(out.rglob("*")) if p.is_file()
    }


def test_no_name_of_a_masked_origin_is_anywhere(run: Path) -> None:
    found = everything(run)
    assert {"map.html", "report.html", "study.gpkg", "tables.xlsx", "tables/problems.csv"} <= set(
        found
    )
    for name, text in found.items():
        for secret in SECRET:
            assert secret not in text.casefold(), f"{secret} in {name}"


def test_no_true_position_is_anywhere(run: Path) -> None:
    # Three decimals are 110 m: nearer than any move, and the shortest form that a rounded copy
    # could have.
    for name, text in everything(run).items():
        if name.endswith((".png", ".gpkg")):
            continue
        for lon, lat in TRUE_AT.values():
            near = re.search(rf"{str(lon)[:7]}\d*\D{{1,40}}{str(lat)[:6]}", text)
            assert near is None, f"{near} in {name}"
    layers = [name for name, _ in pyogrio.list_layers(run / "study.gpkg")]
    for layer in layers:
        frame = gpd.read_file(run / "study.gpkg", layer=layer)
        if not isinstance(frame, gpd.GeoDataFrame):
            continue
        for geometry in frame.geometry.dropna():
            for x, y in geometry.representative_point().coords:
                for lon, lat in TRUE_AT.values():
                    assert abs(x - lon) > 1e-3 or abs(y - lat) > 1e-3, layer


def test_every_move_is_stated_and_as_large_as_stated(run: Path) -> None:
    problems = pd.read_csv(run / "tables" / "problems.csv", dtype=str)
    notes = problems[problems["code"] == "masked"]
    assert len(notes) == 4
    assert (
        notes["message"].str.contains("withheld").sum() == 1
    )  # Lone Rock: 13 households within 30 km
    stated = notes["message"].str.extract(r"up to ([\d.]+) km")[0].dropna().astype(float)
    assert (
        stated.tolist() == [8.0] * 3
    )  # 3 + 9 + 17 households within 6 km of each; steps are 2, 4, 8, 16, 30 km
    origins = gpd.read_file(run / "study.gpkg", layer="origins")
    moved = origins[origins["origin_id"].str.startswith("M-") & ~origins.geometry.isna()]
    assert len(moved) == 3
    for point in moved.geometry:
        km = [
            Geod(ellps="WGS84").inv(point.x, point.y, *at)[2] / 1000
            for at in list(TRUE_AT.values())[:3]
        ]
        assert min(km) <= 8.0
        assert all(k > 0.1 for k in km)
    report = (run / "report.html").read_text(encoding="utf-8")
    assert "The position is moved by up to 8.0 km." in report


def test_distances_are_of_the_moved_positions_and_as_rough(run: Path) -> None:
    pairs = pd.read_csv(run / "tables" / "pairs.csv")
    masked = pairs[pairs["origin_id"].str.startswith("M-") & pairs["geodesic_km"].notna()]
    assert len(masked) == 3
    assert ((masked["geodesic_high_km"] - masked["geodesic_low_km"]) >= 16).all()
    assert masked["declared_km"].isna().all()


def test_counts_under_five_are_absent(run: Path) -> None:
    for path in (run / "tables").glob("*.csv"):
        table = pd.read_csv(path)
        for column in [c for c in table.columns if c in {"households", "persons"}]:
            assert not table[column].between(1, 4).any(), path.name
    pairs = pd.read_csv(run / "tables" / "pairs.csv")
    # 3 of S1 is small; its next smallest, 9, goes with it, else 269 less the others would give it
    # away. 13 and 17 left masked origins, and are rounded.
    assert sorted(pairs["households"].dropna()) == [15, 15, 60, 240]
    claims = pd.read_csv(run / "tables" / "claims.csv", dtype=str)
    assert claims["subject"].tolist() == ["S1"]
    text = everything(run)
    assert all("1357" not in text[name] for name in text if name.endswith((".csv", ".json")))
    assert "Four Houses" in text["tables/sites.csv"]
    with closing(sqlite3.connect(run / "study.gpkg")) as base:
        assert base.execute("select households from sites where site_id = 'S9'").fetchone() == (
            None,
        )


def test_the_same_key_gives_the_same_bytes_and_no_key_is_written(
    run: Path, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "figures", lambda *_, **__: {})
    monkeypatch.setenv("GEOSETTLE_MASK_KEY", KEY)
    assert main(["run", str(study), "-o", str(tmp_path / "again"), "--mask", str(K)]) == 0
    first, second = everything(run), everything(tmp_path / "again")
    for name in (n for n in second if n.startswith("tables/") or n in {"study.gpkg", "map.html"}):
        assert first[name] == second[name]
    assert all(KEY not in text for text in first.values())
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["parameters"]["mask_households"] == K


def test_the_map_of_a_masked_run_is_masked(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEOSETTLE_MASK_KEY", KEY)
    assert main(["map", str(run), "-o", str(tmp_path / "m.html")]) == 0
    text = (tmp_path / "m.html").read_text(encoding="utf-8")
    assert text == (run / "map.html").read_text(encoding="utf-8")
    assert "Quillhaven" not in text


def test_a_key_is_made_once_and_only_its_owner_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from geosettle.io.masking_key import mask_key

    monkeypatch.delenv("GEOSETTLE_DEBUG", raising=False)
    monkeypatch.delenv("GEOSETTLE_MASK_KEY", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    key = mask_key()
    path = tmp_path / "config" / "geosettle" / "mask.key"
    assert mask_key() == key == path.read_bytes()
    assert len(key) == 64
    assert path.stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("GEOSETTLE_MASK_KEY", "short")
    assert main(["run", str(gs.template_path()), "-o", str(tmp_path / "o"), "--mask", "20"]) == 2
