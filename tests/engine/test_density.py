"""Pixels per inch: kept from any source, set on request, and readable by other programs."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from converter.engine import FORMATS, InvalidRecipe, Recipe, output_schema, sentence
from converter.engine.raster import open
from converter.engine.report import Result

from . import exiftool, samples
from .samples import saved

FIELDS = [
    name for name, format in FORMATS.items() if format.encodes and format.has_density and format.decodes
]
SILENT = ("gif", "ico")
PHOTO = samples.photo((64, 48))


def render(data: bytes, **recipe: Any) -> Result:
    return open(data).render(Recipe.parse(recipe))


def told(data: bytes) -> dict[str, Any]:
    """Return the density in pixels per inch as read by exiftool, by metadata group."""
    axes = ("XResolution", "YResolution", "ResolutionUnit", "PixelsPerUnitX", "PixelsPerUnitY")
    said = exiftool.read(
        data, "-n", "-G1", *(f"-{name}" for name in (*axes, "PixelsPerMeterX", "PixelsPerMeterY"))
    )
    found = {}
    for name, across in said.items():
        group, _, field = name.rpartition(":")
        units = {1: 1, 2: 2.54} if group == "JFIF" else {2: 1, 3: 2.54}
        if field == "XResolution" and (inch := units.get(said.get(f"{group}:ResolutionUnit", 0))):
            found[group] = (across * inch, said[f"{group}:YResolution"] * inch)
        if field in ("PixelsPerUnitX", "PixelsPerMeterX") and across:
            found[group] = (across * 0.0254, said[name.replace("X", "Y")] * 0.0254)
    return found


def page_of(data: bytes) -> tuple[float, float]:
    """Return the size of the first page in points."""
    answer = subprocess.run(["pdfinfo", "-"], input=data, capture_output=True, check=True)
    line = next(line for line in answer.stdout.decode().splitlines() if line.startswith("Page size:"))
    words = line.split()
    return float(words[2]), float(words[4])


def with_exif(unit: int, across: float, down: float) -> Image.Exif:
    exif = Image.Exif()
    exif[282], exif[283], exif[296] = across, down, unit
    return exif


def sources() -> Iterator[Any]:
    for format in ("JPEG", "PNG", "TIFF", "BMP"):
        yield pytest.param(saved(PHOTO, format, dpi=(300, 300)), id=format)
    yield pytest.param(saved(PHOTO, "WEBP", exif=with_exif(2, 300.0, 300.0)), id="WebP, EXIF")
    yield pytest.param(saved(PHOTO, "AVIF", exif=with_exif(3, 118.11, 118.11)), id="AVIF, EXIF in cm")
    yield pytest.param(saved(PHOTO, "JPEG", exif=with_exif(2, 300.0, 300.0)), id="JPEG, EXIF")


@pytest.mark.parametrize("target", FIELDS)
@pytest.mark.parametrize("source", list(sources()))
@pytest.mark.parametrize("metadata", ["strip", "keep"])
def test_the_resolution_of_the_file_is_kept(source: bytes, target: str, metadata: str) -> None:
    found = told(render(source, format=target, metadata=metadata).data)
    assert found
    for said in found.values():
        assert said == pytest.approx((300, 300), abs=0.02)


@pytest.mark.parametrize("target", ["webp", "avif"])
def test_a_resolution_only_in_exif_is_kept_with_exif(target: str) -> None:
    source = saved(PHOTO, "JPEG", dpi=(300, 300), exif=samples_exif())
    kept = told(render(source, format=target, metadata="keep").data)
    assert list(kept.values()) == [pytest.approx((300, 300))]
    assert not told(render(source, format=target).data)


def samples_exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    return exif


@pytest.mark.parametrize("target", FIELDS)
def test_a_file_without_resolution_gets_none(target: str) -> None:
    for format in ("JPEG", "PNG", "WEBP"):
        source = saved(PHOTO, format, exif=samples_exif())  # Pillow would make up 72
        assert not told(render(source, format=target).data)


@pytest.mark.parametrize("target", [*FIELDS, "webp", "avif"])
@pytest.mark.parametrize("metadata", ["strip", "keep"])
def test_a_number_is_set(target: str, metadata: str) -> None:
    source = saved(PHOTO, "JPEG", dpi=(72, 72), exif=with_exif(2, 72.0, 72.0))
    result = render(source, format=target, dpi=240, metadata=metadata)
    found = told(result.data)
    assert found
    for said in found.values():
        assert said == pytest.approx((240, 240), abs=0.02)
    assert "Resolution set to 240 dpi" in [note.text for note in result.report.notes]
    assert (result.width, result.height) == PHOTO.size


@pytest.mark.parametrize("order", ["<", ">"])
def test_setting_the_resolution_leaves_other_exif_fields_unchanged(order: str) -> None:
    from converter.engine.raster import density

    exif = with_exif(3, 28.0, 28.0)
    exif.endian = order
    exif[0x010E] = "Blue hour"
    changed = density.arguments(
        None, False, Recipe.parse({"format": "jpeg", "dpi": 300}), (9, 9), exif.tobytes()
    )
    block = Image.Exif()
    block.load(changed["exif"])
    assert (block[282], block[283], block[296], block[0x010E]) == (300, 300, 2, "Blue hour")
    assert len(changed["exif"]) == len(exif.tobytes())


@pytest.mark.parametrize("target", SILENT)
def test_a_format_without_resolution_refuses_the_option(target: str) -> None:
    with pytest.raises(InvalidRecipe) as caught:
        Recipe.parse({"format": target, "dpi": 300})
    assert [error.pointer for error in caught.value.errors] == ["/dpi"]
    assert "dpi" not in output_schema(FORMATS[target])["properties"]


@pytest.mark.parametrize("dpi", [1, 9601, 300.5, "300", True])
def test_an_impossible_resolution_is_refused(dpi: Any) -> None:
    with pytest.raises(InvalidRecipe):
        Recipe.parse({"format": "jpeg", "dpi": dpi})


@pytest.mark.parametrize("recipe", [{"rotate": 90}, {"rotate": 270, "flip": "vertical"}])
def test_a_fax_that_is_turned_is_dense_the_other_way(recipe: dict[str, Any]) -> None:
    fax = saved(Image.new("L", (204, 98), 255), "TIFF", dpi=(204, 98))
    assert told(render(fax, format="png").data)["PNG-pHYs"] == pytest.approx((204, 98), abs=0.02)
    assert told(render(fax, format="png", **recipe).data)["PNG-pHYs"] == pytest.approx((98, 204), abs=0.02)


def test_a_photo_held_sideways_is_dense_the_other_way() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    source = saved(Image.new("L", (204, 98), 255), "JPEG", dpi=(204, 98), exif=exif)
    assert told(render(source, format="tiff").data)["IFD0"] == pytest.approx((98, 204))


def test_a_pdf_page_is_as_large_as_the_paper() -> None:
    a4 = saved(Image.new("L", (2480, 3508), 255), "TIFF", dpi=(300, 300))
    assert page_of(render(a4, format="pdf").data) == pytest.approx((595, 842), abs=1)
    fax = saved(Image.new("L", (1728, 1077), 255), "TIFF", dpi=(204, 98))
    assert page_of(render(fax, format="pdf").data) == pytest.approx((1728 / 204 * 72, 1077 / 98 * 72), abs=1)
    assert page_of(render(a4, format="pdf", dpi=600).data) == pytest.approx((297.6, 421), abs=1)


def test_a_pdf_page_of_a_file_that_says_nothing_has_150_dots_an_inch() -> None:
    assert page_of(render(saved(Image.new("L", (300, 150), 9), "PNG"), format="pdf").data) == (144, 72)


def test_a_pdf_page_is_never_longer_than_readers_show() -> None:
    strip = saved(Image.new("L", (20_000, 10), 255), "PNG", dpi=(72, 72))
    assert page_of(render(strip, format="pdf").data)[0] == pytest.approx(14_400, abs=1)


@pytest.mark.parametrize("dpi", [(0, 0), (1, 1), (300, 0)])
def test_an_invalid_resolution_is_not_kept(dpi: tuple[int, int]) -> None:
    assert not told(render(saved(PHOTO, "PNG", dpi=dpi), format="jpeg").data)


def test_the_resolution_is_reported() -> None:
    assert "300 dpi" in sentence(Recipe.parse({"format": "jpeg", "dpi": 300}))


def test_every_page_is_as_dense() -> None:
    pages = [Image.new("L", (60, 40), shade) for shade in (10, 200)]
    file = BytesIO()
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:], dpi=(300, 300))
    with Image.open(BytesIO(render(file.getvalue(), format="tiff").data)) as image:
        for page in range(2):
            image.seek(page)
            assert image.info["dpi"] == (300, 300)


def jpeg_with_entries(*entries: tuple[int, int, int, bytes]) -> bytes:
    """Return a JPEG without a resolution of its own; entries are tag, type, count, and value."""
    block = b"II*\0" + struct.pack("<IH", 8, len(entries))
    block += b"".join(struct.pack("<HHI4s", *entry) for entry in entries) + bytes(4)
    file = BytesIO()
    Image.new("RGB", (32, 24), "red").save(file, "JPEG", exif=b"Exif\0\0" + block)
    return file.getvalue()


@pytest.mark.parametrize("kind", [1, 2, 6, 7], ids=["BYTE", "ASCII", "SBYTE", "UNDEFINED"])
def test_a_resolution_of_a_wrong_type_is_no_damage(kind: int) -> None:
    data = jpeg_with_entries((0x011A, kind, 1, b"7\0\0\0"), (0x0128, 3, 1, b"\2\0\0\0"))
    for target in ("jpeg", "tiff", "png"):
        assert open(data).render(Recipe.parse({"format": target, "metadata": "keep"})).width == 32


@pytest.mark.parametrize("number", [1e235, -1.0, float("nan")])
def test_an_impossible_resolution_is_left_out(number: float) -> None:
    block = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 0x011A, 12, 1, 26, 0) + struct.pack("<d", number)
    file = BytesIO()
    Image.new("RGB", (32, 24), "red").save(file, "JPEG", exif=b"Exif\0\0" + block)
    for target in ("tiff", "jpeg"):
        result = open(file.getvalue()).render(Recipe.parse({"format": target, "metadata": "keep"}))
        assert told(result.data) == {}


@pytest.mark.parametrize("unit", [0, 4, 65_535])
@pytest.mark.parametrize("target", ["tiff", "jpeg", "webp"])
def test_an_unknown_unit_is_left_out_and_named(unit: int, target: str) -> None:
    data = jpeg_with_entries((0x0128, 3, 1, struct.pack("<HH", unit, 0)), (0x013B, 2, 3, b"Me\0\0"))
    result = open(data).render(Recipe.parse({"format": target, "metadata": "keep"}))
    (warning,) = [one for one in result.report.warnings if one.code == "exif_fields_not_kept"]
    assert warning.params["names"] == ["ResolutionUnit"]
    assert Image.open(BytesIO(result.data)).getexif()[0x013B] == "Me"
