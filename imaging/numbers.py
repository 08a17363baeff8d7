"""Floats, and integers that are signed or of 32 bits: their file does not say which is white.

They are read where the values leave no doubt, and refused where a guess could be wrong.
"""

from PIL import Image, ImageChops, ImageMath

from imaging.errors import ImageRefused
from imaging.steps import Step

_FEW = 0.01
"""The share of values outside the range that are taken for overshoot, and clipped."""
_BRIGHT = 64
_ADVICE = "Save it with 8 or 16 bits per sample, or with floats from 0 to 1."


def to_gray(image: Image.Image, white_is_zero: bool) -> list[Step]:
    """Return the steps from a loaded image of mode F or I to mode L. Raises ImageRefused."""
    steps = _from_floats(image) if image.mode == "F" else _from_integers(image)
    return [*steps, Step(None, ImageChops.invert)] if white_is_zero else steps


def _from_integers(image: Image.Image) -> list[Step]:
    low, high = _extrema(image)
    if not (low >= 0 and 1 < high <= 255):
        raise _refused(
            f"The whole numbers of the image go from {low:.0f} to {high:.0f}, and the "
            "file does not say which is white."
        )
    return [Step("integer_to_8bit", _clipped)]


def _from_floats(image: Image.Image) -> list[Step]:
    if not _all_finite(image):
        raise _refused("The image contains NaN or infinity.")
    low, high = _extrema(image)
    above_one = 1 - _share(image, -3e38, 1.0) if high > 1 else 0.0
    if _share(image, 0.0, 1.0) >= 1 - _FEW:
        return [Step("float_to_rgb", _from_unit), *_clipping(low < 0 or high > 1)]
    if _share(image, 0.0, 255.0) >= 1 - _FEW and high >= _BRIGHT and above_one >= 0.5:
        return [Step("float_to_rgb", _rounded), *_clipping(low < 0 or high > 255)]
    raise _refused(
        f"The floats of the image go from {low:.6g} to {high:.6g}, and the file does not say which "
        "is white: neither 0 to 1 nor 0 to 255 holds nearly all of them."
    )


def _clipping(needed: bool) -> list[Step]:
    return [Step("clipped")] if needed else []


def _refused(reason: str) -> ImageRefused:
    return ImageRefused("unknown_range", f"{reason} {_ADVICE}")


def _from_unit(image: Image.Image) -> Image.Image:
    # A conversion from F to L clips, and cuts off what is behind the point.
    return image.point(lambda value: value * 255 + 0.5).convert("L")


def _rounded(image: Image.Image) -> Image.Image:
    return image.point(lambda value: value * 1 + 0.5).convert("L")


def _clipped(image: Image.Image) -> Image.Image:
    return image.convert("L")


def _extrema(image: Image.Image) -> tuple[float, float]:
    low, high = image.getextrema()
    assert isinstance(low, int | float) and isinstance(high, int | float)
    return low, high


def _all_finite(image: Image.Image) -> bool:
    # Only of finite numbers the difference from themselves is 0.
    finite = ImageMath.lambda_eval(lambda of: (of["x"] - of["x"]) == 0, x=image)
    return _extrema(finite)[0] != 0


def _share(image: Image.Image, low: float, high: float) -> float:
    """Return the share of values from low to high."""
    inside = ImageMath.lambda_eval(lambda of: (of["x"] >= low) * (of["x"] <= high), x=image)
    return float(inside.convert("L").histogram()[1] / (image.width * image.height))
