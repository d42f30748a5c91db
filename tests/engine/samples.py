"""Pictures made in code, each with the difficulty that its name states."""

from __future__ import annotations

import random
import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, ImageDraw, PngImagePlugin

from converter.engine import Recipe, Result
from converter.engine.raster import convert

FILES = Path(__file__).parent / "files"

# The positions of red, green, blue and white in the upright picture.
QUARTERS = {"red": (0.25, 0.25), "green": (0.75, 0.25), "blue": (0.25, 0.75), "white": (0.75, 0.75)}
COLORS = {"red": (220, 30, 30), "green": (30, 180, 60), "blue": (40, 60, 210), "white": (255, 255, 255)}


def quarters(size: tuple[int, int] = (160, 120), mode: str = "RGB") -> Image.Image:
    """Return four coloured quarters, which show turning, cropping and colour changes."""
    image = Image.new("RGB", size)
    draw = ImageDraw.Draw(image)
    for name, (across, down) in QUARTERS.items():
        left, top = (across > 0.5) * size[0] // 2, (down > 0.5) * size[1] // 2
        draw.rectangle((left, top, left + size[0] // 2 - 1, top + size[1] // 2 - 1), fill=COLORS[name])
    return image.convert(mode)


def photo(size: tuple[int, int] = (320, 240)) -> Image.Image:
    """Return a photo-like picture: smooth, with detail."""
    red = Image.linear_gradient("L").resize(size)
    green = Image.radial_gradient("L").resize(size)
    blue = Image.effect_mandelbrot(size, (-2, -1.2, 1, 1.2), 60)
    return Image.merge("RGB", (red, green, blue))


def grainy(size: tuple[int, int] = (320, 240), seed: int = 0) -> Image.Image:
    """Return a grainy photo, which makes large files; the seed determines the grain."""
    grain = Image.frombytes("RGB", size, random.Random(seed).randbytes(3 * size[0] * size[1]))
    return Image.blend(photo(size), grain, 0.15)


def saved(image: Image.Image, format: str, **arguments: Any) -> bytes:
    output = BytesIO()
    if format == "ICO":
        image = image.resize((min(256, image.width), min(256, image.height)))
        arguments.setdefault("sizes", [image.size])
    image.save(output, format, **arguments)
    return output.getvalue()


def render_all(data: bytes, *recipes: Recipe) -> list[Result]:
    """Convert a file with each recipe, failing on any error."""
    results = convert(data, *recipes)
    assert all(isinstance(result, Result) for result in results), results
    return [result for result in results if isinstance(result, Result)]


def opened(result: Result) -> Image.Image:
    image = Image.open(BytesIO(result.data))
    image.load()
    return image


def colors_at_quarters(image: Image.Image) -> dict[str, tuple[int, int, int]]:
    image = image.convert("RGB")
    return {
        name: pixel(image, (int(across * image.width), int(down * image.height)))
        for name, (across, down) in QUARTERS.items()
    }


def pixel(image: Image.Image, place: tuple[int, int]) -> Any:
    """Return the pixel: a number or a tuple, depending on the mode."""
    return image.getpixel(place)


def is_near(color: Any, other: Any, distance: int = 12) -> bool:
    return all(abs(a - b) <= distance for a, b in zip(color, other, strict=True))


def looks_like_quarters(image: Image.Image, distance: int = 12) -> bool:
    found = colors_at_quarters(image)
    return all(is_near(found[name], COLORS[name], distance) for name in COLORS)


def exif(orientation: int | None = None, location: bool = True, thumbnail: bool = False) -> bytes:
    """Return EXIF as written by a phone."""
    block = Image.Exif()
    if orientation:
        block[0x0112] = orientation
    block[0x010F] = "Phonemaker"
    block[0x0110] = "Phone 15"
    block[0x0131] = "Camera app 1.2"
    block[0x013B] = "Alice"
    block[0x8298] = "(c) Alice"
    block[0x8769] = {
        0x9003: "2026:05:01 12:30:00",
        0xA434: "Back lens",
        0xA002: 160,
        0xA003: 120,
        0xA431: "SERIAL-123",
        0x927C: b"secret maker note",
    }
    if location:
        block[0x8825] = {1: "N", 2: (48.0, 12.0, 30.0), 3: "E", 4: (11.0, 30.0, 0.0)}
    data = block.tobytes()
    return _with_thumbnail(data) if thumbnail else data


def _with_thumbnail(data: bytes) -> bytes:
    """Append a thumbnail directory (IFD1), as cameras do."""
    thumbnail = saved(quarters((64, 48)), "JPEG")
    tiff = data[6:]
    endian = "<" if tiff[:2] == b"II" else ">"
    first = struct.unpack_from(endian + "I", tiff, 4)[0]
    count = struct.unpack_from(endian + "H", tiff, first)[0]
    link = first + 2 + 12 * count
    at = len(tiff) + len(tiff) % 2
    entries = [(0x0103, 3, 1, 6), (0x0201, 4, 1, at + 2 + 12 * 3 + 4), (0x0202, 4, 1, len(thumbnail))]
    directory = struct.pack(endian + "H", len(entries))
    for tag, kind, number, value in entries:
        directory += struct.pack(endian + "HHI", tag, kind, number)
        directory += struct.pack(endian + "HH", value, 0) if kind == 3 else struct.pack(endian + "I", value)
    directory += struct.pack(endian + "I", 0)
    tiff = tiff[:link] + struct.pack(endian + "I", at) + tiff[link + 4 :]
    return data[:6] + tiff.ljust(at, b"\0") + directory + thumbnail


XMP = b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"
 exif:GPSLatitude="48,12.5N" exif:GPSLongitude="11,30.0E" photoshop:City="Munich" dc:format="image/jpeg">
<photoshop:Country>Germany</photoshop:Country></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def dataset(number: int, value: bytes) -> bytes:
    return b"\x1c\x02" + bytes([number]) + len(value).to_bytes(2, "big") + value


IPTC = dataset(105, b"A headline") + dataset(90, b"Munich") + dataset(80, b"Alice")


def app13(iptc: bytes = IPTC) -> bytes:
    padded = iptc + b"\0" * (len(iptc) % 2)
    block = b"Photoshop 3.0\x008BIM\x04\x04\x00\x00" + len(iptc).to_bytes(4, "big") + padded
    return b"\xff\xed" + (len(block) + 2).to_bytes(2, "big") + block


def phone_jpeg(orientation: int = 6) -> bytes:
    """Return a JPEG, stored sideways, with all kinds of private metadata."""
    held = {
        6: Image.Transpose.ROTATE_90,
        8: Image.Transpose.ROTATE_270,
        3: Image.Transpose.ROTATE_180,
    }
    image = quarters()
    if orientation in held:
        image = image.transpose(held[orientation])
    return saved(
        image,
        "JPEG",
        quality=90,
        exif=exif(orientation, thumbnail=True),
        xmp=XMP,
        comment=b"A secret comment",
        extra=app13(),
    )


def png_with_text(image: Image.Image | None = None) -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "Alice")
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    return saved(image or quarters(), "PNG", pnginfo=info, exif=exif())


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def display_p3(name: str = "Display P3") -> bytes:
    """Return Display P3 as a matrix profile: sRGB's curve, wider primaries (values adapted to D50)."""
    return rgb_profile(
        name,
        ((0.515102, 0.241182, -0.001050), (0.291965, 0.692236, 0.041882), (0.157153, 0.066582, 0.784378)),
    )


SRGB_PRIMARIES = (
    (0.436035, 0.222488, 0.013916),
    (0.385117, 0.716905, 0.097061),
    (0.143051, 0.060608, 0.713928),
)


def rgb_profile(
    name: str,
    primaries: tuple[
        tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]
    ] = SRGB_PRIMARIES,
    curve: tuple[Any, ...] | None = None,
) -> bytes:
    """Return a matrix profile; `curve` is an exponent, a table of 16-bit values, or None for sRGB's curve."""

    def xyz(values: Any) -> Any:
        return b"XYZ \0\0\0\0" + b"".join(_fixed(value) for value in values)

    tone = _curve(curve)
    text = name.encode("utf-16-be")
    described = (
        b"mluc\0\0\0\0" + struct.pack(">II", 1, 12) + b"enUS" + struct.pack(">II", len(text), 28) + text
    )
    tags = {
        b"desc": described,
        b"cprt": described,
        b"wtpt": xyz((0.9642, 1.0, 0.8249)),
        b"rXYZ": xyz(primaries[0]),
        b"gXYZ": xyz(primaries[1]),
        b"bXYZ": xyz(primaries[2]),
        b"rTRC": tone,
        b"gTRC": tone,
        b"bTRC": tone,
    }
    return _profile(b"RGB ", tags)


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _curve(curve: tuple[Any, ...] | None) -> bytes:
    if curve is None:
        srgb = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
        return b"para\0\0\0\0\0\x03\0\0" + b"".join(_fixed(value) for value in srgb)
    if len(curve) == 1:
        return b"para\0\0\0\0\0\0\0\0" + _fixed(*curve)
    return b"curv\0\0\0\0" + struct.pack(f">I{len(curve)}H", len(curve), *curve)


def with_cicp(icc: bytes, primaries: int, transfer: int) -> bytes:
    """Return the profile with a `cicp` tag added."""
    count = struct.unpack_from(">I", icc, 128)[0]
    entries = [struct.unpack_from(">4sII", icc, 132 + 12 * at) for at in range(count)]
    tags = {name: icc[start : start + size] for name, start, size in entries}
    return _profile(icc[16:20], {**tags, b"cicp": b"cicp\0\0\0\0" + bytes([primaries, transfer, 0, 1])})


def gray_gamma(gamma: float = 1.0) -> bytes:
    """Return a grey profile with this gamma."""
    return gray_profile((gamma,))


def gray_profile(curve: tuple[float] | None) -> bytes:
    """Return a grey profile; `curve` is as in `rgb_profile`."""
    text = (
        b"mluc\0\0\0\0"
        + struct.pack(">II", 1, 12)
        + b"enUS"
        + struct.pack(">II", 8, 28)
        + "Gray".encode("utf-16-be")
    )
    white = b"XYZ \0\0\0\0" + b"".join(
        struct.pack(">i", round(value * 65536)) for value in (0.9642, 1.0, 0.8249)
    )
    return _profile(b"GRAY", {b"desc": text, b"cprt": text, b"wtpt": white, b"kTRC": _curve(curve)})


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    table, body, at = b"", b"", 128 + 4 + 12 * len(tags)
    for tag, value in tags.items():
        value += b"\0" * (-len(value) % 4)
        table += tag + struct.pack(">II", at, len(value))
        body += value
        at += len(value)
    header = struct.pack(">I4sI4s4s4s", at, b"lcms", 0x04300000, b"mntr", space, b"XYZ ")
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28
    header += b"".join(struct.pack(">i", round(value * 65536)) for value in (0.9642, 1.0, 0.8249))
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def animation_frames(
    count: int = 5, size: tuple[int, int] = (60, 40), alpha: bool = False
) -> list[Image.Image]:
    """Return the frames of a square that moves to the right."""
    frames = []
    for index in range(count):
        frame = Image.new("RGBA", size, (0, 0, 0, 0) if alpha else (250, 250, 250, 255))
        left = 2 + index * (size[0] - 14) // max(1, count - 1)
        ImageDraw.Draw(frame).rectangle((left, 10, left + 9, 29), fill=(200, 20 + 30 * index % 200, 40, 255))
        frames.append(frame if alpha else frame.convert("RGB"))
    return frames


def animated(
    format: str = "GIF",
    count: int = 5,
    durations: list[int] | None = None,
    alpha: bool = False,
    size: tuple[int, int] = (60, 40),
    **arguments: Any,
) -> bytes:
    frames = animation_frames(count, size, alpha)
    durations = durations or [40, 100, 200, 50, 300, 90, 60][:count]
    if format == "GIF" and alpha:
        arguments["disposal"] = 2
    if format in ("WEBP", "AVIF"):
        arguments.setdefault("quality", 95)
    return saved(frames[0], format, save_all=True, append_images=frames[1:], duration=durations, **arguments)


def frames_of(data: bytes) -> list[Any]:
    """Return every composited frame and its duration."""
    image = Image.open(BytesIO(data))
    found = []
    for index in range(getattr(image, "n_frames", 1)):
        image.seek(index)
        image.load()
        found.append((image.convert("RGBA"), image.info.get("duration")))
    return found


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_bomb(width: int = 20_000, height: int = 20_000) -> bytes:
    """Return a tiny PNG whose header declares a huge size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def gif_of_empty_frames(count: int, size: tuple[int, int] = (10, 10)) -> bytes:
    """Return a GIF with many frames in few bytes, made by repeating one block."""
    one = saved(Image.new("P", size), "GIF")
    start = one.index(b"\x2c")
    block = one[start:-1]
    return one[:start] + block * count + b";"


def tiff_pages(count: int = 3, size: tuple[int, int] = (40, 30), **arguments: Any) -> bytes:
    pages = [Image.new("RGB", size, (40 * index, 0, 200)) for index in range(count)]
    return saved(pages[0], "TIFF", save_all=True, append_images=pages[1:], **arguments)


def ico_bomb() -> bytes:
    """Return an icon declared as 16×16 that holds a PNG declared as huge."""
    png = png_bomb()
    entry = struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(png), 22)
    return struct.pack("<HHH", 0, 1, 1) + entry + png


def tiff(
    size: tuple[int, int],
    body: bytes | list[bytes],
    tags: dict[Any, Any],
    endian: str = "<",
    compress: bool = False,
    big: bool = False,
) -> bytes:
    """Return a single-page TIFF; `body` holds the samples as stored, or a list of separate planes."""
    planes = [
        zlib.compress(plane) if compress else plane for plane in (body if isinstance(body, list) else [body])
    ]
    output = bytearray((b"II" if endian == "<" else b"MM") + struct.pack(endian + "H", 43 if big else 42))
    output += struct.pack(endian + "HHQ", 8, 0, 0) if big else bytes(4)
    offsets = []
    for plane in planes:
        offsets.append(len(output))
        output += plane + bytes(len(plane) % 2)
    entries = {256: size[0], 257: size[1], 259: 8 if compress else 1, 278: size[1], **tags}
    entries |= {273: offsets, 279: [len(plane) for plane in planes]}
    directory, room = b"", 8 if big else 4
    for tag, value in sorted(entries.items()):
        values = value if isinstance(value, list | tuple | bytes) else [value]
        kind, form = (4, "I") if tag in (273, 279) else (3, "H")
        if isinstance(value, bytes):
            kind, form = (2 if tag == 333 else 7), "B"
        raw = struct.pack(f"{endian}{len(values)}{form}", *values)
        if len(raw) > room:
            raw, at = struct.pack(endian + ("Q" if big else "I"), len(output)), raw
            output += at + bytes(len(at) % 2)
        directory += struct.pack(endian + ("HHQ" if big else "HHI"), tag, kind, len(values)) + raw.ljust(
            room, b"\0"
        )
    struct.pack_into(endian + ("Q" if big else "I"), output, 8 if big else 4, len(output))
    output += struct.pack(endian + ("Q" if big else "H"), len(entries)) + directory + bytes(room)
    return bytes(output)
