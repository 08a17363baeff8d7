"""What a file states about its colours: an ICC profile, or numbers of which one is made."""

import struct
from dataclasses import dataclass

from PIL import Image

from imaging import heif, png, tone_curves
from imaging.errors import ImageRefused
from imaging.formats import OpenFile
from imaging.icc import Chromaticities, gray_profile, rgb_profile

_D65 = (0.3127, 0.3290)
_C = (0.310, 0.316)
_SRGB_PRIMARIES: Chromaticities = (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_SMPTE_C: Chromaticities = (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070)
_ADOBE_RGB: Chromaticities = (*_D65, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
# ITU-T H.273, table 2. 2 means "unspecified".
_PRIMARIES: dict[int, Chromaticities] = {
    1: _SRGB_PRIMARIES,
    2: _SRGB_PRIMARIES,
    4: (*_C, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: _SMPTE_C,
    7: _SMPTE_C,
    8: (*_C, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049),
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    22: (*_D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),
}
# Table 3. Stills with the curves of television are meant for the same screens as sRGB.
_CURVES = {
    **dict.fromkeys((1, 2, 6, 7, 11, 13, 14, 15), tone_curves.SRGB),
    4: tone_curves.power(2.2),
    5: tone_curves.power(2.8),
    8: tone_curves.power(1.0),
}
_HDR = (16, 18)
_RESERVED = (0, 3)
_SRGB_GAMMA = 1 / 2.2
_SAME_GAMMA, _SAME_CHROMATICITY = 0.05, 0.01
"""Differences that libpng, too, takes for rounding."""

_INTEROPERABILITY, _INDEX, _EXIF, _COLOUR_SPACE = 0xA005, 1, 0x8769, 0xA001


@dataclass(frozen=True)
class StatedColour:
    """The ICC profile of the pixels, None for sRGB, and what its conversion is called."""

    profile: bytes | None = None
    name: str = "profile_to_srgb"
    damaged: bool = False
    """Whether the file states something more that cannot be read."""


def stated_colour(file: OpenFile, gray: bool) -> StatedColour:
    """Return what a loaded file states. Raises ImageRefused for light beyond that of screens."""
    if file.png:
        return _of_png(file.png, gray)
    profile = file.image.info.get("icc_profile") or _in_bmp(file)
    if profile:
        return StatedColour(profile)
    codes = heif.colour_codes(file.image, file.data)
    if codes:
        return _of_codes(*codes)
    if _is_adobe_rgb(file.image):
        return StatedColour(rgb_profile(_ADOBE_RGB, tone_curves.power(563 / 256)))
    return StatedColour(damaged="icc_profile" in file.image.info)


def _of_png(chunks: png.Chunks, gray: bool) -> StatedColour:
    """Return the first of cICP, iCCP, sRGB, and gAMA with cHRM, as the standard orders them."""
    colour, profile = chunks.colour, chunks.profile()
    if b"cICP" in colour:
        return _of_png_codes(*colour[b"cICP"][:4])
    if profile:
        return StatedColour(profile)
    damaged = profile is not None
    if b"sRGB" in colour or not colour.keys() & {b"gAMA", b"cHRM"}:
        return StatedColour(damaged=damaged)
    try:
        made = _of_gamma(colour.get(b"gAMA"), colour.get(b"cHRM"), gray)
    except (ZeroDivisionError, OverflowError, struct.error):
        return StatedColour(damaged=True)
    return StatedColour(made, "gamma_to_srgb", damaged)


def _of_gamma(gamma: bytes | None, primaries: bytes | None, gray: bool) -> bytes | None:
    """Return a profile, None if it is sRGB's. Raises ZeroDivisionError, OverflowError."""
    encoding = int.from_bytes(gamma[:4], "big") / 100_000 if gamma else _SRGB_GAMMA
    same = abs(encoding / _SRGB_GAMMA - 1) < _SAME_GAMMA
    curve = tone_curves.SRGB if same else tone_curves.power(1 / encoding)
    stated = [v / 100_000 for v in struct.unpack(">8I", primaries[:32])] if primaries else []
    near = all(
        abs(a - b) < _SAME_CHROMATICITY for a, b in zip(stated, _SRGB_PRIMARIES, strict=False)
    )
    if gray or near:
        if same:
            return None
        return gray_profile(curve) if gray else rgb_profile(_SRGB_PRIMARIES, curve)
    return rgb_profile(tuple(stated), curve)


def _of_png_codes(primaries: int, transfer: int, matrix: int, full_range: int) -> StatedColour:
    if transfer not in _HDR and (matrix or full_range != 1):
        raise _unsupported(
            "luma and chroma of video" if matrix else "samples in the narrow range of video"
        )
    return _of_codes(primaries, transfer)


def _unsupported(what: str) -> ImageRefused:
    return ImageRefused(
        "unsupported_image",
        f"The image states {what}, which is not converted here. Save it as sRGB.",
    )


def _of_codes(primaries: int, transfer: int) -> StatedColour:
    if transfer in _HDR:
        raise ImageRefused(
            "hdr_image",
            "The image is encoded for HDR (PQ or HLG), and brighter than a model's photographs. "
            "Export it with standard dynamic range.",
        )
    if primaries in _RESERVED or transfer in _RESERVED:
        return StatedColour(damaged=True)
    if primaries not in _PRIMARIES or transfer not in _CURVES:
        raise _unsupported(f"primaries {primaries} and transfer {transfer} of ITU-T H.273")
    chromaticities, curve = _PRIMARIES[primaries], _CURVES[transfer]
    if chromaticities == _SRGB_PRIMARIES and curve == tone_curves.SRGB:
        return StatedColour()
    return StatedColour(rgb_profile(chromaticities, curve))


def _in_bmp(file: OpenFile) -> bytes | None:
    """Return the profile that is embedded in a BMP of version 5, which Pillow leaves."""
    head = file.data[14:138]
    if file.image.format != "BMP" or len(head) < 124 or head[56:60] != b"DEBM":
        return None
    at, size = struct.unpack("<II", head[112:120])
    return file.data[14 + at : 14 + at + size]


def _is_adobe_rgb(image: Image.Image) -> bool:
    """Return whether a camera's EXIF says Adobe RGB without a profile (DCF 2.0, R03)."""
    if image.format != "JPEG":
        return False
    try:
        exif = image.getexif()
        index = exif.get_ifd(_INTEROPERABILITY).get(_INDEX, "")
        return str(index).startswith("R03") and exif.get_ifd(_EXIF).get(_COLOUR_SPACE) != 1
    except Exception:
        # Pillow's reader of EXIF raises many kinds of exception for damaged data.
        return False
