"""Animations keep their frames, timing and loop count; pages stay pages."""

from __future__ import annotations

import itertools
import struct
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from converter.engine import Recipe
from converter.engine.raster import open
from converter.engine.raster.codecs.gif_blocks import gif_blocks
from converter.engine.report import Result
from tests.engine.rendering import codes
from tests.engine.samples import pixel

from . import samples
from .samples import animated, frames_of, opened

ANIMATED = ["gif", "webp", "png", "avif"]
PILLOW = {"gif": "GIF", "webp": "WEBP", "png": "PNG", "avif": "AVIF"}


def render(data: bytes, **recipe: Any) -> Result:
    return open(data).render(Recipe.parse(recipe))


def far(a: Image.Image, b: Image.Image) -> float:
    white = Image.new("RGBA", a.size, "white")
    first, second = (Image.alpha_composite(white, image).convert("RGB") for image in (a, b))
    return max(ImageStat.Stat(ImageChops.difference(first, second)).mean)


@pytest.mark.parametrize(("source", "target"), list(itertools.product(ANIMATED, ANIMATED)))
@pytest.mark.parametrize("alpha", [False, True], ids=["solid", "clear"])
def test_every_animation_becomes_every_other(source: str, target: str, alpha: bool) -> None:
    data = animated(PILLOW[source], alpha=alpha)
    result = render(data, format=target)
    assert (result.frames, result.report.frames_in, result.report.frames_kept) == (5, 5, 5)
    before, after = frames_of(data), frames_of(result.data)
    assert [round(duration) for _, duration in after] == [40, 100, 200, 50, 300]
    for (frame, _), (other, _) in zip(before, after, strict=True):
        assert far(frame, other) < 6
    assert "frames_kept" in codes(result)


@pytest.mark.parametrize("target", ANIMATED)
def test_an_animation_is_resized_frame_by_frame(target: str) -> None:
    data = animated("GIF", alpha=True)
    result = render(data, format=target, resize={"width": 30}, watermark={"text": "x"})
    frames = frames_of(result.data)
    assert len(frames) == 5
    assert all(frame.size == (30, 20) for frame, _ in frames)
    plain = frames_of(render(data, format=target, resize={"width": 30}).data)
    for (frame, _), (source, _) in zip(plain, frames_of(data), strict=True):
        assert far(frame, source.resize((30, 20), Image.Resampling.LANCZOS)) < 12


@pytest.mark.parametrize(("repeats", "plays"), [(None, 1), (0, 0), (1, 2), (2, 3)])
def test_gif_counts_repeats_and_the_others_count_plays(repeats: int | None, plays: int) -> None:
    arguments: dict[str, Any] = {} if repeats is None else {"loop": repeats}
    gif = animated("GIF", **arguments)
    assert open(gif).facts.plays == plays
    for target in ("webp", "png"):
        result = render(gif, format=target)
        assert opened(result).info["loop"] == plays
        back = render(result.data, format="gif")
        assert gif_blocks(back.data).plays == plays
    assert gif_blocks(render(gif, format="gif").data).plays == plays


def test_avif_says_that_it_cannot_count() -> None:
    assert "loop_not_kept" in codes(render(animated("GIF", loop=2), format="avif"))
    assert "loop_not_kept" not in codes(render(animated("GIF", loop=0), format="avif"))


def test_durations_finer_than_gif_supports_do_not_drift() -> None:
    webp = animated("WEBP", durations=[15, 15, 15, 15, 40])
    result = render(webp, format="gif")
    delays = gif_blocks(result.data).delays
    assert sum(delays) == 100
    assert set(delays) == {20}
    assert "plays_slower" not in codes(result)


def test_fast_frames_do_not_become_slow_ones_in_browsers() -> None:
    """Browsers show a frame of 10 ms for 100 ms."""
    result = render(animated("WEBP", count=7, durations=[16] * 7), format="gif")
    assert gif_blocks(result.data).delays == [20] * 7
    assert "plays_slower" in codes(result)


def slow(milliseconds: int, source: str = "GIF") -> bytes:
    """Return four frames, the second of which lasts for this long."""
    colors = [Image.new("RGB", (8, 8), color) for color in ("red", "blue", "lime", "white")]
    first, *others = colors
    return samples.saved(
        first, source, save_all=True, append_images=others, duration=[100, milliseconds, 100, 100], loop=0
    )


@pytest.mark.parametrize("target", ANIMATED)
def test_a_frame_shown_for_minutes_keeps_its_duration(target: str) -> None:
    result = render(slow(300_000), format=target)
    assert [round(delay) for _, delay in frames_of(result.data)] == [100, 300_000, 100, 100]
    assert "delays_shortened" not in codes(result)


def test_a_delay_that_has_no_fraction_is_rounded_in_png() -> None:
    result = render(slow(70_001, "WEBP"), format="png")
    assert [round(delay) for _, delay in frames_of(result.data)] == [100, 70_000, 100, 100]


@pytest.mark.parametrize(
    ("target", "source", "milliseconds", "most"),
    [("gif", "WEBP", 656_000, 655_350), ("webp", "PNG", 20_000_000, 16_777_215)],
)
def test_a_duration_too_long_for_the_format_is_shortened_and_reported(
    target: str, source: str, milliseconds: int, most: int
) -> None:
    result = render(slow(milliseconds, source), format=target)
    assert [round(delay) for _, delay in frames_of(result.data)] == [100, most, 100, 100]
    assert "delays_shortened" in codes(result)


def test_a_gif_without_delays_plays_as_viewers_play_it() -> None:
    gif = animated("GIF", durations=[0, 0, 0, 0, 0])
    assert [duration for _, duration in frames_of(render(gif, format="webp").data)] == [100] * 5


def test_equal_frames_may_merge_but_time_does_not_shrink() -> None:
    first, second = samples.animation_frames(2)
    webp = samples.saved(
        first,
        "WEBP",
        save_all=True,
        append_images=[first, first, second],
        duration=[100, 50, 30, 60],
        lossless=True,
    )
    assert open(webp).facts.frames >= 2
    result = render(webp, format="gif")
    assert sum(gif_blocks(result.data).delays) == 240
    assert result.frames == gif_blocks(result.data).frames


@pytest.mark.parametrize("target", ["jpeg", "bmp", "jp2", "ico"])
def test_one_picture_is_kept_where_there_is_room_for_one_and_it_is_the_first(target: str) -> None:
    data = animated("GIF")
    result = render(data, format=target)
    assert (result.frames, result.report.frames_in, result.report.frames_kept) == (1, 5, 1)
    assert "first_frame_only" in codes(result)
    if target != "ico":
        assert far(opened(result).convert("RGBA"), frames_of(data)[0][0]) < 6


@pytest.mark.parametrize("target", ANIMATED)
def test_the_first_frame_alone_when_asked(target: str) -> None:
    result = render(animated("WEBP"), format=target, frames="first")
    assert result.frames == 1
    assert getattr(opened(result), "n_frames", 1) == 1
    assert "first_frame_only" not in codes(result)


def test_first_and_all_from_one_decode() -> None:
    source = open(animated("GIF"))
    every = Recipe.parse({"format": "webp"})
    first = Recipe.parse({"format": "webp", "frames": "first"})
    source.load([first, every])
    assert [source.render(recipe).frames for recipe in (first, every, first)] == [1, 5, 1]


def test_partial_frames_are_composed() -> None:
    base = Image.new("RGB", (50, 50), "white")
    frames = []
    for index in range(4):
        base = base.copy()
        base.paste((200, 0, 50 * index), (10 * index, 10 * index, 10 * index + 10, 10 * index + 10))
        frames.append(base)
    gif = samples.saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50, optimize=True)
    result = render(gif, format="webp", lossless=True)
    for (frame, _), expected in zip(frames_of(result.data), frames, strict=True):
        assert ImageChops.difference(frame.convert("RGB"), expected).getbbox() is None


@pytest.mark.parametrize("target", ["tiff", "pdf"])
def test_pages_stay_pages(target: str) -> None:
    result = render(samples.tiff_pages(3), format=target)
    assert (result.frames, result.report.frames_in, result.report.frames_kept) == (3, 3, 3)
    assert "pages_kept" in codes(result)
    if target == "pdf":
        assert result.data.count(b"/Type /Page\n") == 3
    else:
        assert [frame.getpixel((5, 5))[:3] for frame, _ in frames_of(result.data)] == [
            (0, 0, 200),
            (40, 0, 200),
            (80, 0, 200),
        ]


def test_pages_of_different_size_and_mode() -> None:
    pages = [
        samples.quarters((60, 40)),
        samples.quarters((30, 50)).convert("L"),
        samples.quarters((20, 20)).convert("1"),
    ]
    tiff = samples.saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    for target in ("tiff", "pdf"):
        assert render(tiff, format=target).frames == 3
    sizes = [frame.size for frame, _ in frames_of(render(tiff, format="tiff", resize={"width": 20}).data)]
    assert sizes == [(20, 13), (20, 33), (20, 20)]


@pytest.mark.parametrize("target", ["jpeg", "png", "webp", "gif"])
def test_pages_are_not_frames_of_an_animation(target: str) -> None:
    result = render(samples.tiff_pages(3), format=target)
    assert result.frames == 1
    assert "first_page_only" in codes(result)
    assert pixel(opened(result).convert("RGB"), (5, 5))[0] < 8


def test_an_animation_becomes_pages() -> None:
    assert render(animated("GIF"), format="tiff").frames == 5


def test_a_frame_that_reaches_outside_is_cut_to_the_canvas() -> None:
    import struct

    gif = animated("GIF", size=(60, 40))
    canvas = struct.pack("<HH", 60, 40)
    later = gif.index(b"\x2c", gif.index(b"\x2c" + bytes(4) + canvas) + 1)
    moved = gif[: later + 1] + struct.pack("<HH", 55, 10) + gif[later + 5 :]
    result = render(moved, format="webp")
    # Its visible rest equals the previous frame, and the encoder merges the two.
    assert (result.width, result.height, result.frames) == (60, 40, 4)
    assert getattr(opened(result), "n_frames", 1) == 4


def test_a_gif_frame_without_pixels_shows_what_is_there() -> None:
    """As in Chromium, which shows three frames."""
    data = samples.saved(Image.new("P", (8, 8), 1), "GIF")
    at = data.index(b",")
    empty = b"," + bytes(4) + struct.pack("<HHB", 0, 5, 0) + b"\x02\x02\x4c\x01\x00"
    moving = data[:-1] + empty + data[at:-1] + b";"
    assert open(moving).facts.frames == 3
    result = open(moving).render(Recipe.parse({"format": "webp"}))
    assert len({frame.tobytes() for frame, _ in frames_of(result.data)}) == 1


@pytest.mark.parametrize("target", ["gif", "webp", "png", "avif"])
def test_merged_frames_are_counted_and_reported(target: Any) -> None:
    red, blue = (Image.new("RGB", (20, 10), color) for color in ("red", "blue"))
    moving = samples.saved(red, "AVIF", save_all=True, append_images=[red, blue], duration=[100, 100, 100])
    result = render(moving, format=target)
    written = getattr(opened(result), "n_frames", 1)
    assert result.frames == written
    assert ("frames_merged" in {note.code for note in result.report.notes}) == (written < 3)
    assert result.report.frames_kept == 3
