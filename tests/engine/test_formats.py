from __future__ import annotations

import json

import pytest

from converter.engine import FORMATS, Recipe, auto_options, check, format_for, probe, versions

from .samples import quarters, saved

WRITTEN = [format for format in FORMATS.values() if format.encodes]


def test_the_table_names_every_format_once():
    assert list(FORMATS) == ["jpeg", "png", "webp", "avif", "gif", "tiff", "bmp", "ico", "jp2", "heic", "pdf"]
    extensions = [extension for format in FORMATS.values() for extension in format.extensions]
    assert len(extensions) == len(set(extensions))


def test_formats_are_found_by_name_and_by_extension():
    assert format_for("jpg") is format_for("JPEG") is FORMATS["jpeg"]
    assert format_for("tif") is FORMATS["tiff"]
    assert format_for("heif") is FORMATS["heic"]
    with pytest.raises(KeyError):
        format_for("svg")


@pytest.mark.parametrize("format", WRITTEN, ids=lambda format: format.name)
def test_options_are_what_the_recipe_accepts(format):
    options = format.options()
    json.dumps(options)
    Recipe.parse({"format": format.name})
    offered = set(options["properties"])
    assert ("quality" in offered) == format.quality
    assert ("aim" in offered) == ("target_bytes" in offered) == format.quality
    assert ("effort" in offered) == bool(format.default_effort)
    assert ("lossless" in offered) == (format.lossless and format.quality)
    assert ("frames" in offered) == (format.animation or format.pages)
    for name, option in options["properties"].items():
        if name == "format":
            assert option == {"const": format.name}
        elif option["default"] is not None:
            Recipe.parse({"format": format.name, name: option["default"]})


@pytest.mark.parametrize(
    "format", [format for format in WRITTEN if format.decodes], ids=lambda format: format.name
)
def test_a_file_is_known_by_its_content(format):
    facts = probe(saved(quarters(), format.pillow))
    assert (facts.format, facts.mime, facts.width, facts.height) == (format.name, format.mime, 160, 120)


def test_choosing_for_each_picture_has_options_too():
    options = auto_options()["properties"]
    assert options["format"] == {"const": "auto"}
    assert "quality" not in options
    assert {"aim", "target_bytes", "lossless", "frames"} <= set(options)
    Recipe.parse({"format": "auto", "aim": "small"})


def test_every_codec_is_there():
    assert check() == []
    assert {"pillow", "libheif", "webp", "avif", "zlib"} <= set(versions())


def test_a_missing_codec_is_told(monkeypatch):
    from PIL import features

    monkeypatch.setattr(features, "check", lambda feature: feature != "avif")
    assert check() == ["Pillow was built without avif."]


def test_a_library_that_does_not_say_what_it_is_is_told(monkeypatch):
    import pi_heif
    from PIL import features

    monkeypatch.setattr(features, "version", lambda feature: None)
    monkeypatch.setattr(pi_heif, "libheif_info", lambda: {"decoders": {}})
    assert check() == ["zlib does not tell its version.", "libheif has no decoder for HEIC."]
