"""Write what geosettle is made of: a bill of materials (CycloneDX) and the notices of third parties.

Usage: python tests/sbom.py [FOLDER]

Versions and hashes are those of requirements-run.lock, licences those that the installed packages
state; fonts and scripts that the package carries are listed with their files.
"""

from __future__ import annotations

import json
import re
import sys
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import geosettle

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements-run.lock"
CARRIED = (
    ("Noto Sans", "OFL-1.1", "geosettle/figures/static/*.ttf"),
    ("Natural Earth 1:110m land", "CC0-1.0", "geosettle/land.json"),
)
"""What the package itself holds of others: name, licence, files."""


def locked(text: str) -> dict[str, tuple[str, list[str], str]]:
    """Name to version, hashes and condition of every package of a lock."""
    found = {}
    for entry in re.split(r"\n(?=[a-z0-9])", text.strip()):
        match = re.match(r"([\w.-]+)==([^\s;\\]+)\s*(?:;\s*([^\\\n]*?))?\s*(?:\\|\n|$)", entry)
        if match:
            hashes = sorted(re.findall(r"--hash=sha256:([0-9a-f]{64})", entry))
            found[match[1]] = (match[2], hashes, (match[3] or "").strip())
    return found


def licence_of(name: str) -> str:
    """Licence that an installed package states; "" for one that is not installed here."""
    try:
        meta = distribution(name).metadata
    except PackageNotFoundError:
        return ""
    stated = meta.get("License-Expression") or ""
    classed = [
        c.rsplit(" :: ", 1)[-1]
        for c in meta.get_all("Classifier") or []
        if c.startswith("License ::")
    ]
    first = (meta.get("License") or "").strip().splitlines()
    return stated or ", ".join(classed) or (first[0][:120] if first else "")


def notices_of(name: str) -> list[tuple[str, str]]:
    """File name and text of every licence and notice that an installed package carries."""
    try:
        files = distribution(name).files or []
    except PackageNotFoundError:
        return []
    wanted = [
        f for f in files if re.match(r"(licen[cs]e|copying|notice|authors)", f.name, re.IGNORECASE)
    ]
    found = []
    for file in sorted(wanted, key=str):
        path = Path(str(file.locate()))
        if ".dist-info" in str(file) and path.is_file():
            found.append((file.name, path.read_text(encoding="utf-8", errors="replace")))
    return found


def components() -> list[dict[str, Any]]:
    """Every component, in the words of CycloneDX."""
    out = []
    for name, (version, hashes, condition) in locked(LOCK.read_text(encoding="utf-8")).items():
        one: dict[str, Any] = {
            "type": "library", "name": name, "version": version, "bom-ref": f"{name}@{version}",
            "purl": f"pkg:pypi/{name}@{version}",
            "properties": [{"name": "geosettle:sha256", "value": h} for h in hashes],
        }  # fmt: skip
        if condition:
            one["properties"].append({"name": "geosettle:condition", "value": condition})
        if licence := licence_of(name):
            one["licenses"] = [{"license": {"name": licence}}]
        out.append(one)
    for name, licence, pattern in CARRIED:
        for path in sorted(ROOT.glob(pattern)):
            digest = sha256(path.read_bytes()).hexdigest()
            out.append({
                "type": "file", "name": f"{name}: {path.name}", "bom-ref": path.relative_to(ROOT).as_posix(),
                "licenses": [{"license": {"id": licence}}],
                "hashes": [{"alg": "SHA-256", "content": digest}],
            })  # fmt: skip
    return out


def bill() -> dict[str, Any]:
    """Bill of materials without a clock or a number drawn: two runs say the same."""
    main = {"type": "application", "name": "geosettle", "version": geosettle.__version__,
            "bom-ref": "geosettle", "licenses": [{"license": {"id": "MIT"}}]}  # fmt: skip
    made = components()
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": {"component": main}, "components": made,
        "dependencies": [{"ref": "geosettle", "dependsOn": [c["bom-ref"] for c in made]}],
    }  # fmt: skip


def notices() -> str:
    """Text of the licences of every package of the lock that is installed here."""
    parts = ["Licences of the packages that geosettle runs with, and of what it carries.\n"]
    for name, (version, _, _) in locked(LOCK.read_text(encoding="utf-8")).items():
        parts.append(f"{'=' * 80}\n{name} {version}: {licence_of(name) or 'not installed here'}\n")
        parts += [f"--- {file}\n{text.rstrip()}\n" for file, text in notices_of(name)]
    for name, licence, pattern in CARRIED:
        count = len(list(ROOT.glob(pattern)))
        parts.append(f"{'=' * 80}\n{name} ({count} files of {pattern}): {licence}\n")
    return "\n".join(parts)


def main(folder: Path) -> None:
    """Write sbom.cdx.json and NOTICES.txt."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sbom.cdx.json").write_text(json.dumps(bill(), indent=1) + "\n", encoding="utf-8")
    (folder / "NOTICES.txt").write_text(notices(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build")
