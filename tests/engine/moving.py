"""Ten typical animations, drawn in code and encoded as GIF."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from PIL import Image, ImageDraw

from . import samples

SIZE = (200, 150)


def sticker() -> Iterator[Image.Image]:
    """Yield a flat face that hops, on a transparent background."""
    for number in range(16):
        image, draw = _drawn("RGBA", 0)
        top = 30 + round(20 * math.sin(number / 16 * 2 * math.pi))
        draw.ellipse((60, top, 140, top + 80), fill=(255, 180, 0))
        draw.ellipse((80, top + 22, 90, top + 34), fill="black")
        draw.ellipse((110, top + 22, 120, top + 34), fill="black")
        draw.arc((80, top + 30, 120, top + 65), 20, 160, fill="black", width=3)
        yield image


def spinner() -> Iterator[Image.Image]:
    """Yield a spinner of twelve spokes, on a transparent background."""
    for number in range(12):
        image, draw = _drawn("RGBA", 0)
        for spoke in range(12):
            angle, shade = spoke * math.pi / 6, 20 * ((spoke - number) % 12)
            ends = [(100 + far * math.cos(angle), 75 + far * math.sin(angle)) for far in (25, 55)]
            draw.line(ends, fill=(shade, shade, shade), width=7)
        yield image


def sprite() -> Iterator[Image.Image]:
    """Yield a shape of many colours that moves from left to right, on a transparent background."""
    shape = samples.photo((50, 60)).quantize(60).convert("RGB")
    mask, draw = _drawn("L", 0, (50, 60))
    draw.polygon([(25, 0), (50, 30), (25, 60), (0, 30)], fill=255)
    for number in range(14):
        image = Image.new("RGBA", SIZE)
        image.paste(shape, (10 * number, 40 + number), mask)
        yield image


def screen() -> Iterator[Image.Image]:
    """Yield a window with text being typed and a moving pointer."""
    for number in range(16):
        image, draw = _drawn("RGB", (240, 240, 245))
        draw.rectangle((0, 0, 200, 14), fill=(50, 60, 90))
        draw.text((5, 1), "notes.txt", fill="white")
        for line in range(8):
            draw.text((8, 20 + 14 * line), "The quick brown fox jumps"[: 25 - line], fill=(40, 40, 40))
        draw.text((8, 132), "over the lazy dog, twice"[: number + 4], fill=(0, 90, 160))
        pointer = (20 + 9 * number, 40 + 5 * number)
        draw.polygon([pointer, (pointer[0] + 8, pointer[1] + 8), (pointer[0], pointer[1] + 11)], fill="black")
        yield image


def text() -> Iterator[Image.Image]:
    """Yield white lines that scroll up on black."""
    for number in range(14):
        image, draw = _drawn("RGB", 0)
        for line in range(16):
            draw.text((20, 150 + 18 * line - 12 * number), f"Line {line} of the credits", fill="white")
        yield image


def chart() -> Iterator[Image.Image]:
    """Yield a chart of growing bars."""
    for number in range(14):
        image, draw = _drawn("RGB", "white")
        for bar in range(8):
            height = min(number * 9, 30 + 37 * bar % 90)
            draw.rectangle(
                (12 + 23 * bar, 140 - height, 28 + 23 * bar, 140), fill=(30 * bar, 120, 220 - 20 * bar)
            )
        draw.line((5, 140, 195, 140), fill="black")
        yield image


def slides() -> Iterator[Image.Image]:
    """Yield a slide show of four pictures with different colours."""
    scene = samples.photo(SIZE)
    red, green, blue = scene.split()
    for order in ((red, green, blue), (green, blue, red), (blue, blue, green), (red, red, green)):
        yield Image.merge("RGB", order)


def pan() -> Iterator[Image.Image]:
    """Yield a camera pan across a photo."""
    scene = Image.blend(samples.photo((400, 150)), samples.grainy((400, 150)), 0.3)
    for number in range(10):
        yield scene.crop((18 * number, 0, 18 * number + 200, 150))


def fade() -> Iterator[Image.Image]:
    """Yield a cross-fade from one picture to another."""
    first, second = samples.photo(SIZE), samples.photo(SIZE).transpose(Image.Transpose.ROTATE_180)
    for number in range(8):
        yield Image.blend(first, second, number / 7)


def camera() -> Iterator[Image.Image]:
    """Yield a still scene with one moving object."""
    scene = samples.photo(SIZE)
    for number in range(12):
        image = scene.copy()
        ImageDraw.Draw(image).ellipse((20 + 10 * number, 60, 60 + 10 * number, 100), fill=(230, 60, 40))
        yield image


ALL: dict[str, Callable[[], Iterator[Image.Image]]] = {
    maker.__name__: maker
    for maker in (sticker, spinner, sprite, screen, text, chart, slides, pan, fade, camera)
}


def gif(name: str) -> bytes:
    """Return the animation as a GIF written by Pillow."""
    first, *others = ALL[name]()
    disposal = 2 if first.mode == "RGBA" else 0
    data: bytes = samples.saved(
        first, "GIF", save_all=True, append_images=others, duration=60, loop=0, disposal=disposal
    )
    return data


def _drawn(
    mode: str, color: int | str | tuple[int, int, int], size: tuple[int, int] = SIZE
) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new(mode, size, color)
    return image, ImageDraw.Draw(image)
