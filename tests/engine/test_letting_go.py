"""An image for one output is freed before its encoder runs, or once the encoder has its pixels."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image, ImageFile

from converter.engine import FORMATS, Recipe, raster
from converter.engine.raster import produce
from converter.engine.raster.codecs import avif, codec_for, jxl, libwebp
from converter.engine.raster.codecs.png_chunks import chunks

from . import samples

pytestmark = pytest.mark.long

PHOTO = samples.saved(samples.photo((120, 90)), "JPEG")
HALF = {"resize": {"width": 40}}
WRITTEN = [name for name, format in FORMATS.items() if format.encodes]


def is_closed(image: Image.Image) -> bool:
    try:
        image.getpixel((0, 0))
    except ValueError as exc:
        return "closed" in str(exc)
    return False


def loaded(recipe: Recipe) -> tuple[raster.Source, Image.Image]:
    source = raster.open(PHOTO)
    source.load([recipe])
    return source, source._pictures[0].frame.image


@pytest.mark.parametrize("format", WRITTEN)
@pytest.mark.parametrize("more", [{}, HALF, {"aim": "small"}], ids=["whole", "resized", "searched"])
def test_the_last_output_is_the_same_as_any_other(format: str, more: Any) -> None:
    recipe = Recipe.parse(
        {"format": format, **(more if FORMATS[format].quality or "aim" not in more else {})}
    )
    source, _ = loaded(recipe)
    data = source.render(recipe).data
    assert source.render(recipe, last=True).data == data
    assert source.render(recipe).data == data  # decoded again


@pytest.mark.parametrize("format", WRITTEN)
def test_the_decoded_picture_is_freed_before_its_smaller_copy_is_encoded(
    monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    recipe = Recipe.parse({"format": format, **HALF})
    source, decoded = loaded(recipe)
    kind = type(codec_for(FORMATS[format]))
    encode, seen = kind.encode, []

    def encoding(*arguments: Any) -> bytes:
        seen.append(is_closed(decoded))
        return encode(*arguments)

    monkeypatch.setattr(kind, "encode", encoding)
    source.render(recipe)
    source, decoded = loaded(recipe)
    source.render(recipe, last=True)
    assert seen == [False, True]


def test_libjxl_works_without_the_picture_beside_its_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    libjxl, seen = jxl._libjxl(), []

    class Watched:
        def __getattr__(self, name: str) -> Any:
            return getattr(libjxl, name)

        def encode(self, *arguments: Any, **more: Any) -> Any:
            seen.append(is_closed(decoded))
            return libjxl.encode(*arguments, **more)

    recipe = Recipe.parse({"format": "jxl"})
    source, decoded = loaded(recipe)
    monkeypatch.setattr(jxl, "_libjxl", Watched)
    source.render(recipe, last=True)
    assert seen == [True]


def test_libwebp_works_without_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    functions, seen = libwebp.LIBRARY.get()._functions, []

    class Watched:
        def __getattr__(self, name: str) -> Any:
            return getattr(functions, name)

        def WebPEncode(self, *arguments: Any) -> Any:
            seen.append(is_closed(decoded))
            return functions.WebPEncode(*arguments)

    recipe = Recipe.parse({"format": "webp"})
    source, decoded = loaded(recipe)
    monkeypatch.setattr(libwebp.LIBRARY.get(), "_functions", Watched())
    source.render(recipe, last=True)
    assert seen == [True]


def test_libavif_works_without_the_picture_beside_its_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    held, give = [], avif._Expendable.tobytes

    def giving(image: avif._Expendable, *arguments: Any) -> bytes:
        core, pixels = image.im, give(image, *arguments)
        held.append((is_closed(decoded), image.im is core, len(pixels)))
        return pixels

    recipe = Recipe.parse({"format": "avif"})
    source, decoded = loaded(recipe)
    monkeypatch.setattr(avif._Expendable, "tobytes", giving)
    source.render(recipe, last=True)
    assert held == [(True, False, 3 * decoded.width * decoded.height)]


def test_a_png_is_not_held_twice() -> None:
    """Pillow writes buffer-sized chunks; only JPEG needs a buffer for the whole file."""
    noise = samples.saved(Image.effect_noise((500, 500), 90).convert("RGB"), "PNG")
    [result] = samples.render_all(noise, Recipe.parse({"format": "png"}))
    sizes = [chunk.end - chunk.start for chunk in chunks(result.data) if chunk.kind == b"IDAT"]
    assert max(sizes) <= ImageFile.MAXBLOCK < sum(sizes)


def test_an_output_without_enough_memory_next_to_others_is_made_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = Recipe.parse({"format": "png"})
    source, image = loaded(recipe)
    rooms: list[bool] = []

    def made(*args: Any) -> Any:
        rooms.append(is_closed(image))
        if not rooms[-1]:
            raise MemoryError
        return produce.produce(*args)

    monkeypatch.setattr("converter.engine.raster.pipeline.produce", made)
    assert source.render(recipe).data == raster.open(PHOTO).render(recipe).data
    assert rooms[:2] == [False, True]
