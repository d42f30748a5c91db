"""The report about a file is correct: missing data, other contents, what was left out and why."""

from __future__ import annotations

import hashlib
import re
import struct
import time
from io import BytesIO
from typing import Any, Literal

import numpy as np
import pytest
import tifffile
from PIL import Image, PngImagePlugin

from converter.engine import Recipe
from converter.engine.raster import open
from converter.engine.raster.attachments import without_attachments
from converter.engine.raster.codecs.jpeg_whole import is_incomplete
from converter.engine.raster.codecs.jpeg_xmp import extended_segments, whole_packet
from converter.engine.raster.codecs.motion import has_video
from converter.engine.report import Result

from . import exiftool, samples
from .rendering import codes
from .test_corpus import data_of, render

RDF = b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'


def converted(data: bytes, **recipe: Any) -> Result:
    return open(data).render(Recipe.parse({"format": "jpeg", **recipe}))


def jpeg(size: tuple[int, int] = (160, 120), **arguments: Any) -> bytes:
    return samples.saved(samples.grainy(size), "JPEG", quality=85, **arguments)


def cut_and_closed(data: bytes, share: float) -> bytes:
    scan = data.index(b"\xff\xda")
    return data[: scan + int((len(data) - scan) * share)].rstrip(b"\xff") + b"\xff\xd9"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_that_was_cut_off_and_closed_is_incomplete(share: float, mode: str) -> None:
    whole = samples.saved(samples.grainy().convert(mode), "JPEG", quality=85)
    assert "image_incomplete" in codes(converted(cut_and_closed(whole, share)))
    assert "image_incomplete" in codes(converted(cut_and_closed(whole, share), resize={"width": 40}))
    assert "image_incomplete" not in codes(converted(whole))


def test_a_half_copied_file_is_incomplete() -> None:
    assert "image_incomplete" in codes(render("cut-and-closed.jpg"))


@pytest.mark.parametrize("share", [0.05, 0.4])
def test_a_progressive_jpeg_without_its_last_scans_is_incomplete(share: float) -> None:
    assert "image_incomplete" in codes(converted(cut_and_closed(jpeg(progressive=True), share)))
    assert "image_incomplete" not in codes(converted(jpeg(progressive=True)))


def test_a_bit_that_a_smaller_picture_does_not_show_costs_no_second_decoding() -> None:
    data = jpeg(progressive=True)
    odd = data[:-3] + bytes([data[-3] & 0xFE]) + data[-2:]
    decoded = []

    def decode(other: bytes) -> Image.Image:
        decoded.append(other)
        return small

    with Image.open(BytesIO(odd)) as whole:
        whole.load()
    small = whole.reduce(2)
    assert not is_incomplete(odd, small, decode)
    assert not decoded
    assert is_incomplete(odd, whole, lambda other: decode(other).resize(whole.size))
    assert len(decoded) == 1


@pytest.mark.parametrize("color", [(128, 128, 128), (127, 128, 129), (0, 0, 0)])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_whole_grey_picture_is_whole(color: tuple[int, int, int], progressive: bool) -> None:
    for side in range(60, 76):
        data = samples.saved(Image.new("RGB", (side, side), color), "JPEG", progressive=progressive)
        assert "image_incomplete" not in codes(converted(data))


def test_a_video_after_the_image_does_not_truncate_it() -> None:
    assert "image_incomplete" not in codes(converted(jpeg() + b"\0\0\0\x18ftypmp42" + bytes(3000)))


VIDEO = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(3000)


@pytest.mark.parametrize("format", ["jpeg", "png"])
def test_the_removal_of_the_video_of_a_motion_photo_is_reported(format: str) -> None:
    assert "video_removed" in codes(converted(jpeg() + VIDEO, format=format))
    assert "video_removed" not in codes(converted(jpeg() + b"ftypisom" + bytes(3000), format=format))


@pytest.mark.parametrize("kind", [b"mpvd", b"free"])
def test_a_video_in_a_box_is_one_too(kind: bytes) -> None:
    heic = (samples.FILES / "phone.heic").read_bytes()
    assert "video_removed" not in codes(converted(heic))
    boxed = (8 + len(VIDEO)).to_bytes(4, "big") + kind + VIDEO
    assert "video_removed" in codes(converted(heic + boxed))


MOTION = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"
xmlns:Container="http://ns.google.com/photos/1.0/container/" xmlns:dc="http://purl.org/dc/elements/1.1/"
xmlns:Item="http://ns.google.com/photos/1.0/container/item/" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"
GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion='1' dc:source="phone" hdrgm:Version="1.0">
<GCamera:MicroVideoOffset>3024</GCamera:MicroVideoOffset><hdrgm:Gamma/><Container:Directory><rdf:Seq>
<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="image/jpeg" Item:Semantic="Primary"/></rdf:li>
<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="video/mp4" Item:Semantic="MotionPhoto"
Item:Length="3024"/></rdf:li></rdf:Seq></Container:Directory><dc:format>image/jpeg</dc:format></rdf:Description>
</rdf:RDF></x:xmpmeta>"""


@pytest.mark.parametrize("format", ["jpeg", "png", "webp", "tiff"])
def test_xmp_that_is_kept_describes_no_video_or_gain_map_that_is_not(format: str) -> None:
    data = samples.saved(Image.new("RGB", (64, 48)), "JPEG", xmp=MOTION) + VIDEO
    kept = exiftool.read(
        converted(data, format=format, metadata="keep").data, "-G", "-XMP:all", extension=format
    )
    assert {"XMP:Source": "phone", "XMP:Format": "image/jpeg"}.items() <= kept.items()
    assert not {name for name in kept if re.search("Motion|Video|Directory|hdrgm|Gamma|Version", name)}


@pytest.mark.parametrize(
    "start", [b"<Container:Directory ", b"<Container:Directory>", b"<hdrgm:a>", b"<hdrgm:a "]
)
def test_xmp_of_many_elements_without_end_is_read_in_time(start: bytes) -> None:
    xmp = start * (900_000 // len(start))
    began = time.process_time()
    assert without_attachments(xmp + b"<hdrgm:b/>") == xmp
    assert time.process_time() - began < 5


@pytest.mark.parametrize("start", [b"<rdf:RDF>", b"<rdf:RDF ", b"<?xpacket ", b" "])
def test_crafted_xmp_in_jpeg_is_read_and_written_in_time(start: bytes) -> None:
    many = start * (400_000 // len(start))
    note = RDF + b'<a xmpNote:HasExtendedXMP="' + b"A" * 32 + b'"/></rdf:RDF>'
    start_of_part = b"http://ns.adobe.com/xmp/extension/\0" + b"A" * 32
    data = b"\xff\xd8"
    for at in range(0, 360_000, 60_000):
        part = start_of_part + struct.pack(">II", 360_000, at) + many[at : at + 60_000]
        data += b"\xff\xe1" + struct.pack(">H", 2 + len(part)) + part
    began = time.process_time()
    assert whole_packet(data + b"\xff\xd9", note) is None
    assert whole_packet(b"\xff\xd8\xff\xd9", many) == many
    assert extended_segments(many)
    assert time.process_time() - began < 2


def test_elements_about_attachments_are_removed_with_those_inside() -> None:
    inner = b"<hdrgm:a><hdrgm:b>1</hdrgm:b><hdrgm:c/></hdrgm:a>"
    xmp = b"1</hdrgm:a>2<Container:Directory>" + inner + b"</Container:Directory>3" + inner + b"4<hdrgm:d>5"
    assert without_attachments(xmp) == b"1</hdrgm:a>234<hdrgm:d>5"


def test_many_beginnings_of_videos_are_searched_in_time() -> None:
    began = time.process_time()
    assert not has_video(b"ftyp" * 10_000_000)
    assert time.process_time() - began < 5


def test_xmp_about_a_gain_map_that_is_not_there_promises_none() -> None:
    data = samples.saved(Image.new("RGB", (64, 48)), "JPEG", xmp=MOTION)
    assert not {"hdr_lost", "hdr_kept", "video_removed"} & codes(converted(data))


def test_the_second_picture_of_a_stereo_camera_is_named() -> None:
    assert "primary_image_only" in codes(render("stereo.mpo"))
    assert "hdr_lost" not in codes(render("stereo.mpo"))


def test_the_removal_of_an_iso_gain_map_is_reported() -> None:
    found = codes(render("gain-map-by-iso.jpg"))
    assert "hdr_lost" in found
    assert "primary_image_only" not in found


@pytest.mark.parametrize(
    "mark", [b"hdrgm:Version", b"urn:iso:std:iso:ts:21496:-1\0", b"apdi:HDRGainMapVersion"]
)
def test_a_gain_map_is_known_by_the_second_picture_too(mark: bytes) -> None:
    second = jpeg((40, 30))
    marked = second[:2] + b"\xff\xe1" + (len(mark) + 2).to_bytes(2, "big") + mark + second[2:]
    assert "hdr_lost" in codes(converted(jpeg() + marked))


def test_portrait_depth_is_no_gain_map() -> None:
    assert "hdr_lost" not in codes(converted(jpeg() + b"urn:com:apple:photo:2018:aux:semanticskinmatte"))


def test_long_xmp_is_written_in_several_segments_and_read_again() -> None:
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + RDF + b'<rdf:Description rdf:about=""'
    xmp += b' xmlns:dc="http://purl.org/dc/elements/1.1/" dc:rights="Jane Doe" dc:source="' + 150_000 * b"a"
    xmp += b'"/></rdf:RDF></x:xmpmeta>'
    source = samples.saved(samples.quarters(), "WEBP", xmp=xmp)
    first = converted(source, metadata="keep")
    assert first.data.count(b"http://ns.adobe.com/xmp/extension/") == 3
    assert codes(first).isdisjoint({"metadata_not_kept", "metadata_too_large"})
    back = converted(first.data, format="webp", metadata="keep")
    assert Image.open(BytesIO(back.data)).info["xmp"].count(b"a") > 150_000
    assert b'dc:rights="Jane Doe"' in Image.open(BytesIO(back.data)).info["xmp"]


def test_extended_xmp_is_kept_with_the_rest() -> None:
    result = converted(data_of("xmp-extended.jpg"), metadata="keep")
    assert b"(c) Me 2020" in result.data
    assert b"HasExtendedXMP" not in result.data


def test_extended_xmp_tells_no_place_when_places_are_removed() -> None:
    place = RDF + b'<rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/"'
    place += b' exif:GPSLatitude="48,12.5N"/></rdf:RDF>'
    digest = hashlib.md5(place).hexdigest().upper().encode()
    main = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + RDF + b'<rdf:Description rdf:about=""'
    main += b' xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="' + digest
    main += b'"/></rdf:RDF></x:xmpmeta>'
    size = len(place).to_bytes(4, "big")
    extension = b"http://ns.adobe.com/xmp/extension/\0" + digest + size + bytes(4) + place
    plain = jpeg(xmp=main)
    data = plain[:2] + b"\xff\xe1" + (len(extension) + 2).to_bytes(2, "big") + extension + plain[2:]
    result = converted(data, metadata="strip_location")
    assert b"48,12.5N" not in result.data
    assert "location_removed" in codes(result)
    assert b"48,12.5N" in converted(data, metadata="keep").data


def test_incomplete_extended_xmp_is_reported() -> None:
    data = data_of("xmp-extended.jpg").replace(
        b"http://ns.adobe.com/xmp/extension/", b"http://ns.adobe.com/xmp/extensjon/"
    )
    assert "metadata_unread" in codes(converted(data, metadata="keep"))


def test_exif_too_long_for_a_jpeg_is_removed_with_that_reason() -> None:
    exif = Image.Exif()
    exif[0x010E] = "words " * 20_000
    data = samples.saved(samples.quarters(), "WEBP", exif=exif.tobytes())
    result = converted(data, metadata="keep")
    assert "metadata_too_large" in codes(result)
    assert "metadata_not_kept" not in codes(result)
    assert result.report.metadata_removed == ("exif",)


def test_a_comment_too_long_for_a_jpeg_is_removed_with_that_reason() -> None:
    data = samples.saved(samples.quarters().quantize(16), "GIF", comment=70_000 * b"a")
    assert "metadata_too_large" in codes(converted(data, metadata="keep"))


def test_iptc_too_long_for_a_segment_is_removed_with_that_reason() -> None:
    iptc = b"".join(samples.dataset(25, b"word %d " % number + 2_000 * b"x") for number in range(40))
    data = samples.saved(samples.quarters(), "TIFF", tiffinfo={33723: iptc})
    assert "metadata_too_large" in codes(converted(data, metadata="keep"))


@pytest.mark.parametrize("order", ["<", ">"])
def test_iptc_that_a_tiff_has_as_long_numbers_is_kept_without_its_place(order: Literal["<", ">"]) -> None:
    """As exiftool and Photoshop write it."""
    datasets = samples.dataset(90, b"Berlin") + samples.dataset(80, b"A. Writer")
    output = BytesIO()
    tag = (33723, "I", -(-len(datasets) // 4), datasets.ljust(-(-len(datasets) // 4) * 4, b"\0"), True)
    tifffile.imwrite(output, np.zeros((8, 8), np.uint8), byteorder=order, extratags=[tag])
    kept = converted(output.getvalue(), metadata="keep")
    assert b"Berlin" in kept.data
    assert b"A. Writer" in kept.data
    result = converted(output.getvalue(), metadata="strip_location")
    assert "location_removed" in codes(result)
    assert b"Berlin" not in result.data
    assert b"A. Writer" in result.data


def test_iptc_of_a_png_that_exiftool_wrote_is_kept() -> None:
    info = PngImagePlugin.PngInfo()
    datasets = samples.dataset(80, b"A. Writer")
    written = f"\nIPTC profile\n{len(datasets):8}\n{datasets.hex()}\n"
    info.add_text("Raw profile type iptc", written, zip=True)
    result = converted(samples.saved(samples.quarters(), "PNG", pnginfo=info), metadata="keep")
    assert b"A. Writer" in result.data
    assert "metadata_unread" not in codes(result)


def test_a_maker_note_that_is_left_out_is_named() -> None:
    result = converted(data_of("maker-note.jpg"), metadata="keep")
    assert "maker_note_not_kept" in codes(result)
    assert b"Doc 17" in result.data
    assert "maker_note_not_kept" not in codes(converted(data_of("maker-note.jpg")))


def test_a_drone_photo_keeps_its_copyright_when_its_location_is_removed() -> None:
    result = converted(data_of("drone.jpg"), metadata="strip_location")
    assert b"(c) Me" in result.data
    assert b"GPSLatitude" not in result.data
    assert "metadata_not_kept" not in codes(result)


def test_long_xmp_of_a_png_becomes_a_jpeg() -> None:
    result = render("xmp-of-75-kilobytes.png", format="jpeg", metadata="keep")
    assert b"http://ns.adobe.com/xmp/extension/" in result.data
