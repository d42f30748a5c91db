"""The engine agrees with sharp, a widely trusted library. The known differences are tested too:

- stretch with one side: sharp keeps the other side; ours scales it in proportion, as in every mode.
- pad with one side, without enlarging: sharp's canvas keeps the other side; ours keeps the aspect ratio.
- CMYK without a profile: sharp has its own press profile; ours uses a simple formula, and reports it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from converter.engine import Recipe, Result
from converter.engine.raster import convert

from . import samples
from .samples import saved
from .sharp import Missing, Sharp, install

pytestmark = pytest.mark.system

SHAPES = [
    (400, 300),
    (300, 400),
    (333, 222),
    (200, 100),
    (97, 403),
    (7, 5),
    (1000, 10),
    (640, 361),
    (301, 299),
]
ASKED = [
    (100, 100),
    (150, 50),
    (50, 150),
    (320, 240),
    (500, 500),
    (1, 1),
    (333, 10),
    (99, None),
    (None, 77),
    (450, None),
]
FITS = {"fit": "inside", "fill": "cover", "pad": "contain", "stretch": "fill"}


@pytest.fixture(scope="module")
def sharp() -> Iterator[Sharp]:
    with Sharp() as process:
        yield process


def test_without_node_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Missing, match="apt install nodejs npm"):
        install()


def rendered(data: bytes, **recipe: Any) -> Result:
    (result,) = convert(data, Recipe.parse(recipe))
    assert isinstance(result, Result), result
    return result


def differs_knowingly(mode: str, asked: tuple[int | None, int | None], enlarge: bool) -> bool:
    return None in asked and (mode == "stretch" or (mode == "pad" and not enlarge))


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_every_mode_gives_the_size_that_sharp_gives(
    sharp: Sharp, tmp_path: Path, shape: tuple[int, int]
) -> None:
    source = tmp_path / "shape.png"
    data = saved(Image.new("RGB", shape, "teal"), "PNG")
    source.write_bytes(data)
    cases = [case for case in product(FITS, ASKED, (False, True)) if not differs_knowingly(*case)]
    ours, orders = [], []
    for mode, (width, height), enlarge in cases:
        sides = {name: side for name, side in (("width", width), ("height", height)) if side}
        result = rendered(data, format="bmp", resize={"mode": mode, "enlarge": enlarge, **sides})
        ours.append([result.width, result.height])
        orders.append({"fit": FITS[mode], "withoutEnlargement": not enlarge, **sides})
    theirs = sharp.ask("sizes", source=str(source), resizes=orders)["sizes"]
    different = [
        (case, mine, other) for case, mine, other in zip(cases, ours, theirs, strict=True) if mine != other
    ]
    assert not different


def test_one_side_is_enough_for_a_shape_where_sharp_leaves_the_other_side(
    sharp: Sharp, tmp_path: Path
) -> None:
    source = tmp_path / "shape.png"
    data = saved(Image.new("RGB", (400, 300), "teal"), "PNG")
    source.write_bytes(data)
    orders = [{"fit": "fill", "width": 100}, {"fit": "contain", "width": 800, "withoutEnlargement": True}]
    assert sharp.ask("sizes", source=str(source), resizes=orders)["sizes"] == [[100, 300], [800, 300]]
    stretched = rendered(data, format="png", resize={"mode": "stretch", "width": 100})
    padded = rendered(data, format="png", resize={"mode": "pad", "width": 800})
    assert [(stretched.width, stretched.height), (padded.width, padded.height)] == [(100, 75), (800, 600)]


def press_profile() -> bytes:
    """Return a CMYK profile: the sixteen corners in Lab, as measured from a printed chart."""
    corners = bytearray()
    for inks in product((0, 1), repeat=4):
        cyan, magenta, yellow, black = inks
        light = max(0.0, 95 - 30 * cyan - 40 * magenta - 6 * yellow) * (1 - 0.85 * black)
        green_red = (-35 * cyan + 70 * magenta - 5 * yellow) * (1 - black)
        blue_yellow = (-45 * cyan - 5 * magenta + 85 * yellow) * (1 - black)
        corners += bytes((round(light * 2.55), round(green_red + 128), round(blue_yellow + 128)))
    straight = bytes(range(256))
    unit = b"".join(
        struct.pack(">i", 65536 if row == column else 0) for row in range(3) for column in range(3)
    )
    table = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + unit + straight * 4 + bytes(corners) + straight * 3
    return _profile(
        {
            b"desc": b"desc\0\0\0\0" + struct.pack(">I", 6) + b"Press\0" + bytes(78),
            b"cprt": b"text\0\0\0\0none\0",
            b"wtpt": b"XYZ \0\0\0\0" + struct.pack(">iii", 63190, 65536, 54061),
            b"A2B0": table,
        }
    )


def _profile(tags: dict[bytes, bytes]) -> bytes:
    at = 128 + 4 + 12 * len(tags)
    index, body = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        value += bytes(-len(value) % 4)
        index += name + struct.pack(">II", at + len(body), len(value))
        body += value
    size = at + len(body)
    header = struct.pack(">I4xI4s4s4s", size, 0x02400000, b"prtr", b"CMYK", b"Lab ")
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">iii", 63190, 65536, 54061) + bytes(48)
    assert len(header) == 128
    return header + index + body


def means(image: Image.Image) -> list[float]:
    return [
        sum(value * count for value, count in enumerate(band.histogram())) / (image.width * image.height)
        for band in image.convert("RGB").split()
    ]


@pytest.mark.parametrize(
    ("mode", "profile"), [("CMYK", press_profile()), ("RGB", samples.display_p3())], ids=["CMYK", "P3"]
)
def test_colours_come_through_the_profile_as_in_sharp(
    sharp: Sharp, tmp_path: Path, mode: str, profile: bytes
) -> None:
    source = tmp_path / "source.tif"
    data = saved(samples.photo().convert(mode), "TIFF", icc_profile=profile)
    source.write_bytes(data)
    ours = means(samples.opened(rendered(data, format="png")))
    theirs = sharp.ask("look", source=str(source))["means"]
    assert ours == pytest.approx(theirs[:3], abs=1.5)
    without = means(samples.opened(rendered(saved(samples.photo().convert(mode), "TIFF"), format="png")))
    assert max(abs(a - b) for a, b in zip(ours, without, strict=True)) > 3, "the profile must have an effect"


def test_cmyk_without_a_profile_is_plain_arithmetic_here_and_a_press_in_sharp(
    sharp: Sharp, tmp_path: Path
) -> None:
    source = tmp_path / "source.tif"
    data = saved(Image.new("CMYK", (16, 16), (255, 0, 0, 0)), "TIFF")
    source.write_bytes(data)
    result = rendered(data, format="png")
    assert means(samples.opened(result)) == [0, 255, 255]
    assert sharp.ask("look", source=str(source))["means"][1] < 200
    assert "cmyk_without_profile" in {warning.code for warning in result.report.warnings}


DELAYS = [40, 120, 500, 20, 250]


def animation(format: str, repeats: int) -> bytes:
    """Return an animation shown `repeats` times, in a GIF once more by its loop field; 0 is forever."""
    frames = [Image.new("RGB", (40, 30), (n * 50, 200 - n * 40, 90)) for n in range(len(DELAYS))]
    data: bytes = saved(
        frames[0], format, save_all=True, append_images=frames[1:], duration=DELAYS, loop=repeats
    )
    return data


@pytest.mark.parametrize("repeats", [0, 1, 3])
@pytest.mark.parametrize(("origin", "target"), list(product(("GIF", "WEBP"), ("gif", "webp"))))
def test_animations_keep_the_time_and_the_plays_that_sharp_keeps(
    sharp: Sharp, tmp_path: Path, origin: str, target: str, repeats: int
) -> None:
    source, made, theirs = tmp_path / "source", tmp_path / "ours", tmp_path / "theirs"
    data = animation(origin, repeats)
    source.write_bytes(data)
    made.write_bytes(rendered(data, format=target).data)
    sharp.ask("convert", source=str(source), format=target, animated=True, out=str(theirs))
    ours, other = sharp.ask("look", source=str(made)), sharp.ask("look", source=str(theirs))
    assert ours["delay"] == other["delay"] == DELAYS
    assert (ours["pages"], ours["loop"]) == (other["pages"], other["loop"])
