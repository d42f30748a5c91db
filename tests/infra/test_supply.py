"""What is shipped is known: its versions, licences and vulnerabilities."""

from __future__ import annotations

import json
import re
import sys
from datetime import date, timedelta
from pathlib import Path
from subprocess import run

import pytest
from PIL import features

from converter.engine import raster
from converter.engine.raster import bundled
from infra import supply

pytestmark = pytest.mark.long

TODAY = date.today()


def test_the_current_packages_have_no_problems() -> None:
    assert supply.problems(TODAY) == []


def test_a_vulnerability_fails_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bundled._ADVISORIES, "libheif", {"lowest": "99.0", "advisory": "CVE-2027-1"})
    version = next(library.version for library in raster.libraries() if library.name == "libheif")
    assert supply.problems(TODAY) == [f"libheif {version} is not safe; 99.0 or later is needed (CVE-2027-1)."]


def test_each_vulnerability_has_a_source_and_the_list_has_a_date() -> None:
    assert bundled.CHECKED <= TODAY
    for name, entry in bundled._ADVISORIES.items():
        assert entry.keys() == {"lowest", "advisory", "source"}, name
        assert re.fullmatch(r"CVE-\d{4}-\d{4,}|GHSA(-[0-9a-z]{4}){3}", entry["advisory"])
        assert entry["source"].startswith("https://")


def test_an_old_list_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    assert supply.problems(bundled.CHECKED + timedelta(days=91)) == []
    assert "check its sources again" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("Apache-2.0 OR GPL-3.0-only", True),
        ("IJG AND BSD-3-Clause", True),
        ("MIT AND GPL-2.0-only", False),
        ("GPL-3.0-or-later", False),
        ("AGPL-3.0-only", False),
        ("", False),
        ("see LICENSE", False),
    ],
)
def test_no_gpl_code_is_called(expression: str, allowed: bool) -> None:
    assert supply._is_allowed(expression) == allowed


def test_a_package_under_the_gpl_fails_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(supply.SAID, "rich", "GPL-3.0-only")
    found = supply.problems(TODAY)
    assert "rich has GPL-3.0-only; infra/supply.py lists the allowed licences." in found


def test_the_parts_of_pillow_under_the_gpl_are_not_there() -> None:
    assert not features.check("libimagequant")
    assert not [path.name for path in _libraries_of("pillow") if "imagequant" in path.name]


def test_the_gpl_encoder_cannot_be_called() -> None:
    code = """
from PIL import Image
from converter.engine.raster.codecs import set_up
set_up()
print({"HEIF", "HEIC"} & {*Image.SAVE, *Image.SAVE_ALL})
"""
    assert run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_the_vulnerable_packages_of_python_jose_are_not_loaded() -> None:
    # CVE-2024-23342 of ecdsa has no fix: tokens are verified by cryptography instead.
    code = """
import sys
from imagesite.accounts.cognito import jwt
from jose import backends, jwt
assert backends.ECKey.__module__ == backends.RSAKey.__module__ == "jose.backends.cryptography_backend"
print({"ecdsa", "rsa"} & set(sys.modules))
"""
    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_bill_of_materials_lists_all_that_is_shipped_and_what_is_inside() -> None:
    bill = json.loads(supply.sbom())  # validated against the CycloneDX schema
    shipped = {component["name"]: component for component in bill["components"]}
    locked = {name for name, version in supply._locked() if supply._is_installed(name, version)}
    assert shipped.keys() == locked
    assert "pytest" not in shipped
    pillow = shipped["pillow"]
    assert re.fullmatch(r"pkg:pypi/pillow@[\d.]+", pillow["purl"])
    inside = {component["name"]: component.get("version") for component in pillow["components"]}
    assert inside["libwebp"] == features.version("webp")
    assert {"libheif", "libde265", "x265"} <= {
        component["name"] for component in shipped["pillow-heif"]["components"]
    }
    needs = {entry["ref"]: entry.get("dependsOn", []) for entry in bill["dependencies"]}
    assert any(ref.startswith("asgiref@") for ref in needs[f"django@{shipped['django']['version']}"])


def _libraries_of(wheel: str) -> list[Path]:
    import PIL

    return list(Path(PIL.__file__).parent.parent.glob(f"{wheel}.libs/*"))
