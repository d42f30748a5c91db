"""The HDR version of a JPEG follows changes to the image; libultrahdr is the reference."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO
from typing import Any

import imagecodecs
import numpy
import pytest
from PIL import Image

from converter.engine import Recipe
from converter.engine.raster import open
from converter.engine.raster.codecs import jpeg_gain_map
from converter.engine.report import Result
from tests.engine.rendering import codes

pytestmark = pytest.mark.long

ISO, MARK = b"urn:iso:std:iso:ts:21496:-1\0", b"http://ns.adobe.com/xap/1.0/\0"
SIZE = (160, 120)


def scene(size: Any = SIZE) -> Any:
    """Return linear light, 1 for white: from black to four times as bright, with a sun of six."""
    width, height = size
    across, down = numpy.meshgrid(numpy.linspace(0, 1, width), numpy.linspace(0, 1, height))
    light = numpy.stack([4 * across**2, 2 * across * down + 0.1, 1.5 * down], axis=-1)
    light[height // 8 : height // 4, width // 2 : width * 3 // 4] = 6
    return numpy.concatenate([light, numpy.ones((height, width, 1))], axis=2).astype(numpy.float16)


@pytest.fixture(scope="module")
def photo() -> Any:
    return bytes(imagecodecs.ultrahdr_encode(scene()))


def rendered(data: bytes, **recipe: Any) -> Result:
    return open(data).render(Recipe.parse({"format": "jpeg", "quality": 95, **recipe}))


def in_hdr(data: bytes) -> Any:
    return imagecodecs.ultrahdr_decode(data)[..., :3].astype(float)


def stops_apart(found: Any, wanted: Any) -> Any:
    """Return the mean difference in stops, except in the darkest parts."""
    lit = wanted.max(axis=2) > 0.2
    return abs(numpy.log2((found[lit] + 0.02) / (wanted[lit] + 0.02))).mean()


def brightest(light: Any) -> Any:
    """Return the light in the centre of the sun."""
    return numpy.quantile(light, 0.99)


@pytest.mark.parametrize(
    ("recipe", "follow"),
    [
        ({}, lambda light: light),
        ({"rotate": 90}, lambda light: numpy.rot90(light, -1)),
        ({"flip": "horizontal"}, lambda light: light[:, ::-1]),
        ({"crop": {"x": 40, "y": 8, "width": 96, "height": 80}}, lambda light: light[8:88, 40:136]),
        ({"color": "keep", "rotate": 180}, lambda light: light[::-1, ::-1]),
        (
            {
                "resize": {"mode": "fill", "width": 60, "height": 120},
                "focal_point": {"x": 100 / 160, "y": 0},
            },
            lambda light: light[:, 70:130],
        ),
    ],
    ids=["as it is", "turned", "mirrored", "cropped", "in its own colours", "around a point"],
)
def test_the_hdr_version_follows(photo: bytes, recipe: dict[str, Any], follow: Callable[..., Any]) -> None:
    result = rendered(photo, **recipe)
    wanted = follow(in_hdr(photo))
    found = in_hdr(result.data)
    assert found.shape == wanted.shape
    gray = (found.mean(axis=2, keepdims=True), wanted.mean(axis=2, keepdims=True))
    assert stops_apart(*gray) <= 0.1
    assert brightest(found) == pytest.approx(brightest(wanted), rel=0.05)
    assert "hdr_kept" in codes(result)
    assert "hdr_lost" not in codes(result)


def test_the_hdr_version_is_resized_too() -> None:
    photo = bytes(imagecodecs.ultrahdr_encode(scene((480, 360))))
    found = in_hdr(rendered(photo, resize={"width": 240}).data)
    wanted = in_hdr(photo).reshape(180, 2, 240, 2, 3).mean(axis=(1, 3))
    assert found.shape == wanted.shape
    gray = (found.mean(axis=2, keepdims=True), wanted.mean(axis=2, keepdims=True))
    assert stops_apart(*gray) <= 0.1
    assert brightest(found) == pytest.approx(brightest(wanted), rel=0.05)


def test_a_coarse_gain_map_stays_as_fine_as_it_is_when_the_picture_shrinks() -> None:
    photo = by_xmp(bytes(imagecodecs.ultrahdr_encode(scene((640, 480)))))
    found = in_hdr(rendered(photo, resize={"width": 160}).data)
    wanted = in_hdr(photo).reshape(120, 4, 160, 4, 3).mean(axis=(1, 3))
    gray = (found.mean(axis=2, keepdims=True), wanted.mean(axis=2, keepdims=True))
    assert stops_apart(*gray) <= 0.05
    assert brightest(found) == pytest.approx(brightest(wanted), rel=0.05)


@pytest.fixture(scope="module")
def grainy() -> Any:
    """Return a photo of a usual size for the web, with a gain map of the same size."""
    grain = numpy.random.default_rng(1).normal(1, 0.06, (480, 640, 1))
    light = scene((640, 480)).astype(float)
    light[..., :3] *= grain
    return bytes(imagecodecs.ultrahdr_encode(light.astype(numpy.float16)))


@pytest.mark.parametrize(
    "recipe",
    [
        {},
        {"rotate": 90},
        {"crop": {"x": 80, "y": 40, "width": 320, "height": 300}},
        {"resize": {"width": 320}},
        {"resize": {"width": 333}},
        {"resize": {"width": 240}},
        {"resize": {"width": 160}},
        {"resize": {"mode": "fill", "width": 300, "height": 300}},
    ],
)
def test_the_hdr_version_costs_few_bytes_and_shines_no_brighter(
    grainy: bytes, recipe: dict[str, Any]
) -> None:
    both, plain = rendered(grainy, **recipe), rendered(grainy, hdr="sdr", **recipe)
    most = 1.15 if both.width >= 240 else 1.22  # in a tiny image, the headers alone are a tenth
    assert len(both.data) <= most * len(plain.data)
    assert codes(plain) & {"hdr_removed"}
    assert in_hdr(both.data).max() <= 1.05 * in_hdr(grainy).max()


@pytest.mark.parametrize("width", [160, 240])
def test_the_hdr_version_of_a_small_picture_has_the_right_light(grainy: bytes, width: int) -> None:
    size = (width, width * 3 // 4)
    found, full = in_hdr(rendered(grainy, resize={"width": width}).data).mean(axis=2), in_hdr(grainy)
    small = Image.fromarray(full.mean(axis=2).astype(numpy.float32)).resize(size, Image.Resampling.BOX)
    wanted = numpy.asarray(small)
    assert stops_apart(found[..., numpy.newaxis], wanted[..., numpy.newaxis]) <= 0.1
    assert brightest(found) == pytest.approx(brightest(wanted), rel=0.05)


@pytest.mark.parametrize("width", [160, 240, 320, 640])
def test_a_gain_map_described_by_xmp_costs_few_bytes_too(grainy: bytes, width: int) -> None:
    data = by_xmp(grainy)
    both, plain = (rendered(data, resize={"width": width}, hdr=hdr).data for hdr in ("keep", "sdr"))
    assert len(both) <= 1.15 * len(plain)
    assert (b"hdrgm:Version" in both) != (ISO in both)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"Gamma": "0.7", "OffsetHDR": "0.25", "GainMapMin": "-0.5", "GainMapMax": "2.321928"},
        {"HDRCapacityMin": "0.5", "HDRCapacityMax": "2.75", "OffsetSDR": "0"},
    ],
    ids=["usual", "range", "capacity"],
)
def test_a_small_picture_says_by_the_iso_standard_what_xmp_said(
    grainy: bytes, changes: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = by_xmp(grainy, changes=changes)
    by_iso = rendered(data, resize={"width": 160}).data
    monkeypatch.setattr(jpeg_gain_map, "_MOST_COST", 100)
    told = rendered(data, resize={"width": 160}).data
    assert (ISO in by_iso, b"hdrgm:" in by_iso) == (b"hdrgm:" in told, ISO in told) == (True, False)
    assert numpy.array_equal(in_hdr(by_iso), in_hdr(told))


def test_a_map_for_an_hdr_picture_stays_described_by_xmp(grainy: bytes) -> None:
    data = by_xmp(grainy, changes={"BaseRenditionIsHDR": "True"})
    assert ISO not in rendered(data, resize={"width": 160}).data


def test_xmp_of_the_gain_map_is_kept_without_padding_and_defaults(grainy: bytes) -> None:
    padded = by_xmp(grainy, b' hdrgm:Extra="1"' + bytes([32]) * 2000)
    small, usual = (rendered(data, resize={"width": 400}).data for data in (padded, by_xmp(grainy)))
    assert len(small) <= len(usual) + 20
    assert b'hdrgm:GainMapMax="3"' in small
    assert b"hdrgm:OffsetSDR" not in small
    assert in_hdr(small).max() == pytest.approx(in_hdr(usual).max(), rel=0.01)


@pytest.mark.parametrize("metadata", ["strip", "keep"])
def test_a_gain_map_described_only_by_xmp_is_kept(grainy: bytes, metadata: str) -> None:
    again = rendered(by_xmp(grainy), metadata=metadata)
    assert again.data.count(b"hdrgm:Version") == 2
    found, wanted = in_hdr(again.data), in_hdr(by_xmp(grainy))
    assert stops_apart(found.mean(axis=2, keepdims=True), wanted.mean(axis=2, keepdims=True)) <= 0.1


def by_xmp(photo: bytes, more: bytes = b"", changes: dict[str, str] | None = None) -> bytes:
    """Return the same in Android's format before ISO 21496-1: XMP and a grey map of up to three stops.

    `more` is XMP about the map, and `changes` are other values in it.
    """
    with Image.open(BytesIO(photo)) as base:
        plain = BytesIO()
        base.convert("RGB").save(plain, "JPEG", quality=95)
    gain = BytesIO()
    Image.linear_gradient("L").resize((40, 30)).save(gain, "JPEG", quality=95)
    told = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"
hdrgm:GainMapMin="0" hdrgm:GainMapMax="3" hdrgm:Gamma="1" hdrgm:OffsetSDR="0.015625" hdrgm:OffsetHDR="0.015625"
hdrgm:HDRCapacityMin="0" hdrgm:HDRCapacityMax="3" hdrgm:BaseRenditionIsHDR="False"/></rdf:RDF></x:xmpmeta>"""
    told = told.replace(b"/></rdf:RDF>", more + b"/></rdf:RDF>")
    for name, value in (changes or {}).items():
        told = re.sub(rb'(hdrgm:%s=")[^"]*' % name.encode(), rb"\g<1>%s" % value.encode(), told)
    gain_map = with_segment(gain.getvalue(), MARK + told)
    directory = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"
xmlns:Container="http://ns.google.com/photos/1.0/container/" xmlns:Item="http://ns.google.com/photos/1.0/container/item/"
hdrgm:Version="1.0"><Container:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"><Container:Item
Item:Semantic="Primary" Item:Mime="image/jpeg"/></rdf:li><rdf:li rdf:parseType="Resource"><Container:Item
Item:Semantic="GainMap" Item:Mime="image/jpeg" Item:Length="%d"/></rdf:li></rdf:Seq></Container:Directory>
</rdf:Description></rdf:RDF></x:xmpmeta>"""
    return with_segment(plain.getvalue(), MARK + directory % len(gain_map)) + gain_map


def with_segment(jpeg: bytes, content: bytes) -> bytes:
    return jpeg[:2] + b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content + jpeg[2:]


@pytest.mark.parametrize(
    ("recipe", "code"),
    [
        ({"hdr": "sdr"}, "hdr_removed"),
        ({"format": "webp"}, "hdr_lost"),
        ({"resize": {"mode": "pad", "width": 90, "height": 90}}, "hdr_lost"),
    ],
)
def test_hdr_that_is_not_kept_is_reported(photo: bytes, recipe: dict[str, Any], code: str) -> None:
    result = rendered(photo, **recipe)
    assert code in codes(result)
    assert ISO not in result.data


def test_a_maximum_size_counts_the_hdr_version(photo: bytes) -> None:
    result = open(photo).render(Recipe.parse({"format": "jpeg", "target_bytes": 5500}))
    assert len(result.data) <= 5500
    assert ISO in result.data


def test_a_damaged_hdr_version_is_left_out_and_the_picture_kept(photo: bytes) -> None:
    at = photo.rindex(b"\xff\xc0")
    result = rendered(photo[: at + 5] + bytes(6) + photo[at + 11 :])
    assert "hdr_lost" in codes(result)
    assert result.width == SIZE[0]
