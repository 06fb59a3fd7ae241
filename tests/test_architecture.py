"""The house stands as DESIGN says: imports go downhill, heavy libraries stay in their rooms,
start-up is quick.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import geosettle

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "geosettle"
MODULES = sorted(PACKAGE.rglob("*.py"))

HOMES = {
    "rasterio": ("io/", "covers", "fetch/"),
    "exactextract": ("covers",),
    "pyogrio": ("io/",),
    "pyarrow": ("io/", "fetch/"),
    "folium": ("maps/",),
    "branca": ("maps/",),
    "matplotlib": ("figures/",),
    "numba": ("distance/_solver/",),
    "argparse": ("cli",),
    **dict.fromkeys(
        ("requests", "urllib", "urllib3", "http", "socket", "ssl", "asyncio", "ftplib"), ("fetch/",)
    ),
}


def imports(path: Path) -> set[str]:
    """Top-level names of everything a file imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


def test_imports_go_downhill() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


@pytest.mark.parametrize("library", sorted(HOMES))
def test_library_stays_in_its_room(library: str) -> None:
    strays = [
        str(path.relative_to(PACKAGE))
        for path in MODULES
        if library in imports(path)
        and not str(path.relative_to(PACKAGE)).startswith(HOMES[library])
    ]
    assert strays == []


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import geosettle", {"numpy", "pandas", "geopandas", "folium"}),
        (
            "import geosettle.cli; geosettle.cli.parser()",
            {"numpy", "pandas", "geopandas", "folium", "rich"},
        ),
        (
            "import geosettle as gs; gs.geodesic_distance(76, 39, 77, 39)",
            {"numba", "folium", "matplotlib", "rasterio"},
        ),
    ],
)
def test_start_up_loads_nothing_heavy(code: str, heavy: set[str]) -> None:
    probe = f"{code}\nimport sys; print(*sys.modules)"
    loaded = set(
        subprocess.run(
            [sys.executable, "-c", probe], capture_output=True, text=True, check=True
        ).stdout.split()
    )
    assert loaded & heavy == set()


def test_every_public_name_loads_and_has_a_docstring() -> None:
    import geosettle as gs

    for name in gs.__all__:
        thing = getattr(gs, name)
        assert not callable(thing) or thing.__doc__, name


def test_no_address_of_a_machine_or_registry_in_the_project() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split("\n")
    pattern = re.compile(
        r"/(work|farm|root|home/\w+|tmp/lab)/|pypi\.org|pythonhosted|registry\.npmjs|deb\.debian\.org"
    )
    texts = [
        ROOT / name
        for name in tracked
        if name.endswith(
            (
                *(".py", ".md", ".toml", ".txt", ".lock", ".csv", ".js", ".css", ".json", ".yml"),
                *(".cff", ".npmrc", "run", "Makefile"),
            )
        )
    ]
    found = [
        f"{path.relative_to(ROOT)}: {match.group(0)}"
        for path in texts
        if path.is_file() and path != Path(__file__)
        for match in pattern.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_lock_pins_every_package_with_a_hash() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[a-z0-9])", lock.strip())
    assert entries
    assert [
        e.split()[0]
        for e in entries
        if not re.match(r"[\w.-]+==\S+", e) or "--hash=sha256:" not in e
    ] == []


def test_citation_names_the_version_of_the_package() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.+)$", citation, re.MULTILINE) == [geosettle.__version__]
    assert re.findall(r"^license: (.+)$", citation, re.MULTILINE) == ["MIT"]


def test_everything_imported_is_declared() -> None:
    """Every distribution whose module is imported in geosettle is in `dependencies` or an extra."""
    import tomllib
    from importlib.metadata import packages_distributions

    root = Path(__file__).parent.parent
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project.get("optional-dependencies", {}).values()
    listed = [*project["dependencies"], *(name for extra in extras for name in extra)]
    declared = {re.match(r"[\w.-]+", line)[0].lower().replace("_", "-") for line in listed}
    homes = packages_distributions()
    missing = set()
    for path in (root / "geosettle").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                plain = isinstance(node, ast.ImportFrom) and node.level == 0
                names = [node.module or ""] if plain else []
            for module in {name.split(".")[0] for name in names} - {
                "geosettle",
                *("qgis", "processing"),  # QGIS loads its plugin itself
                *sys.stdlib_module_names,
            }:
                owners = {name.lower().replace("_", "-") for name in homes.get(module, [module])}
                if not owners & declared:
                    missing.add(module)
    assert missing == set()
    assert {"numpy", "folium"} <= declared
