"""Tone mapping from HDR (ITU-R BT.2100) to sRGB: blacks and mid-tones unchanged, highlights compressed."""

from __future__ import annotations

from functools import lru_cache

from PIL import Image

from .profiles import Light, code_of_srgb

# The luminance of diffuse white in cd/m² (BT.2408); it becomes sRGB's white if nothing is brighter.
_WHITE = 203.0
_MOST = 255

_HLG_PEAK, _HLG_GAMMA = 1000.0, 1.2
_HLG_A, _HLG_B, _HLG_C = 0.17883277, 0.28466892, 0.55991073

_PQ_M1, _PQ_M2 = 2610 / 16384, 2523 / 4096 * 128
_PQ_C1, _PQ_C2, _PQ_C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32

# The share of white up to which nothing changes. A lower knee makes paper grey; a higher one flattens bright
# lights.
_KNEE = 0.5


def brightest(image: Image.Image) -> int:
    """Return the highest value in any colour channel, 0 to 255."""
    counts = image.histogram()
    colors = [at for at, band in enumerate(image.getbands()) if band != "A"]
    return max((value for at in colors for value in range(256) if counts[256 * at + value]), default=0)


def mapped(image: Image.Image, transfer: str, peak: int) -> Image.Image:
    """Convert the picture from PQ's or HLG's curve to sRGB's; the primaries stay.

    `peak` is its highest value, which becomes white. Each channel is mapped separately, so that grey stays
    grey.
    """
    table = _table(transfer, peak)
    same = list(range(256))
    return image.point([value for band in image.getbands() for value in (same if band == "A" else table)])


def light(transfer: str, peak: int) -> Light:
    """Return the function from code to tone-mapped light, both 0 to 1."""
    top = max(1.0, _nits(transfer, peak / _MOST) / _WHITE)
    return lambda code: _rolled_off(_nits(transfer, code) / _WHITE, top)


@lru_cache(maxsize=4)
def _table(transfer: str, peak: int) -> list[int]:
    seen = light(transfer, peak)
    return [round(_MOST * code_of_srgb(seen(code / _MOST))) for code in range(256)]


def _rolled_off(amount: float, top: float) -> float:
    """Compress an amount of light, relative to white, so that `top` becomes 1.

    Above the knee this is Reinhard's extended curve.
    """
    if amount <= _KNEE:
        return amount
    above, most = (amount - _KNEE) / (1 - _KNEE), (top - _KNEE) / (1 - _KNEE)
    return _KNEE + (1 - _KNEE) * above * (1 + above / most**2) / (1 + above)


def _nits(transfer: str, code: float) -> float:
    """Return the display luminance of a code, in cd/m²."""
    if transfer == "HLG":
        scene = (
            code**2 / 3 if code <= 0.5 else (2.718281828459045 ** ((code - _HLG_C) / _HLG_A) + _HLG_B) / 12
        )
        return float(_HLG_PEAK * scene**_HLG_GAMMA)
    power = code ** (1 / _PQ_M2)
    return float(10_000 * (max(power - _PQ_C1, 0) / (_PQ_C2 - _PQ_C3 * power)) ** (1 / _PQ_M1))
