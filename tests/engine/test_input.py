"""Input files are recognised by content, and refused with a clear error rather than read halfway."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from converter.engine import (
    Corrupt,
    EmptyFile,
    EngineError,
    Fault,
    InvalidRecipe,
    Limits,
    Recipe,
    Result,
    TooManyBytes,
    TooManyFrames,
    TooManyPixels,
    Truncated,
    UnsupportedFormat,
)
from converter.engine.raster import convert, open, pipeline, probe
from converter.engine.raster.encode import Encoder

from . import samples

PNG = Recipe.parse({"format": "png"})


def error_of(data: bytes, limits: Any = None) -> Any:
    """Open, decode and render; return the error raised by one of these."""
    results = convert(data, PNG, limits=limits or Limits())
    assert isinstance(results[0], EngineError), "no error"
    assert results[0].message.text.endswith(".")
    return results[0]


def test_an_empty_file_is_reported_as_empty() -> None:
    assert error_of(b"").code == "empty_file"
    with pytest.raises(EmptyFile):
        open(b"")


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "^SVG drawings"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- drawn --><svg/>", "SVG"),
        (b"%PDF-1.7\n", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "EPS"),
        (b"8BPS\0\1", "Photoshop"),
        (b"II*\0\x10\0\0\0CR\2\0", "RAW"),
        (b"FUJIFILMCCD-RAW 0201", "RAW"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "RAW"),
        (b"\0\0\0\x18ftypisom\0\0\0\1isommp42", "Videos"),
        (b"PK\3\4....", "ZIP"),
    ],
)
def test_known_but_unsupported_formats_are_refused_with_advice(data: bytes, word: str) -> None:
    with pytest.raises(UnsupportedFormat, match=word) as caught:
        open(data)
    assert str(caught.value).count(".") >= 2


def test_a_dng_is_not_taken_for_its_tiff_preview() -> None:
    with pytest.raises(UnsupportedFormat, match="RAW"):
        open(samples.saved(samples.quarters(), "TIFF", tiffinfo={50706: b"\1\4\0\0"}))


READ = ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF", "BMP", "ICO", "JPEG2000"]


def whole(kind: str) -> bytes:
    if kind == "HEIC":
        return (samples.FILES / "phone.heic").read_bytes()
    if kind.startswith("animated "):
        return samples.animated(kind.removeprefix("animated "))
    return samples.saved(samples.photo(), kind)


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        *((format, part) for format in READ for part in (0.5, 0.9)),
        ("HEIC", 0.9),
        ("animated WEBP", 0.75),
        ("animated GIF", 0.75),
    ],
)
def test_a_file_that_ends_too_early_is_an_error(kind: str, part: float) -> None:
    data = whole(kind)
    assert error_of(data[: int(len(data) * part)]).code in {"truncated", "corrupt"}


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "ICO", "JPEG2000", "BMP"])
def test_a_truncated_file_is_reported_as_truncated(format: str) -> None:
    data = samples.saved(samples.photo(), format)
    assert isinstance(error_of(data[: len(data) * 2 // 3]), Truncated)


@pytest.mark.parametrize("format", READ)
def test_a_header_alone_is_an_error(format: str) -> None:
    data = samples.saved(samples.photo(), format)
    for length in (4, 8, 12, 16, 24, 40):
        assert error_of(data[:length]).code in {"truncated", "corrupt", "not_an_image", "unsupported_format"}


def test_noise_after_a_good_header_is_an_error() -> None:
    data = samples.saved(samples.photo(), "PNG")
    assert isinstance(error_of(data[:60] + bytes(range(256)) * 20), Corrupt | Truncated)


def test_too_many_bytes_are_refused_before_anything_is_read() -> None:
    data = samples.saved(samples.quarters(), "PNG")
    with pytest.raises(TooManyBytes):
        open(data, Limits(max_bytes=len(data) - 1))
    open(data, Limits(max_bytes=len(data)))


def test_bombs_are_refused_from_their_headers() -> None:
    bombs = [samples.png_bomb(), samples.ico_bomb()]
    bombs.append(b"GIF89a" + struct.pack("<HHBBB", 60_000, 60_000, 0, 0, 0) + b";")
    bombs.append(
        samples.tiff_pages(1).replace(
            struct.pack("<HHII", 256, 4, 1, 40), struct.pack("<HHII", 256, 4, 1, 20_000_000)
        )
    )
    jpeg = samples.saved(samples.quarters(), "JPEG")
    at = jpeg.index(b"\xff\xc0")
    bombs.append(jpeg[: at + 5] + struct.pack(">HH", 60_000, 60_000) + jpeg[at + 9 :])
    bmp = samples.saved(samples.quarters(), "BMP")
    bombs.append(bmp[:18] + struct.pack("<ii", 50_000, 50_000) + bmp[26:])
    for bomb in bombs:
        with pytest.raises(TooManyPixels):
            open(bomb)


def test_the_pixel_limit_is_exact() -> None:
    data = samples.saved(samples.quarters((100, 50)), "PNG")
    open(data, Limits(max_pixels=5000))
    with pytest.raises(TooManyPixels):
        open(data, Limits(max_pixels=4999))


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "AVIF"])
def test_frames_count_and_add_up(format: str) -> None:
    data = samples.animated(format, size=(60, 40))
    assert probe(data, Limits(max_frames=5, max_total_pixels=12_000)).frames == 5
    with pytest.raises(TooManyFrames):
        open(data, Limits(max_frames=4))
    with pytest.raises(TooManyPixels):
        open(data, Limits(max_total_pixels=11_999))


def test_ten_thousand_frames_are_refused() -> None:
    with pytest.raises(TooManyFrames):
        open(samples.gif_of_empty_frames(10_000))


def test_pages_count_and_add_up() -> None:
    data = samples.tiff_pages(3, (40, 30))
    assert probe(data, Limits(max_frames=3, max_total_pixels=3600)).pages == 3
    with pytest.raises(TooManyFrames):
        open(data, Limits(max_frames=2))
    with pytest.raises(TooManyPixels):
        open(data, Limits(max_total_pixels=3599))


def test_a_result_that_is_too_large_is_refused() -> None:
    recipe = Recipe.parse({"format": "png", "resize": {"width": 60_000, "height": 60_000, "mode": "pad"}})
    source = open(samples.saved(samples.quarters(), "PNG"))
    with pytest.raises(TooManyPixels):
        source.render(recipe)


def test_time_is_checked_between_steps() -> None:
    source = open(samples.animated("GIF"), Limits(seconds=-1))
    with pytest.raises(EngineError) as caught:
        source.render(PNG)
    assert caught.value.code == "timed_out"


def test_a_broken_file_fails_every_recipe_and_a_broken_recipe_only_itself() -> None:
    broken = samples.saved(samples.photo(), "JPEG")[:2000]
    assert [getattr(result, "code", None) for result in convert(broken, PNG, PNG)] == [
        "truncated",
        "truncated",
    ]
    outside = Recipe.parse({"format": "png", "crop": {"x": 0, "y": 0, "width": 1000, "height": 10}})
    refused, second = convert(samples.saved(samples.quarters(), "PNG"), outside, PNG)
    assert isinstance(refused, InvalidRecipe)
    assert refused.errors[0].pointer == "/crop"
    assert isinstance(second, Result)
    assert second.format == "png"


def test_facts_are_for_people_and_for_json() -> None:
    import json

    facts = probe(samples.phone_jpeg(6))
    assert (facts.width, facts.height, facts.orientation) == (160, 120, 6)
    assert (facts.camera, facts.lens, facts.software) == (
        "Phonemaker Phone 15",
        "Back lens",
        "Camera app 1.2",
    )
    assert facts.taken_at == "2026-05-01T12:30:00"
    assert facts.has_location
    assert facts.location == (48.208333, 11.5)
    assert facts.copyright == "(c) Alice"
    assert json.loads(json.dumps(facts.to_dict()))["camera"] == "Phonemaker Phone 15"


def test_hostile_metadata_is_cleaned_and_shortened() -> None:
    block = Image.Exif()
    block[0x0110] = "Cam\x1b[31m\n\t" + "x" * 5000
    block[0x8298] = "\0\0"
    facts = probe(samples.saved(samples.quarters(), "JPEG", exif=block))
    assert facts.camera
    assert facts.camera.startswith("Cam [31m xxx")
    assert len(facts.camera) <= 200
    assert facts.copyright is None


def test_damaged_exif_is_removed_and_reported() -> None:
    data = samples.saved(samples.quarters(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff\xff\xff")
    result = open(data).render(PNG)
    assert samples.looks_like_quarters(samples.opened(result))


def test_a_heic_whose_item_names_are_no_text_is_refused_before_the_decoder_sees_it() -> None:
    data = (samples.FILES / "phone.heic").read_bytes()
    with pytest.raises(Corrupt):
        open(data.replace(b"Exif\0\0\0\0\x0e", b"E\xffif\0\0\0\0\x0e", 1))


def test_an_icon_without_pictures_is_damaged() -> None:
    with pytest.raises(Corrupt):
        open(struct.pack("<HHH", 0, 1, 0) + bytes(20))


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (MemoryError(), "out_of_memory"),
        (RuntimeError("odd"), "corrupt"),
        (EOFError(), "truncated"),
        (OSError("image file is truncated"), "truncated"),
    ],
)
def test_every_decoder_error_becomes_an_engine_error(
    raised: Any, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise raised

    data = samples.saved(samples.quarters(), "PNG")
    monkeypatch.setattr(Image, "open", fail)
    assert error_of(data).code == code


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (MemoryError(), "out_of_memory"),
        (OverflowError(), "engine_error"),
        (Truncated(), "truncated"),
    ],
)
def test_every_encoder_error_becomes_an_engine_error(
    raised: Any, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise raised

    data = samples.saved(samples.quarters(), "PNG")
    monkeypatch.setattr(Image.Image, "save", fail)
    assert error_of(data).code == code


def test_an_encoder_error_is_an_internal_error_and_logged_with_its_cause(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise ValueError("quality setting only supported for 'jpeg' compression")

    data = samples.saved(samples.quarters(), "PNG")
    monkeypatch.setattr(Image.Image, "save", refuse)
    error = error_of(data)
    assert error.code == "engine_error"
    assert "smaller" not in str(error)
    [record] = [record for record in caplog.records if record.name.startswith("converter")]
    assert record.levelname == "ERROR"
    assert "quality setting only supported" in str((record.exc_info or (None, None))[1])


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (MemoryError(), "out_of_memory"),
        (Image.DecompressionBombError(), "too_many_pixels"),
        (IndexError("a slip in a step"), "engine_error"),
        (OSError("image file is truncated"), "engine_error"),
        (EOFError(), "engine_error"),
    ],
)
def test_an_error_in_a_step_is_not_reported_as_damage(
    raised: Any, code: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: Any) -> None:
        raise raised

    monkeypatch.setattr(pipeline, "PIPELINE", (*pipeline.PIPELINE, fail))
    assert error_of(samples.saved(samples.quarters(), "PNG")).code == code
    logged = [
        record.exc_info[1] for record in caplog.records if record.exc_info and record.levelname == "ERROR"
    ]
    assert logged == ([raised] if code == "engine_error" else [])


def test_an_unreadable_result_is_not_reported_as_damage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Encoder, "encode", lambda *args: b"no picture")
    with pytest.raises(Fault):
        open(samples.saved(samples.quarters(), "PNG")).render(
            Recipe.parse({"format": "webp", "aim": "small"})
        )


def test_coordinates_off_the_globe_are_no_location_to_show() -> None:
    block = Image.Exif()
    block[0x8825] = {1: "S", 2: (99.0, 0.0, 0.0), 3: "W", 4: (11.0, 30.0, 0.0)}
    facts = probe(samples.saved(samples.quarters(), "JPEG", exif=block.tobytes()))
    assert (facts.has_location, facts.location) == (True, None)
    block[0x8825] = {1: "S", 2: (9.0, 30.0, 0.0), 3: "W", 4: (11.0, 30.0, 0.0)}
    facts = probe(samples.saved(samples.quarters(), "JPEG", exif=block.tobytes()))
    assert facts.location == (-9.5, -11.5)


def test_unreadable_exif_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Any) -> None:
        raise ValueError("odd")

    data = samples.phone_jpeg(1)
    monkeypatch.setattr(Image.Image, "getexif", fail)
    result = open(data).render(Recipe.parse({"format": "png", "metadata": "keep"}))
    assert "exif_unreadable" in {note.code for note in result.report.warnings}


def test_exif_that_cannot_be_written_is_left_out() -> None:
    block = Image.Exif()
    block[0x0110] = "Phone 15"
    data = samples.saved(samples.quarters(), "JPEG", exif=block.tobytes())
    broken = data.replace(b"\x01\x10\x00\x02", b"\x01\x10\x00\x0c")
    assert broken != data
    result = open(broken).render(Recipe.parse({"format": "webp", "metadata": "keep"}))
    assert samples.looks_like_quarters(samples.opened(result), 25)


def test_a_picture_of_one_endless_row_is_refused_before_it_is_decoded() -> None:
    ihdr = struct.pack(">IIBBBBB", 1, 100_000_000, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", ihdr), (b"IDAT", zlib.compress(bytes(10))), (b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    with pytest.raises(TooManyPixels, match="1×100000000; the limit is 65535 pixels per side"):
        open(data)


def test_a_jpeg_with_a_wrong_size_in_its_header_is_refused_before_memory_is_allocated() -> None:
    data = bytearray(samples.saved(samples.quarters((16, 16)), "JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", 9_999, 9_999)
    assert error_of(bytes(data)).code == "truncated"
