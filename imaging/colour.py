"""Conversion of colours to sRGB by littleCMS.

The intent is relative colorimetric with black point compensation: colours that sRGB has stay what
they are, others go to its border, and the darkest ink becomes black.
"""

import io
from functools import partial

from PIL import Image, ImageChops, ImageCms

from imaging import tone_curves
from imaging.icc import colour_space, separable_curves
from imaging.steps import Convert, unchanged

_MODES = {b"GRAY": ("L",), b"RGB ": ("L", "RGB"), b"CMYK": ("CMYK",)}
_DEVICES = (b"scnr", b"mntr", b"prtr", b"spac")
_SAME = 1
"""A difference in levels that comes of rounding."""


def to_srgb(profile: bytes, mode: str) -> Convert | None:
    """Return the conversion of an image of that mode; None if the profile does not fit or work.

    It is `unchanged` for a profile that says what sRGB says.
    """
    without_alpha = mode.removesuffix("A") if mode != "LAB" else mode
    if profile[12:16] not in _DEVICES:
        return None
    if without_alpha not in _MODES.get(colour_space(profile), ()):
        return None
    convert = partial(_converted, profile=profile)
    try:
        probe = _probe(without_alpha)
        moved = ImageChops.difference(convert(probe), probe.convert("RGB"))
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    same = max(high for _, high in moved.getextrema()) <= _SAME  # type: ignore[misc]
    return unchanged if same and without_alpha != "CMYK" else convert


def _converted(image: Image.Image, profile: bytes) -> Image.Image:
    """Return an image of mode L, LA, RGB, RGBA or CMYK in sRGB: RGB, or RGBA if it had alpha."""
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    if colour_space(profile) == b"GRAY":
        converted = _gray(image.convert("L"), profile)
    elif image.mode == "CMYK":
        converted = _by_littlecms(image, profile)
    else:
        pixels = image if image.mode == "RGB" else image.convert("RGB")
        converted = _by_littlecms(pixels, profile)
    if alpha is not None:
        converted.putalpha(alpha)
    return converted


def _gray(image: Image.Image, profile: bytes) -> Image.Image:
    # littleCMS samples the curve of grey coarsely: dark levels of linear light are off by ten.
    curves = separable_curves(profile, 1)
    if not curves:
        return _by_littlecms(image, profile, ImageCms.Flags.NOOPTIMIZE)
    return image.point(tone_curves.srgb_levels(curves[0], range(256), 255)).convert("RGB")


def _by_littlecms(
    pixels: Image.Image, profile: bytes, flags: ImageCms.Flags = ImageCms.Flags.NONE
) -> Image.Image:
    transform = ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        pixels.mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION | flags,
    )
    return transform.apply(pixels)


def _probe(mode: str) -> Image.Image:
    """Return every grey level, and for colours 17 levels of each channel."""
    ramp = bytes(range(256))
    if mode == "L":
        return Image.frombytes("L", (256, 1), ramp)
    if mode == "CMYK":
        return Image.new("CMYK", (1, 1))
    steps = [min(16 * level, 255) for level in range(17)]
    cube = bytes(value for r in steps for g in steps for b in steps for value in (r, g, b))
    gray = bytes(value for value in ramp for _ in range(3))
    return Image.frombytes("RGB", (256 + 17**3, 1), gray + cube)
