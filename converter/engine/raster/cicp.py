"""Colour spaces described by code points (ITU-T H.273): their primaries and transfer curves."""

from __future__ import annotations

from dataclasses import dataclass

from .profiles import D65, SRGB_CURVE, SRGB_PRIMARIES, Curve, Primaries

_ILLUMINANT_C = (0.310, 0.316)
_SMPTE_170M: Primaries = ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65)

_UNSPECIFIED, _SRGB, _LINEAR = 2, 13, 8

PRIMARIES: dict[int, tuple[str, Primaries]] = {
    1: ("BT.709", SRGB_PRIMARIES),
    _UNSPECIFIED: ("BT.709", SRGB_PRIMARIES),
    4: ("BT.470 M", ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), _ILLUMINANT_C)),
    5: ("BT.601 625", ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), D65)),
    6: ("BT.601 525", _SMPTE_170M),
    7: ("SMPTE 240M", _SMPTE_170M),
    8: ("Generic film", ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), _ILLUMINANT_C)),
    9: ("BT.2020", ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65)),
    10: ("CIE XYZ", ((1.0, 0.0), (0.0, 1.0), (0.0, 0.0), (1 / 3, 1 / 3))),
    11: ("DCI-P3", ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351))),
    12: ("Display P3", ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65)),
    22: ("EBU Tech 3213", ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), D65)),
}

# Video's curves are those of a video screen (BT.1886): that is how pictures are made that carry them.
_VIDEO: Curve = (2.4,)
CURVES: dict[int, Curve] = {
    1: _VIDEO,
    _UNSPECIFIED: SRGB_CURVE,
    4: (2.2,),
    5: (2.8,),
    6: _VIDEO,
    7: (1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 1 / 4, 0.0912),
    _LINEAR: (1.0,),
    11: _VIDEO,
    _SRGB: SRGB_CURVE,
    14: _VIDEO,
    15: _VIDEO,
    17: (2.6, (52.37 / 48) ** (1 / 2.6), 0.0, 0.0, 0.0),
}

_POWERS = (4, 5)

HDR = {16: "PQ", 18: "HLG"}


@dataclass(frozen=True)
class Cicp:
    """A file's code points for primaries and transfer curve."""

    primaries: int
    transfer: int

    @property
    def is_known(self) -> bool:
        return self.primaries in PRIMARIES and (self.transfer in CURVES or self.transfer in HDR)

    @property
    def is_srgb(self) -> bool:
        return self.primaries in (1, _UNSPECIFIED) and self.transfer in (_SRGB, _UNSPECIFIED)

    @property
    def hdr(self) -> str | None:
        return HDR.get(self.transfer)

    @property
    def name(self) -> str:
        """Return the usual name."""
        name, _ = PRIMARIES[self.primaries]
        if self.hdr:
            return f"BT.2100 {self.hdr}" if name == "BT.2020" else f"{name} {self.hdr}"
        if self.transfer == _LINEAR:
            return f"{name}, linear"
        if self.transfer in _POWERS:
            return f"{name}, gamma {CURVES[self.transfer][0]}"
        return name
