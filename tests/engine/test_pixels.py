"""Changes to pixels."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from converter.engine import FORMATS, Recipe
from converter.engine.errors import EngineError
from converter.engine.raster import open
from tests.engine.rendering import READ_BACK, WRITTEN, codes, render
from tests.engine.samples import pixel

from . import samples
from .samples import is_near, opened, saved


@pytest.mark.parametrize("target", READ_BACK)
@pytest.mark.parametrize("source", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF", "BMP", "ICO", "JPEG2000"])
def test_every_format_becomes_every_other(source: str, target: str) -> None:
    result = render(saved(samples.quarters((128, 96)), source), format=target)
    assert result.format == target
    image = opened(result)
    assert image.size == (result.width, result.height)
    if target != "ico":
        assert image.size == (128, 96)
        assert samples.looks_like_quarters(image, 25)


def test_pdf_contains_the_image() -> None:
    result = render(saved(samples.quarters(), "PNG"), format="pdf")
    assert result.data.startswith(b"%PDF")
    assert result.data.rstrip().endswith(b"%%EOF")


@pytest.mark.long
def test_a_jpeg_shrunk_while_decoding_looks_like_one_shrunk_after() -> None:
    photo = samples.photo((1603, 1203))
    data = saved(photo, "JPEG", quality=95)
    for width in (100, 150, 333, 800, 1500):
        image = opened(render(data, resize={"width": width}))
        expected = photo.resize(image.size, Image.Resampling.LANCZOS)
        difference = ImageStat.Stat(ImageChops.difference(image.convert("RGB"), expected)).mean
        assert max(difference) < 2.5, width


def test_one_decode_serves_recipes_of_every_kind_and_none_disturbs_another() -> None:
    data = samples.phone_jpeg()
    recipes = [
        Recipe.parse(mapping)
        for mapping in (
            {"format": "jpeg", "resize": {"width": 20}},
            {"format": "png", "watermark": {"text": "mine", "scale": 1}},
            {"format": "webp", "rotate": 90, "flip": "horizontal"},
            {"format": "gif", "crop": {"x": 10, "y": 10, "width": 50, "height": 50}},
            {"format": "tiff", "resize": {"mode": "pad", "width": 300, "height": 300}},
        )
    ]
    together = open(data)
    together.load(recipes)
    shared = [together.render(recipe).data for recipe in [*recipes, *recipes]]
    source = open(data)
    source.load([Recipe.parse({"format": "png"})])
    alone = [source.render(recipe).data for recipe in recipes]
    assert shared == alone + alone


def test_a_larger_recipe_than_was_loaded_for_decodes_again() -> None:
    source = open(saved(samples.photo((800, 600)), "JPEG"))
    source.load([Recipe.parse({"format": "png", "resize": {"width": 50}})])
    assert source.render(Recipe.parse({"format": "png"})).width == 800


def sixteen_bit(format: str) -> bytes:
    image = Image.new("I;16", (64, 16))
    for x in range(64):
        for y in range(16):
            image.putpixel((x, y), x * 1000)
    return saved(image, format)


@pytest.mark.parametrize("target", READ_BACK)
@pytest.mark.parametrize("source", ["PNG", "TIFF"])
def test_sixteen_bits_become_eight_and_not_white(source: str, target: str) -> None:
    result = render(sixteen_bit(source), format=target, depth=8)
    assert "bits_reduced" in codes(result)
    image = opened(result).convert("L")
    scale = image.width / 64
    for x in (5, 20, 40, 60):
        assert abs(pixel(image, (int(x * scale + scale / 2), image.height // 2)) - x * 1000 // 256) <= 10


def test_big_endian_sixteen_bits_become_eight() -> None:
    tiff = saved(Image.frombytes("I;16B", (2, 1), b"\x40\x00\xff\x00"), "TIFF")
    assert list(opened(render(tiff, depth=8)).convert("L").get_flattened_data()) == [0x40, 0xFF]


def test_wide_integers_and_floats_become_eight_bits() -> None:
    integers = Image.new("I", (2, 1))
    integers.putpixel((0, 0), 32768)
    integers.putpixel((1, 0), 65535)
    assert list(opened(render(saved(integers, "TIFF"), depth=8)).convert("L").get_flattened_data()) == [
        128,
        255,
    ]
    floats = Image.new("F", (2, 1))
    floats.putpixel((0, 0), 0.5)
    floats.putpixel((1, 0), 1.0)
    assert list(opened(render(saved(floats, "TIFF"), depth=8)).convert("L").get_flattened_data()) == [
        128,
        255,
    ]


def transparent(mode: str) -> Image.Image:
    image = Image.new("RGBA", (40, 30), (200, 20, 20, 255))
    image.paste((10, 200, 10, 0), (0, 0, 20, 30))
    return image.convert(mode)


def test_flat_art_keeps_every_colour_in_png_and_gif() -> None:
    source = samples.quarters((200, 200))
    for target in ("png", "gif"):
        image = opened(render(saved(source, "PNG"), format=target))
        assert image.mode == "P"
        assert ImageChops.difference(image.convert("RGB"), source).getbbox() is None


def test_photos_stay_photos_in_png() -> None:
    photo = samples.photo()
    image = opened(render(saved(photo, "PNG")))
    assert ImageChops.difference(image, photo).getbbox() is None


def test_grey_stays_grey() -> None:
    gray = saved(samples.photo().convert("L"), "PNG")
    for target in ("jpeg", "png", "tiff", "jp2"):
        assert opened(render(gray, format=target)).mode == "L"


def test_black_and_white_pages_stay_one_bit() -> None:
    page = samples.quarters().convert("1")
    tiff = saved(page, "TIFF", compression="group4")
    for target in ("tiff", "png"):
        assert opened(render(tiff, format=target)).mode == "1"
    assert opened(render(tiff, format="png", resize={"width": 33})).mode == "L"


def test_padding_puts_the_background_around() -> None:
    source = saved(samples.quarters((100, 50)), "PNG")
    image = opened(render(source, resize={"mode": "pad", "width": 100, "height": 100}, background="#ff00ff"))
    assert image.size == (100, 100)
    assert is_near(pixel(image.convert("RGB"), (50, 5)), (255, 0, 255))
    clear = opened(
        render(source, resize={"mode": "pad", "width": 100, "height": 100}, background="transparent")
    )
    assert pixel(clear.convert("RGBA"), (50, 5))[3] == 0
    assert pixel(clear.convert("RGBA"), (30, 40))[3] == 255
    top = opened(render(source, resize={"mode": "pad", "width": 100, "height": 100, "gravity": "top"}))
    assert is_near(pixel(top.convert("RGB"), (20, 5)), samples.COLORS["red"])


def test_filling_cuts_what_is_over() -> None:
    image = opened(
        render(
            saved(samples.quarters((200, 100)), "PNG"),
            resize={"mode": "fill", "width": 50, "height": 50, "gravity": "left"},
        )
    )
    assert image.size == (50, 50)
    assert is_near(pixel(image.convert("RGB"), (10, 10)), samples.COLORS["red"])


def test_nothing_is_enlarged_unless_requested() -> None:
    source = saved(samples.quarters((100, 50)), "PNG")
    result = render(source, resize={"width": 400})
    assert (result.width, result.height) == (100, 50)
    assert "not_enlarged" in codes(result)
    assert render(source, resize={"width": 400, "enlarge": True}).width == 400


def test_icons_are_square_and_small() -> None:
    result = render(saved(samples.quarters((500, 300)), "PNG"), format="ico")
    icon = Image.open(BytesIO(result.data))
    assert (result.width, result.height) == (256, 256)
    assert icon.info["sizes"] == {(side, side) for side in (16, 24, 32, 48, 64, 128, 256)}
    assert "shrunk_for_format" in codes(result)
    tiny = Image.open(BytesIO(render(saved(samples.quarters((10, 6)), "PNG"), format="ico").data))
    assert tiny.info["sizes"] == {(10, 10)}


@pytest.mark.parametrize("target", ["webp", "avif"])
def test_unsupported_images_are_refused_before_encoding(target: str) -> None:
    strip = Image.new("L", (FORMATS[target].max_side + 1, 1))
    source = open(saved(strip, "PNG"))
    with pytest.raises(EngineError, match=f"at most {FORMATS[target].max_side} pixels") as caught:
        source.render(Recipe.parse({"format": target}))
    assert caught.value.code == "too_large_for_format"


@pytest.mark.long
@pytest.mark.parametrize("target", WRITTEN)
def test_the_longest_side_that_the_table_promises_can_be_written(target: str) -> None:
    side = FORMATS[target].max_side
    result = render(saved(Image.new("L", (side, 1), 80), "PNG"), format=target)
    assert result.width == side


def test_the_same_work_gives_the_same_bytes() -> None:
    data = saved(samples.photo((64, 48)), "PNG")
    for target in WRITTEN:
        assert render(data, format=target).data == render(data, format=target).data


@pytest.mark.slow
def test_noise_can_be_encoded_at_the_best_quality() -> None:
    noise = Image.merge("RGB", [Image.effect_noise((300, 200), 200) for _ in range(3)])
    for quality in (50, 89, 90, 94, 95, 100):
        for progressive in (True, False):
            result = render(saved(noise, "PNG"), format="jpeg", quality=quality, progressive=progressive)
            assert opened(result).size == (300, 200)


@pytest.mark.long
def test_lossless_means_every_pixel() -> None:
    photo = samples.photo()
    for target in ("webp", "jp2"):
        image = opened(render(saved(photo, "PNG"), format=target, lossless=True))
        assert ImageChops.difference(image.convert("RGB"), photo).getbbox() is None


@pytest.mark.long
def test_quality_changes_the_size() -> None:
    data = saved(samples.photo(), "PNG")
    for target in ("jpeg", "webp", "avif", "jp2", "pdf"):
        low, high = (render(data, format=target, quality=quality) for quality in (20, 90))
        assert len(low.data) < len(high.data), target


def test_the_report_says_what_happened() -> None:
    import json

    result = open(samples.phone_jpeg()).render(Recipe.parse({"format": "webp", "resize": {"width": 80}}))
    report = json.loads(json.dumps(result.report.to_dict()))
    assert report["resized"] == {"from": [160, 120], "to": [80, 60]}
    assert report["frames"] == {"in": 1, "kept": 1}
    assert report["bytes_after"] == len(result.data)
    assert report["encoder"] == {"name": "WebP", "settings": {"quality": 80, "method": 4}}
    assert report["similarity"] is None
    assert report["engine"]["pillow"]
    texts = [note["text"] for note in report["notes"]]
    assert texts[:2] == ["Rotated upright", "Resized from 160×120 to 80×60"]
    assert "Location removed" in texts


@pytest.mark.long
def test_a_result_larger_than_its_source_in_the_same_kind_of_format_is_a_warning() -> None:
    for source, target in (("JPEG", "jpeg"), ("JPEG", "jp2"), ("WEBP", "webp"), ("AVIF", "avif")):
        result = render(saved(samples.photo(), source, quality=5), format=target, quality=95)
        assert [note.code for note in result.report.warnings] == ["larger_than_source"], target


@pytest.mark.parametrize(
    ("source", "options", "words"),
    [
        ("HEIF", {"format": "jpeg", "quality": 100}, "JPEG files are larger than HEIC. That is normal."),
        ("AVIF", {"format": "webp", "quality": 100}, "WebP files are larger than AVIF. That is normal."),
        ("WEBP", {"format": "pdf", "quality": 100}, "PDF files are larger than WebP. That is normal."),
        ("JPEG", {"format": "png"}, "PNG files are larger than JPEG. That is normal."),
        (
            "JPEG",
            {"format": "webp", "lossless": True},
            "Lossless WebP files are larger than JPEG. That is normal.",
        ),
        ("PNG", {"format": "bmp"}, "BMP files are larger than PNG. That is normal."),
    ],
)
def test_a_result_larger_by_the_nature_of_its_format_is_no_warning(
    source: str, options: dict[str, Any], words: str
) -> None:
    heic = (samples.FILES / "phone.heic").read_bytes()
    data = heic if source == "HEIF" else saved(samples.photo(), source, quality=5)
    result = render(data, **options)
    assert len(result.data) > len(data)
    assert not result.report.warnings
    assert words in [note.text for note in result.report.notes]


def test_data_after_the_image_is_removed() -> None:
    data = samples.phone_jpeg() + b"PK\3\4 a hidden archive"
    result = open(data).render(Recipe.parse({"format": "jpeg", "metadata": "keep"}))
    assert b"hidden archive" not in result.data


def test_an_mpo_is_read_as_its_first_picture() -> None:
    mpo = saved(samples.quarters(), "MPO", save_all=True, append_images=[samples.photo((160, 120))])
    source = open(mpo)
    assert (source.facts.format, source.facts.frames, source.facts.pages) == ("jpeg", 1, 2)
    assert samples.looks_like_quarters(opened(source.render(Recipe.parse({"format": "png"}))), 25)


def test_the_loss_of_the_hdr_version_is_reported() -> None:
    xmp = samples.XMP.replace(b"dc:format", b'hdrgm:Version="1.0" dc:format')
    base, gain_map = (
        saved(samples.quarters(), "JPEG", xmp=xmp),
        saved(samples.quarters().convert("L"), "JPEG"),
    )
    assert "hdr_lost" in codes(render(base + gain_map))


def test_of_several_pictures_in_heic_the_main_one_is_kept() -> None:
    source = open((samples.FILES / "two.heic").read_bytes())
    result = source.render(Recipe.parse({"format": "png"}))
    assert "primary_image_only" in codes(result)
    assert is_near(pixel(opened(result).convert("RGB"), (30, 20)), (30, 30, 200), 20)


@pytest.mark.parametrize("mode", ["YCbCr", "HSV", "La", "RGBa", "RGBX", "LAB", "PA", "I;16B"])
def test_every_mode_that_a_decoder_may_give_is_understood(mode: str) -> None:
    from converter.engine.raster.color import eight_bit

    via = {"La": "LA", "RGBa": "RGBA", "I;16B": "I;16", "PA": "P"}.get(mode)
    image = (
        Image.new("LAB", (4, 4), (200, 128, 128)) if mode == "LAB" else samples.quarters((4, 4), via or "RGB")
    )
    if mode == "I;16B":
        image = Image.frombytes("I;16B", (4, 4), b"\x80\x00" * 16)
    elif mode != "LAB":
        image = image.convert(mode)
    assert eight_bit(image).mode in {"L", "LA", "RGB", "RGBA"}


def test_padding_one_side_keeps_the_shape() -> None:
    source = saved(samples.quarters((100, 50)), "PNG")
    result = render(source, resize={"mode": "pad", "width": 500})
    assert (result.width, result.height) == (500, 250)
    same = render(source, resize={"mode": "pad", "width": 100, "height": 50})
    assert "padded" not in codes(same)
    on_transparent = render(
        saved(transparent("RGBA"), "PNG"), resize={"mode": "pad", "width": 60, "height": 60}
    )
    assert opened(on_transparent).convert("RGBA").getpixel((2, 2)) == (255, 255, 255, 255)
