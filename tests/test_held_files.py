"""Files as people hold them: several tables in one file, several files for one layer."""

from __future__ import annotations

import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import rasterio
import shapely
from affine import Affine

import geosettle as gs
from geosettle.errors import InputError
from geosettle.io.column_names import find_columns
from geosettle.io.describe import describe, tables_of
from geosettle.io.notations import parse_position
from geosettle.layers import LAYERS

SITES = pd.DataFrame(
    {
        "Site code": ["K1", "K2", "K3"],
        "Site name": ["Ulan", "Bara", "Keri"],
        "Latitude": [39.47, 39.13, 39.71],
        "Longitude": [75.99, 76.06, 76.17],
        "HHs": [120, 75, 210],
        "Remarks": ["", "school", ""],
    }
)


def test_every_sheet_is_described_from_one_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Round 4, for the cluster"])
    book.active.append(["Not for publication"])
    for title, frame in (
        ("Master list", SITES),
        (
            "Moves",
            pd.DataFrame({"From": ["O1", "O2"], "Site code": ["K1", "K2"], "Households": [80, 40]}),
        ),
    ):
        page = book.create_sheet(title)
        page.append(list(frame))
        for row in frame.itertuples(index=False):
            page.append(list(row))
    book.save(tmp_path / "baseline.xlsx")
    found = {t.layer: describe(t) for t in tables_of(tmp_path / "baseline.xlsx")}
    sites, moves = found["Master list"], found["Moves"]
    assert (sites.role, moves.role) == ("sites", "flows")
    assert sites.columns["households"] == "HHs"
    assert sites.unused == ("Remarks",)
    assert sites.totals == {"rows": 3, "rows_used": 3, "with_position": 3, "households": 405.0}
    assert moves.totals["households"] == 120.0
    assert sites.source.lines is not None
    assert sites.source.lines.tolist() == [2, 3, 4]


def test_an_open_document_sheet_is_read(tmp_path: Path) -> None:
    cells = [list(SITES), *SITES.values.tolist()]

    def cell(value: object) -> str:
        if isinstance(value, str):
            return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'
        return f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>{value}</text:p></table:table-cell>'

    rows = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in cells)
    spaces = " ".join(
        f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"'
        for n in ("office", "table", "text")
    )
    content = (
        f'<?xml version="1.0"?><office:document-content {spaces}><office:body><office:spreadsheet>'
        f'<table:table table:name="sites">{rows}</table:table></office:spreadsheet></office:body></office:document-content>'
    )
    with zipfile.ZipFile(tmp_path / "sites.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr(
            "META-INF/manifest.xml",
            '<?xml version="1.0"?><manifest:manifest '
            'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
    read = gs.read_layer(tmp_path / "sites.ods", "sites", problems=[])
    assert read.index.tolist() == ["K1", "K2", "K3"]
    assert read["households"].sum() == 405


def test_datasets_of_an_archive(tmp_path: Path) -> None:
    square = shapely.box(75, 39, 76, 40)
    for level, name in ((1, "Far"), (2, "Near")):
        frame = gpd.GeoDataFrame(
            {f"ADM{level}_EN": [name], f"ADM{level}_PCODE": [f"F{level}"]},
            geometry=[square],
            crs=4326,
        )
        frame.to_file(tmp_path / f"adm{level}.shp")
    with zipfile.ZipFile(tmp_path / "units.zip", "w") as archive:
        for part in sorted(tmp_path.glob("adm*")):
            archive.write(part, f"boundaries/{part.name}")
    found = tables_of(tmp_path / "units.zip")
    assert [describe(t).columns.get("code") for t in found] == ["ADM1_PCODE", "ADM2_PCODE"]
    read = gs.read_layer(
        tmp_path / "units.zip",
        "boundaries",
        layer="adm2",
        constants={"level": "district"},
        problems=[],
    )
    assert read.index.tolist() == ["F2"]
    assert read["level"].tolist() == ["district"]


def _tile(path: Path, west: float, values: np.ndarray, cell: float = 0.01) -> None:
    with rasterio.open(
        path, "w", driver="GTiff", height=values.shape[0], width=values.shape[1], count=1, dtype="float32",
        crs="EPSG:4326", transform=Affine(cell, 0, west, 0, -cell, 39.1),
    ) as out:  # fmt: skip
        out.write(values.astype("float32"), 1)


def test_tiles_make_one_grid_or_are_refused(tmp_path: Path) -> None:
    heights = np.add.outer(np.arange(10.0), 1000 + np.arange(20.0))
    _tile(tmp_path / "a.tif", 76.0, heights[:, :11])
    _tile(tmp_path / "b.tif", 76.1, heights[:, 10:])  # one column is in both
    (tmp_path / "sites.csv").write_text("site_id,name,lon,lat\nA,a,76.05,39.05\n")
    (tmp_path / "study.toml").write_text(
        '[layers]\nsites = "sites.csv"\ndem = ["a.tif", "b.tif"]\n'
    )
    dem = gs.read_study(tmp_path).dem
    assert dem is not None
    assert np.allclose(dem.values, heights)
    _tile(tmp_path / "b.tif", 76.1, heights[:, 10:], cell=0.02)
    with pytest.raises(InputError, match="another size"):
        gs.read_study(tmp_path)


def test_two_files_make_one_layer(tmp_path: Path) -> None:
    for name, rows in (("west", SITES[:2]), ("east", SITES[2:])):
        rows.to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "study.toml").write_text(
        '[layers.sites]\npath = ["west.csv", "east.csv"]\nwhere = {Remarks = ""}\nset = {year = 2019}\n'
    )
    study = gs.read_study(tmp_path)
    assert study.sites.index.tolist() == ["K1", "K3"]
    assert study.sites["year"].tolist() == [2019, 2019]


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("Est. no. of HHs present", "households"), ("Nombre de ménages", "households"), ("عدد الأسر", "households"),
        ("Количество семей", "households"), ("Nombre del sitio", "name"), ("Código do local", "site_id"),
        ("Population totale", "persons"), ("Año", "year"),
    ],
)  # fmt: skip
def test_words_of_a_header(header: str, column: str) -> None:
    found, _, _ = find_columns(
        [header, "Female headed households", "Date of visit"], LAYERS["sites"]
    )
    assert found.get(column) == header


@pytest.mark.parametrize(
    "cell", ["12/3/2020", "Block 5", "39.5N", "12:30", "", "a, b", "(((((((", "9" * 5000]
)
def test_what_is_no_position(cell: str) -> None:
    assert parse_position(cell)[1] == ""


def test_a_long_cell_costs_no_time() -> None:
    for cell in (
        " " * 1_000_000,
        "1" * 1_000_000,
        "1," * 500_000,
        "[" * 1_000_000,
        "N" * 1_000_000,
    ):
        assert parse_position(cell)[0] is None
