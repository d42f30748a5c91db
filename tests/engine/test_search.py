"""Targets for file size and visual score are met."""

from __future__ import annotations

import math
from typing import Any

import pytest
from PIL import Image, ImageFilter

from converter.engine import TargetUnreachable, TimedOut
from converter.engine.formats import FORMATS
from converter.engine.limits import Deadline
from converter.engine.raster.codecs import codec_for
from converter.engine.raster.encode import Encoder
from converter.engine.raster.score import Reference
from converter.engine.raster.search import (
    AIMS,
    EncodedAt,
    QualityTarget,
    Usual,
    largest_within,
    lowest_alike,
    quick,
    thorough,
)
from converter.engine.raster.similarity import similarity, similarity_of_gray

from . import samples
from .samples import opened, saved
from .unhurried import PHOTO, SIZE, note, render

pytestmark = pytest.mark.long

USUAL = Usual(((0, 0), (60, 45), (70, 65), (82, 82), (95, 100)))


@pytest.mark.slow
@pytest.mark.parametrize("format", ["jpeg", "webp", "avif", "jp2", "pdf"])
def test_a_target_in_bytes_is_never_exceeded_and_well_used(format: str) -> None:
    smallest, largest = (len(render(PHOTO, format=format, quality=quality).data) for quality in (10, 95))
    for part in (0.3, 0.6, 0.9):
        target = round(smallest + (largest - smallest) * part)
        result = render(PHOTO, format=format, target_bytes=target)
        assert len(result.data) <= target
        met = note(result, "bytes_met").params
        assert met["target"] == target
        assert len(result.data) >= 0.75 * target or met["quality"] == 95
        if format != "pdf":
            assert 0 < (result.report.similarity or 0) <= 1


def test_an_unusually_low_quality_has_a_warning() -> None:
    sizes = {quality: len(render(PHOTO, format="jpeg", quality=quality).data) for quality in (14, 60)}
    low = render(PHOTO, format="jpeg", target_bytes=sizes[14])
    (warning,) = [warning for warning in low.report.warnings if warning.code == "low_quality"]
    assert warning.params["quality"] == note(low, "bytes_met").params["quality"] == 14
    good = render(PHOTO, format="jpeg", target_bytes=sizes[60] + 50)
    assert "low_quality" not in [warning.code for warning in good.report.warnings]


def test_a_target_that_is_easily_met_takes_the_best_quality() -> None:
    result = render(PHOTO, format="jpeg", target_bytes=10_000_000)
    assert note(result, "bytes_met").params["quality"] == 95


def test_few_encodes_find_the_target() -> None:
    for target in range(20_000, 400_000, 7_000):
        tried: list[int] = []

        def encode(quality: int, tried: list[int] = tried) -> bytes:
            tried.append(quality)
            return bytes(int(12_000 * math.exp(quality / 27)))

        found = largest_within(encode, target, Deadline(60))
        assert found
        assert len(found.data) <= target
        assert len(tried) <= 8
        assert (
            found.quality == 95 or len(encode(found.quality + 1)) > target or len(found.data) >= 0.97 * target
        )
        assert len(tried) == len(set(tried)) or tried[-1] == found.quality + 1


def test_an_irregular_curve_is_searched_too() -> None:
    def steps(quality: int) -> bytes:
        return bytes(1000 if quality < 60 else 90_000)

    found = largest_within(steps, 50_000, Deadline(60))
    assert found
    assert len(found.data) == 1000
    assert largest_within(steps, 999, Deadline(60)) is None
    assert isinstance(largest_within(steps, 1000, Deadline(60)), EncodedAt)


def test_an_impossible_target_names_the_size_that_would_fit() -> None:
    with pytest.raises(TargetUnreachable, match=r"It would fit at \d+×\d+") as caught:
        render(PHOTO, format="jpeg", target_bytes=800)
    width = int(caught.value.params["width"])
    result = render(PHOTO, format="jpeg", target_bytes=800, resize={"width": width})
    assert len(result.data) <= 800


def test_an_image_is_shrunk_to_fit_when_requested() -> None:
    result = render(PHOTO, format="webp", target_bytes=500, shrink_to_fit=True)
    assert len(result.data) <= 500
    assert result.width < 320
    assert abs(result.width / result.height - 320 / 240) < 0.1
    assert note(result, "shrunk_to_fit").params["width"] == result.width
    assert result.report.resized == (SIZE, (result.width, result.height))


def test_a_target_that_no_size_meets_is_reported() -> None:
    with pytest.raises(TargetUnreachable, match="at any size"):
        render(PHOTO, format="pdf", target_bytes=100, shrink_to_fit=True)


def test_an_animation_meets_its_target_too() -> None:
    data = samples.saved(
        samples.grainy((80, 60)),
        "WEBP",
        save_all=True,
        append_images=[samples.grainy((80, 60), seed) for seed in (1, 2, 3)],
        duration=50,
        quality=95,
    )
    result = render(data, format="webp", target_bytes=6000)
    assert result.frames == 4
    assert len(result.data) <= 6000


def test_a_search_for_bytes_without_time_gives_what_fits_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Deadline, "leaves", lambda *_: False)
    result = render(PHOTO, format="webp", target_bytes=1_000_000)
    assert note(result, "search_stopped").params["quality"] == note(result, "bytes_met").params["quality"]
    assert len(result.data) <= 1_000_000


def test_a_search_stops_before_an_encode_for_which_there_is_no_time() -> None:
    def slow(quality: int) -> bytes:
        now[0] += 15
        return bytes(quality)

    now = [0.0]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("time.monotonic", lambda: now[0])
        assert largest_within(slow, 80, Deadline(60)) == EncodedAt(10, bytes(10), cut_short=True)
        assert now[0] == 15
        with pytest.raises(TimedOut):
            largest_within(slow, 1000, Deadline(-1))


@pytest.mark.slow
def test_effort_makes_smaller_files() -> None:
    for format in ("webp", "avif", "png"):
        fast, thorough = (
            len(render(saved(samples.photo(), "PNG"), format=format, effort=effort).data) for effort in (1, 9)
        )
        assert thorough < fast * 1.02


def test_similarity_is_one_for_equal_pictures_and_falls_with_damage() -> None:
    photo = samples.photo((300, 200))
    scores = [similarity(photo, photo.filter(ImageFilter.GaussianBlur(radius))) for radius in (0, 1, 3, 9)]
    assert scores[0] == pytest.approx(1)
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] < 0.97


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (7, 200), (1700, 1300)])
def test_similarity_works_at_any_size(size: tuple[int, int]) -> None:
    image = samples.photo(size)
    assert similarity(image, image) == pytest.approx(1)


def test_similarity_sees_palettes_and_transparency() -> None:
    flat = samples.quarters((40, 40))
    assert similarity(flat, flat.quantize(16)) == pytest.approx(1, abs=0.01)
    clear = flat.convert("RGBA")
    clear.putalpha(0)
    assert similarity(clear, Image.new("RGB", (40, 40), "white")) == pytest.approx(1)


def test_similarity_agrees_with_the_formula() -> None:
    import numpy

    first = samples.photo((64, 48)).convert("L")
    second = first.filter(ImageFilter.GaussianBlur(2))
    x, y = (numpy.asarray(image, dtype=float) for image in (first, second))
    scores = []
    for top in range(0, 48 - 7, 4):
        for left in range(0, 64 - 7, 4):
            a, b = (plane[top : top + 8, left : left + 8] for plane in (x, y))
            covariance = ((a - a.mean()) * (b - b.mean())).mean()
            c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
            luminance = (2 * a.mean() * b.mean() + c1) / (a.mean() ** 2 + b.mean() ** 2 + c1)
            scores.append(luminance * (2 * covariance + c2) / (a.var() + b.var() + c2))
    assert similarity(first, second) == pytest.approx(sum(scores) / len(scores), abs=0.002)


def busy_corner(corner: str) -> Image.Image:
    """Return a flat image with detail in one corner."""
    image = Image.new("RGB", (400, 300), (120, 130, 140))
    detail = samples.quarters((80, 80)).filter(ImageFilter.EDGE_ENHANCE_MORE)
    image.paste(detail, {"left": (10, 110), "right": (310, 110)}[corner])
    return image


@pytest.mark.parametrize("corner", ["left", "right"])
def test_smart_gravity_keeps_the_most_detailed_part(corner: str) -> None:
    resize = {"mode": "fill", "width": 150, "height": 300, "gravity": "smart"}
    result = render(saved(busy_corner(corner), "PNG"), format="png", resize=resize)
    assert (result.width, result.height) == (150, 300)
    image = opened(result).convert("RGB")
    reds = [
        pixel for pixel in image.get_flattened_data() if samples.is_near(pixel, samples.COLORS["red"], 40)
    ]
    assert len(reds) > 1000
    assert "focused" in [each.code for each in result.report.notes]


def test_smart_gravity_takes_the_middle_of_an_even_picture() -> None:
    from converter.engine.raster.focus import focused

    even = Image.new("RGB", (400, 100), (9, 9, 9))
    left, top = focused(even, (0, 0, 400, 100), (100, 100))
    assert (left, top) == (150, 0)


def test_smart_gravity_is_the_same_for_every_frame() -> None:
    resize = {"mode": "fill", "width": 20, "height": 40, "gravity": "smart"}
    result = render(samples.animated("GIF"), format="webp", resize=resize, lossless=True)
    sizes = [frame.size for frame, _ in samples.frames_of(result.data)]
    assert sizes == [(20, 40)] * result.frames  # frames that are equal in that part are merged
    assert result.frames > 1


def test_a_scale_is_percent_of_the_picture() -> None:
    result = render(PHOTO, format="webp", resize={"scale": 25})
    assert (result.width, result.height) == (80, 60)


@pytest.mark.parametrize("wanted", range(40, 100, 7))
@pytest.mark.parametrize("slope", [0.2, 0.7, 3])
def test_few_encodes_find_the_score(wanted: Any, slope: Any) -> None:
    tried = []

    def encode(quality: Any) -> Any:
        tried.append(quality)
        return bytes(quality)

    def measure(data: Any) -> Any:
        return 100 - slope * (100 - len(data))

    aim = QualityTarget(wanted, 25)
    found, reached, *_ = lowest_alike(encode, measure, aim, Deadline(60), thorough(wanted, USUAL))
    assert reached >= wanted or found.quality == 95
    assert found.quality == 25 or reached <= wanted + max(1, slope) or measure(bytes(95)) < wanted
    assert len(tried) <= 7


def test_a_bound_on_bytes_may_go_to_the_lowest_quality() -> None:
    at_ten = render(PHOTO, format="jpeg", quality=10, effort=1)
    target = len(at_ten.data) - 1
    result = render(PHOTO, format="jpeg", target_bytes=target, effort=1)
    assert len(result.data) <= target
    assert (result.width, result.height) == SIZE
    assert note(result, "bytes_met").params["quality"] < 10
    shrunk = render(PHOTO, format="jpeg", target_bytes=target, shrink_to_fit=True, effort=1)
    assert shrunk.width < SIZE[0]


def test_a_large_picture_is_tried_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    large = samples.grainy((1760, 1240)).filter(ImageFilter.GaussianBlur(1))
    tried = []
    encode = Encoder.encode

    def counted(self: Any, quality: Any = None) -> Any:
        tried.append(quality)
        return encode(self, quality)

    monkeypatch.setattr(Encoder, "encode", counted)
    result = render(saved(large, "BMP"), format="jpeg", aim="balanced")
    assert len(tried) <= 4  # three tries, and the progressive file
    assert result.report.score == pytest.approx(Reference(large).score(opened(result)), abs=0.1)


@pytest.mark.parametrize(("format", "first"), [("jpeg", 65), ("webp", 78), ("jxl", 66), ("avif", 65)])
def test_a_large_picture_is_first_tried_at_the_usual_quality_of_its_format(
    monkeypatch: pytest.MonkeyPatch, format: str, first: int
) -> None:
    class Stop(BaseException):
        pass

    def stopped(self: Any, quality: Any = None) -> Any:
        raise Stop(quality)

    monkeypatch.setattr(Encoder, "encode", stopped)
    with pytest.raises(Stop) as stop:
        render(saved(samples.grainy((1760, 1240)), "BMP"), format=format, aim="balanced")
    assert stop.value.args == (first,)


@pytest.mark.parametrize("slope", [0.6, 0.9, 1.2])
def test_a_quick_search_ends_near_the_score_after_few_encodes(slope: float) -> None:
    tried = []

    def encode(quality: int) -> bytes:
        tried.append(quality)
        return bytes(quality)

    aim = AIMS["balanced"]
    _, reached, *_ = lowest_alike(
        encode, lambda data: 100 - slope * (100 - len(data)), aim, Deadline(60), quick(aim.score, USUAL)
    )
    assert aim.score <= reached <= aim.score + 3
    assert len(tried) <= 3


@pytest.mark.parametrize("share", [0.6, 0.8, 1, 1.2, 1.5])
@pytest.mark.parametrize("aim", AIMS.values())
@pytest.mark.parametrize("format", ["jpeg", "webp", "jxl", "avif"])
def test_two_tries_suffice_for_a_large_picture_that_loses_more_or_less_than_usual(
    format: str, aim: QualityTarget, share: float
) -> None:
    codec = codec_for(FORMATS[format])
    usual = Usual(codec.usual_qualities)

    def measure(data: bytes) -> float:
        return 100 - share * usual.loss(len(data))

    plan = quick(aim.score, usual)
    found = lowest_alike(bytes, measure, aim, Deadline(60), plan, codec.highest_quality)
    assert found.tries <= 2
    assert aim.score <= found.score <= aim.score + 3 or found.found.quality == aim.lowest


def test_a_search_may_end_where_a_higher_quality_than_the_highest_is_needed() -> None:
    def measure(data: bytes) -> float:
        return len(data) * 0.8

    aim, plan = AIMS["balanced"], quick(70.5, USUAL)
    left = lowest_alike(bytes, measure, aim, Deadline(60), plan, highest=80, may_leave=True)
    assert (left.tries, left.found.cut_short) == (1, False)
    assert left.score < aim.score
    assert left.guess > 80
    stayed = lowest_alike(bytes, measure, aim, Deadline(60), plan, highest=80)
    assert stayed.found.quality == 80


def test_the_similarity_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = []

    def counted(first: Image.Image, second: Image.Image) -> float:
        measured.append(first)
        return similarity_of_gray(first, second)

    monkeypatch.setattr("converter.engine.raster.encode.similarity_of_gray", counted)
    result = render(PHOTO, format="jpeg", aim="balanced")
    assert len(measured) == 1
    assert result.report.similarity == pytest.approx(
        similarity(samples.grainy(SIZE), opened(result)), abs=1e-4
    )
