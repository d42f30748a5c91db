"""A packed RGB image gives the same pixels as an ordinary one, and is unpacked only when needed."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image, ImageChops

from converter.engine.raster.packed import Packed
from converter.engine.raster.pixels import interleaved
from converter.engine.raster.resample import resampled

from . import samples

PHOTO = samples.grainy((403, 301))
OTHER = Image.new("RGB", PHOTO.size, (200, 90, 30))


def packed() -> Packed:
    return Packed(PHOTO.size, memoryview(PHOTO.tobytes()))


def saved(image: Image.Image) -> bytes:
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def pasted(image: Image.Image) -> bytes:
    image.paste(OTHER.crop((0, 0, 9, 9)), (7, 5))
    return image.tobytes()


USES: dict[str, Callable[[Image.Image], object]] = {
    "tobytes": lambda image: image.tobytes(),
    "histogram": lambda image: image.histogram(),
    "getextrema": lambda image: image.getextrema(),
    "getpixel": lambda image: image.getpixel((40, 30)),
    "getcolors": lambda image: image.getcolors(1_000_000),
    "save": saved,
    "paste": pasted,
    "copy": lambda image: image.copy().tobytes(),
    "to grey": lambda image: image.convert("L").tobytes(),
    "with alpha": lambda image: image.convert("RGBA").tobytes(),
    "crop": lambda image: image.crop((3, 4, 50, 60)).tobytes(),
    "resize": lambda image: image.resize((50, 40)).tobytes(),
    "quantize": lambda image: image.quantize(16).tobytes(),
    "transpose": lambda image: image.transpose(Image.Transpose.ROTATE_90).tobytes(),
    "split": lambda image: [band.tobytes() for band in image.split()],
    "getchannel": lambda image: image.getchannel("G").tobytes(),
    "blend": lambda image: Image.blend(OTHER, image, 0.5).tobytes(),
    "difference": lambda image: ImageChops.difference(OTHER, image).tobytes(),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_pillow_sees_an_ordinary_image(use: Callable[[Image.Image], object]) -> None:
    assert use(packed()) == use(PHOTO.copy())


@pytest.mark.parametrize("size", [(200, 150), (31, 77), (1, 1), (403, 20), (900, 700)])
@pytest.mark.parametrize("box", [(0, 0, 403, 301), (10.25, 7.5, 333.1, 300.9)])
def test_it_is_resampled_to_the_same_pixels(
    size: tuple[int, int], box: tuple[float, float, float, float]
) -> None:
    made = resampled(packed(), box, size)
    assert (made.mode, made.size) == ("RGB", size)
    assert made.tobytes() == resampled(PHOTO, box, size).tobytes()


def test_resampling_and_handing_it_to_an_encoder_need_no_unpacking() -> None:
    image = packed()
    made = resampled(image, (0, 0, *image.size), (40, 30))
    assert interleaved(image) == PHOTO.tobytes()
    assert isinstance(made, Packed)
    assert len(interleaved(made)) == 3 * 40 * 30
    assert image.samples is not None
    assert made.samples is not None


def test_samples_are_not_kept_beside_the_unpacked_pixels() -> None:
    image = packed()
    image.load()
    assert image.samples is None
    assert interleaved(image) == PHOTO.tobytes()


def test_changed_pixels_are_resampled_and_encoded() -> None:
    image, ordinary = packed(), PHOTO.copy()
    assert pasted(image) == pasted(ordinary) == interleaved(image)
    assert resampled(image, (0, 0, 403, 301), (40, 30)).tobytes() == (
        resampled(ordinary, (0, 0, 403, 301), (40, 30)).tobytes()
    )


def test_a_closed_image_has_no_pixels() -> None:
    image = packed()
    image.close()
    assert image.samples is None
    with pytest.raises(ValueError, match="closed"):
        image.tobytes()
