"""Locks, bill of materials, and the tests that SECURITY.md names."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import sbom

ROOT = Path(__file__).parent.parent
DEVELOPING = ROOT / "requirements.lock"


def test_the_lock_for_running_is_part_of_the_lock_for_developing() -> None:
    run, every = (sbom.locked(p.read_text(encoding="utf-8")) for p in (sbom.LOCK, DEVELOPING))
    assert "numpy" in run
    assert "pytest" not in run
    assert {n: v[:2] for n, v in run.items()} == {n: every[n][:2] for n in run}
    assert all(hashes for _, hashes, _ in run.values())


def test_the_lock_for_running_holds_what_the_project_declares() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.match(r"[\w.-]+", d)[0].lower().replace("_", "-") for d in project["dependencies"]}
    assert needed <= sbom.locked(sbom.LOCK.read_text(encoding="utf-8")).keys()


def test_the_bill_lists_every_package_of_the_lock(tmp_path: Path) -> None:
    sbom.main(tmp_path)
    bill = json.loads((tmp_path / "sbom.cdx.json").read_text(encoding="utf-8"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    libraries = {c["name"]: c for c in bill["components"] if c["type"] == "library"}
    lock = sbom.locked(sbom.LOCK.read_text(encoding="utf-8"))
    assert {n: c["version"] for n, c in libraries.items()} == {n: v[0] for n, v in lock.items()}
    assert "licenses" in libraries["numpy"]
    refs = [c["bom-ref"] for c in bill["components"]]
    assert len(set(refs)) == len(refs)
    assert sorted(bill["dependencies"][0]["dependsOn"]) == sorted(refs)
    fonts = {c["name"] for c in bill["components"] if c["type"] == "file"}
    assert len(list((ROOT / "geosettle").rglob("*.ttf"))) == sum("Noto" in f for f in fonts)
    notices = (tmp_path / "NOTICES.txt").read_text(encoding="utf-8")
    assert all(f"\n{name} {version}: " in notices for name, (version, _, _) in lock.items())
    assert "Redistribution and use in source and binary forms" in notices


def test_every_promise_names_tests_that_exist() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    promises = text.split("## What is promised")[1].split("\n## ")[0].strip().split("\n\n")
    assert len(promises) > 8
    for promise in promises:
        named = re.findall(r"\[`([\w/]+\.py)::(\w+)`\]\((tests/[\w/]+\.py)\)", promise)
        assert named, promise
        for short, test, path in named:
            assert path == f"tests/{short}"
            assert re.search(
                rf"^def {test}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE
            ), test


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-run.lock"])
def test_locks_name_no_address(lock: str) -> None:
    assert "://" not in re.sub(r"#.*", "", (ROOT / lock).read_text(encoding="utf-8"))
