from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from converter.engine import FORMATS, Recipe, auto_schema, format_for, output_schema
from converter.engine.formats import Format
from converter.engine.raster import Library, check, libraries, probe, versions

from . import samples
from .samples import quarters, saved

WRITTEN = [format for format in FORMATS.values() if format.encodes]


def test_the_table_names_every_format_once() -> None:
    assert list(FORMATS) == [
        "jpeg",
        "png",
        "webp",
        "avif",
        "jxl",
        "gif",
        "tiff",
        "bmp",
        "ico",
        "jp2",
        "heic",
        "pdf",
    ]
    extensions = [extension for format in FORMATS.values() for extension in format.extensions]
    assert len(extensions) == len(set(extensions))


def test_formats_are_found_by_name_and_by_extension() -> None:
    assert format_for("jpg") is format_for("JPEG") is FORMATS["jpeg"]
    assert format_for("tif") is FORMATS["tiff"]
    assert format_for("heif") is FORMATS["heic"]
    with pytest.raises(KeyError):
        format_for("svg")


@pytest.mark.parametrize("format", WRITTEN, ids=lambda format: format.name)
def test_options_are_what_the_recipe_accepts(format: Format) -> None:
    options = output_schema(format)
    json.dumps(options)
    Recipe.parse({"format": format.name})
    offered = set(options["properties"])
    assert ("quality" in offered) == format.quality
    assert ("aim" in offered) == ("target_bytes" in offered) == format.quality
    assert ("effort" in offered) == bool(format.default_effort)
    assert ("lossless" in offered) == (format.lossless and format.quality)
    assert {"frames", "pages"} <= offered
    for name, option in options["properties"].items():
        if name == "format":
            assert option == {"const": format.name}
        elif option["default"] is not None:
            Recipe.parse({"format": format.name, name: option["default"]})


@pytest.mark.parametrize(
    "format", [format for format in WRITTEN if format.decodes], ids=lambda format: format.name
)
def test_a_file_is_known_by_its_content(format: Format) -> None:
    [result] = samples.render_all(saved(quarters((64, 64)), "PNG"), Recipe.parse({"format": format.name}))
    facts = probe(result.data)
    assert (facts.format, facts.mime, facts.width, facts.height) == (format.name, format.mime, 64, 64)


def test_auto_has_options_too() -> None:
    options = auto_schema()["properties"]
    assert options["format"] == {"const": "auto"}
    assert "quality" not in options
    assert {"aim", "target_bytes", "lossless", "frames"} <= set(options)
    Recipe.parse({"format": "auto", "aim": "small"})


def test_every_codec_is_there() -> None:
    assert check() == []
    assert {"pillow", "pillow-heif", "libheif", "libwebp", "libavif", "zlib"} <= set(versions())


@pytest.fixture
def asked_again() -> Iterator[Any]:
    libraries.cache_clear()
    yield
    libraries.cache_clear()


def test_a_missing_codec_is_reported(monkeypatch: pytest.MonkeyPatch, asked_again: None) -> None:
    from PIL import features

    monkeypatch.setattr(features, "check", lambda feature: feature != "avif")
    assert check() == ["Pillow was built without avif."]


def test_a_missing_decoder_of_heic_is_reported(monkeypatch: pytest.MonkeyPatch, asked_again: None) -> None:
    import pillow_heif

    info = {**pillow_heif.libheif_info(), "decoders": {}}
    monkeypatch.setattr(pillow_heif, "libheif_info", lambda: info)
    assert check() == ["libheif has no decoder for HEIC."]


def test_every_library_that_reads_files_says_its_version_and_has_a_lowest_one() -> None:
    found = {library.name: library for library in libraries()}
    guarded = {name for name, library in found.items() if library.lowest}
    assert guarded == {
        "dav1d",
        "lcms2",
        "libavif",
        "libde265",
        "libheif",
        "libjpeg-turbo",
        "libtiff",
        "libwebp",
        "openjpeg",
    }
    assert [name for name in guarded if not re.fullmatch(r"\d+(\.\d+)+", found[name].version)] == []


def test_versions_are_those_in_the_wheels() -> None:
    # Reference: the names that the linker gave the files.
    import PIL

    held = [path.name for path in Path(PIL.__file__).parent.parent.glob("pillow*.libs/*")]
    found = {library.name: library.version for library in libraries()}
    assert any(name.endswith(f".so.{found['libheif']}") for name in held)
    assert any(re.fullmatch(rf"libopenjp2-.*\.so\.{found['openjpeg']}", name) for name in held)


@pytest.mark.parametrize(
    ("name", "version", "problem"),
    [
        ("libheif", "1.23.0", "libheif 1.23.0 is not safe; 1.23.6 or later is needed (CVE-2026-84383)."),
        ("libheif", "1.3.10", "libheif 1.3.10 is not safe; 1.23.6 or later is needed (CVE-2026-84383)."),
        ("libheif", "1.23.6", ""),
        ("libheif", "1.23.10", ""),
        ("libde265", "1.1.0", "libde265 1.1.0 is not safe; 1.1.2 or later is needed (GHSA-xp3h-6f5r-8cxp)."),
        ("libtiff", "", "libtiff does not tell its version; 4.7.2 or later is needed (CVE-2026-4775)."),
        ("freetype", "1.0", ""),
    ],
)
def test_a_library_that_is_too_old_is_named(name: str, version: str, problem: str) -> None:
    assert Library(name, version, "pillow").problem == problem


def test_an_old_decoder_fails_the_check(monkeypatch: pytest.MonkeyPatch, asked_again: None) -> None:
    import pillow_heif

    info = {**pillow_heif.libheif_info(), "libheif": "1.23.0"}
    monkeypatch.setattr(pillow_heif, "libheif_info", lambda: info)
    assert check() == ["libheif 1.23.0 is not safe; 1.23.6 or later is needed (CVE-2026-84383)."]


def test_heic_is_read_and_never_written() -> None:
    from PIL import Image

    probe((samples.FILES / "phone.heic").read_bytes())
    with pytest.raises(KeyError):
        quarters().save(BytesIO(), "HEIF")
    with pytest.raises(KeyError):
        quarters().save(BytesIO(), "HEIF", save_all=True)
    assert "HEIF" in Image.OPEN
