"""Check and document what is shipped: bill of materials (CycloneDX), licences, and vulnerable C libraries.

python -m infra.supply sbom FILE       write the bill of materials
python -m infra.supply licences FILE   write the table of licences
python -m infra.supply check           print what must not be shipped; fail if there is anything
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

from PIL import features

from converter.engine import raster
from converter.engine.raster import bundled

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements.txt"
LICENCES = ROOT / "docs" / "licences.md"
OLD_AFTER_DAYS = 90

# Licences of packages whose metadata has no SPDX expression or is ambiguous. Checked by hand.
SAID = {
    "argcomplete": "Apache-2.0",
    "aws-lambda-powertools": "MIT-0",
    "cfn-flip": "Apache-2.0",
    "cykooz-resizer": "MIT OR Apache-2.0",
    "deflate": "MIT",
    "django-csp": "BSD-3-Clause",
    "django-ninja": "MIT",
    "hjson": "MIT",
    "kornia-rs": "Apache-2.0",
    "markdown-it-py": "MIT",
    "mdurl": "MIT",
    "numpy": "BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0",
    "placebo": "Apache-2.0",
    "pymupdf-fonts": "OFL-1.1",
    "python-dateutil": "BSD-3-Clause OR Apache-2.0",
    "s3transfer": "Apache-2.0",
    "segno": "BSD-3-Clause",
    "sqlparse": "BSD-3-Clause",
    "text-unidecode": "Artistic-1.0-Perl OR GPL-2.0-or-later",
    "waitress": "ZPL-2.1",
    "warrant": "Apache-2.0",
    "zappa": "MIT",
}

# Licences that our code may depend on and that may be shipped with it. LGPL: only as unmodified shared
# libraries.
ALLOWED = {
    "0BSD", "Apache-2.0", "Artistic-1.0-Perl", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "FTL", "IJG", "ISC",
    "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "OFL-1.1", "PSF-2.0", "Zlib", "ZPL-2.1",
    "libtiff",
}  # fmt: skip

# Licences of the C libraries inside wheels, as given by their projects; the names are those of `bundled`.
OF_LIBRARIES = {
    "aom": "BSD-2-Clause",
    "dav1d": "BSD-2-Clause",
    "freetype": "FTL",
    "fribidi": "LGPL-2.1-or-later",
    "harfbuzz": "MIT",
    "lcms2": "MIT",
    "libavif": "BSD-2-Clause",
    "libde265": "LGPL-3.0-or-later",
    "libheif": "LGPL-3.0-or-later",
    "libjpeg-turbo": "IJG AND BSD-3-Clause",
    "libjxl": "BSD-3-Clause",
    "libtiff": "libtiff",
    "libwebp": "BSD-3-Clause",
    "openjpeg": "BSD-2-Clause",
    "raqm": "MIT",
    "zlib": "Zlib",
}

# Part of a wheel under a licence that is not allowed, but never called.
NOT_CALLED = {"x265": ("pillow-heif", "GPL-2.0-only")}


@dataclass(frozen=True)
class Package:
    """`licence` is an SPDX expression, or empty if the metadata has no usable one."""

    name: str
    version: str
    licence: str


def packages() -> list[Package]:
    """Return the packages of requirements.txt that apply to this system, in order."""
    return [
        Package(name, version, _licence(name)) for name, version in _locked() if _is_installed(name, version)
    ]


def problems(today: date) -> list[str]:
    """Return one sentence for each thing that must not be shipped."""
    found = raster.check()
    for package in packages():
        if not _is_allowed(package.licence):
            said = package.licence or "an unknown licence"
            found.append(f"{package.name} has {said}; infra/supply.py lists the allowed licences.")
    for library in raster.libraries():
        if not _is_allowed(OF_LIBRARIES.get(library.name, "")):
            found.append(f"The licence of {library.name}, which is inside a wheel, is unknown.")
    if features.check("libimagequant"):
        found.append("Pillow was built with libimagequant, which is under the GPL.")
    if LICENCES.read_text() != licences():
        found.append("docs/licences.md is not up to date; run `make docs`.")
    if (today - bundled.CHECKED).days > OLD_AFTER_DAYS:
        # Only a warning, so that the result of a build does not depend on its date.
        print(
            f"The list of known vulnerabilities is of {bundled.CHECKED}: check its sources again.",
            file=sys.stderr,
        )
    return found


def licences() -> str:
    """Return the Markdown page of licences."""
    rows = [f"| {package.name} | {package.licence} |" for package in packages()]
    inside = [f"| {library.name} | {OF_LIBRARIES[library.name]} |" for library in raster.libraries()]
    unused = [
        f"| {name} (in {wheel}, never called) | {licence} |" for name, (wheel, licence) in NOT_CALLED.items()
    ]
    return "\n".join(
        [
            "# Licences",
            "",
            "Imagesite is licensed under the MIT licence. It is shipped with these packages, each under its own licence; the text is in the",
            "package's `*.dist-info` folder. This page is generated by `make docs` and checked by `make check`.",
            "",
            "| package | licence |",
            "|---|---|",
            *rows,
            "",
            "## C libraries inside the packages",
            "",
            "libheif, libde265 and fribidi are under the LGPL: they are loaded as shared libraries and can be replaced by compatible ones. Their",
            "sources are at github.com/strukturag/libheif, github.com/strukturag/libde265 and github.com/fribidi/fribidi. psycopg is also under the",
            "LGPL; it is Python source, except for its wheel of libpq.",
            "",
            "| library | licence |",
            "|---|---|",
            *inside,
            *unused,
            "",
        ]
    )


def sbom() -> str:
    """Return the bill of materials as JSON, validated against the CycloneDX 1.6 schema."""
    from cyclonedx.contrib.license.factories import LicenseFactory
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
    from packageurl import PackageURL

    def component(name: str, version: str, licence: str, **more: Any) -> Component:
        return Component(
            name=name,
            version=version or None,
            licenses=[LicenseFactory().make_from_string(licence)],
            bom_ref=f"{name}@{version}" if version else name,
            **{"type": ComponentType.LIBRARY, **more},
        )

    bom = Bom()
    root = component("imagesite", "", "MIT", type=ComponentType.APPLICATION)
    bom.metadata.component = root
    shipped = {}
    for package in packages():
        purl = PackageURL("pypi", None, package.name, package.version)
        shipped[package.name] = component(package.name, package.version, package.licence, purl=purl)
    for library in raster.libraries():
        inside = component(library.name, library.version, OF_LIBRARIES[library.name])
        shipped[library.wheel].components.add(inside)
    for name, (wheel, licence) in NOT_CALLED.items():
        shipped[wheel].components.add(component(name, "", licence))
    bom.components.update(shipped.values())
    bom.register_dependency(root, shipped.values())
    for name, one in shipped.items():
        bom.register_dependency(one, [shipped[needed] for needed in _needs(name) if needed in shipped])
    text = JsonV1Dot6(bom).output_as_string(indent=2)
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise ValueError(f"The bill of materials is not valid: {error}")
    return text


def _locked() -> Iterator[tuple[str, str]]:
    for line in REQUIREMENTS.read_text().splitlines():
        if found := re.match(r"([\w.-]+)==([\w.+!-]+)", line):
            yield found[1], found[2]


def _is_installed(name: str, version: str) -> bool:
    """Return whether this version is installed; some packages are for other systems or Pythons only."""
    try:
        return metadata.version(name) == version
    except metadata.PackageNotFoundError:
        return False


def _needs(name: str) -> Iterator[str]:
    for requirement in metadata.requires(name) or []:
        if "extra ==" not in requirement and (found := re.match(r"[\w.-]+", requirement)):
            yield re.sub(r"[-_.]+", "-", found[0]).lower()


def _licence(name: str) -> str:
    said = metadata.metadata(name).json
    return SAID.get(name) or str(said.get("license_expression") or said.get("license") or "")


def _is_allowed(expression: str) -> bool:
    """Return whether all parts of an AND or one of an OR are allowed. No shipped package uses parentheses."""
    return any(
        all(part.strip() in ALLOWED for part in choice.split(" AND ")) for choice in expression.split(" OR ")
    )


def main(arguments: list[str]) -> int:
    match arguments:
        case ["sbom", path]:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(sbom() + "\n")
        case ["licences", path]:
            Path(path).write_text(licences())
        case ["check"]:
            found = problems(date.today())
            print("\n".join(found), end="\n" if found else "")
            return 1 if found else 0
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
