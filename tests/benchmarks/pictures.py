"""The pictures to convert: unchanged photos from a Debian package, and pictures made from them or in code."""

from __future__ import annotations

import random
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from .rivals import BUILD, PHOTOGRAPHS

FOLDER = BUILD / "pictures"

RAIN = PHOTOGRAPHS / "nature/RainDrops.jpg"  # 1920×1200, much fine detail
WOOD = PHOTOGRAPHS / "nature/Wood.jpg"  # 2560×1920
ELEPHANTS_4K = PHOTOGRAPHS / "abstract/Elephants_3840x2160.jpg"  # progressive, 8.5 MB
GRADIENTS = PHOTOGRAPHS / "desktop/Ubuntu-Mate-Cold-no-logo.png"  # 1920×1280
_LARGEST = PHOTOGRAPHS / "abstract/Elephants_5640x3172.jpg"


def phone_4k() -> Path:
    """Return the 4K photo as stored by a phone: baseline JPEG, quality 90."""
    return _made(
        "phone-4k.jpg",
        lambda path: (
            Image.open(_LARGEST).resize((3840, 2160), Image.Resampling.LANCZOS).save(path, quality=90)
        ),
    )


def phone_24mp() -> Path:
    """Return a 24-megapixel baseline JPEG."""
    return _made(
        "phone-24mp.jpg",
        lambda path: (
            Image.open(_LARGEST).resize((6000, 4000), Image.Resampling.LANCZOS).save(path, quality=90)
        ),
    )


def as_photo(name: str, image: Image.Image, pixels: int) -> Path:
    """Return the image with this number of pixels, as stored by a camera."""
    scale = (pixels / (image.width * image.height)) ** 0.5
    size = (round(image.width * scale), round(image.height * scale))
    return _made(name, lambda path: image.resize(size, Image.Resampling.LANCZOS).save(path, quality=90))


def photo_png_4k() -> Path:
    return _made("photo-4k.png", lambda path: Image.open(phone_4k()).save(path))


def screenshot(width: int, height: int) -> Path:
    """Return a screenshot-like picture with windows, text and icons in flat colours."""
    return _made(f"screenshot-{width}.png", lambda path: _screenshot(width, height).save(path))


def cut_out() -> Path:
    """Return a photo with soft transparent edges."""

    def make(path: Path) -> None:
        image = Image.open(WOOD).resize((1600, 1200)).convert("RGBA")
        mask = Image.new("L", image.size)
        ImageDraw.Draw(mask).ellipse((100, 80, 1500, 1120), fill=255)
        image.putalpha(mask.filter(ImageFilter.GaussianBlur(12)))
        image.save(path)

    return _made("cut-out.png", make)


def animation() -> Path:
    """Return a GIF of 24 frames: a window over a photo, with a moving square."""

    def make(path: Path) -> None:
        photo = Image.open(WOOD).resize((960, 720))
        frames = []
        for n in range(24):
            frame = photo.crop((n * 8, n * 4, n * 8 + 480, n * 4 + 270))
            ImageDraw.Draw(frame).rectangle((20 + n * 15, 100, 80 + n * 15, 160), fill="orange")
            frames.append(frame.quantize(256))
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=60, loop=0)

    return _made("animation.gif", make)


def cartoon() -> Path:
    """Return 30 frames in flat colours, in which only a part moves."""

    def make(path: Path) -> None:
        frames = []
        for n in range(30):
            frame = Image.new("RGB", (640, 360), "#e8f0f8")
            draw = ImageDraw.Draw(frame)
            draw.rectangle((0, 260, 640, 360), fill="#70a050")
            draw.ellipse(
                (20 + n * 18, 180 - abs(15 - n) * 6, 90 + n * 18, 250 - abs(15 - n) * 6), fill="#d03030"
            )
            frames.append(frame.quantize(16))
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=40, loop=0)

    return _made("cartoon.gif", make)


def jpeg_100mp() -> Path:
    return _made("noise-100mp.jpg", lambda path: path.write_bytes(tall_jpeg(noise(10_000), 78)))


def noise(width: int) -> Image.Image:
    """Return a strip for `tall_jpeg`, as hard to compress as grass."""
    return Image.effect_noise((width, 128), 60).convert("RGB")


def tall_jpeg(strip: Image.Image, strips: int) -> bytes:
    """Return a baseline JPEG of `strips` strips of 128 rows, made without holding all its pixels in memory.

    A strip of eight block rows, each followed by a restart marker, can be decoded on its own and so be repeated;
    only the height in the header is changed.
    """
    file = BytesIO()
    strip.save(file, "JPEG", quality=80, restart_marker_rows=1)
    data = file.getvalue()
    height_at = data.index(b"\xff\xc0") + 5
    scan = data.index(b"\xff\xda")
    rows_at = scan + 2 + int.from_bytes(data[scan + 2 : scan + 4], "big")
    header = data[:height_at] + (128 * strips).to_bytes(2, "big") + data[height_at + 2 : rows_at]
    return header + b"\xff\xd7".join([data[rows_at:-2]] * strips) + b"\xff\xd9"


def _made(name: str, make: Callable[[Path], object]) -> Path:
    path = FOLDER / name
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"draft-{name}")
        make(draft)
        draft.rename(path)
    return path


def _screenshot(width: int, height: int) -> Image.Image:
    draw_at = random.Random(1)
    image = Image.new("RGB", (width, height), "#2e3440")
    draw = ImageDraw.Draw(image)
    size = max(12, width // 120)
    font = ImageFont.load_default(size)
    line = size * 3 // 2
    for left, top, right, bottom in (
        (0.03, 0.06, 0.6, 0.9),
        (0.45, 0.2, 0.97, 0.95),
    ):
        box = (int(left * width), int(top * height), int(right * width), int(bottom * height))
        draw.rounded_rectangle(box, 12, fill="#fbfbfd", outline="#8a93a5", width=2)
        draw.rectangle((box[0], box[1], box[2], box[1] + line), fill="#5e81ac")
        for y in range(box[1] + 2 * line, box[3] - line, line):
            words = " ".join(
                "".join(draw_at.choices("etaoinshrdlu", k=draw_at.randint(2, 9))) for _ in range(9)
            )
            color = draw_at.choice(["#222222", "#222222", "#a3be8c", "#bf616a"])
            draw.text((box[0] + line, y), words, fill=color, font=font)
    for n in range(12):
        draw.ellipse(
            (n * line * 3 + 10, 4, n * line * 3 + 10 + line, 4 + line), fill=f"hsl({n * 30}, 70%, 55%)"
        )
    return image
