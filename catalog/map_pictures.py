"""How a map is drawn: the parameters of every technique that leaves one."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from catalog.colormaps import DIVERGING, SEQUENTIAL, Colormap, without_direction
from catalog.errors import InvalidParameters, Violation
from catalog.models import ModelEntry
from catalog.targets import Target
from catalog.technique import ArtifactSpec, TargetParams

MapScale = Literal["magnitude", "signed", "level"]
"""What zero means in a map: the least value; no effect, between two signs; nothing in particular.

A `magnitude` has sequential colours that begin at zero. A `signed` map has diverging colours with
zero in the middle. A `level` has sequential colours from the lowest value to the highest.
"""
Figure = Literal["none", "png", "svg", "pdf"]

LARGEST_SIDE = 16_384
_AUTO = "auto"
_DEFAULTS: dict[MapScale, Colormap] = {
    "magnitude": "inferno",
    "signed": "RdBu_r",
    "level": "inferno",
}

FIGURES = tuple(
    ArtifactSpec(
        f"figure.{kind}",
        media_type,
        f"With figure={kind}: the photograph and the map side by side with colour bar, target, "
        "score and model, as for print.",
        only_with="figure",
        only_for=kind,
    )
    for kind, media_type in (
        ("png", "image/png"),
        ("svg", "image/svg+xml"),
        ("pdf", "application/pdf"),
    )
)


@dataclass(frozen=True)
class ColorLimits:
    """The values of the two ends of the colours."""

    low: float
    high: float


class MapPictureParams(TargetParams):
    """Parameters of a technique that leaves a map of one neuron."""

    # The parameters that a figure names below the title, besides target and model.
    figure_parameters: ClassVar[tuple[str, ...]] = ()

    colormap: Colormap | None = Field(
        None,
        description=(
            "Colours of the map, by matplotlib's name; `_r` reverses them. By default `inferno` "
            "for a map that cannot be negative, and `RdBu_r`, with zero in the middle, for one "
            "that can. Both are readable with every colour vision."
        ),
    )
    color_range: str = Field(
        _AUTO,
        max_length=80,
        description=(
            "The values of the two ends of the colours, as `LOW,HIGH`, so that several pictures "
            "can be compared. `auto` fits them to the map: from zero to the highest value, or the "
            "same on either side of zero for a map with a sign."
        ),
        examples=["auto", "0,0.5", "-0.2,0.2"],
    )
    picture_side: int = Field(
        2048,
        ge=16,
        le=LARGEST_SIDE,
        description=(
            "Largest side of the pictures, in pixels. They are never larger than the image."
        ),
    )
    figure: Figure = Field(
        "none",
        description=(
            "Also leave a figure for print, with colour bar and texts: `png` at 300 dots per inch, "
            "or `svg` or `pdf`."
        ),
    )

    @field_validator("color_range")
    @classmethod
    def _check_color_range(cls, text: str) -> str:
        parse_color_range(text)
        return text

    def map_scale(self) -> MapScale:
        """Return what zero means in the map that these parameters make."""
        return "magnitude"

    def default_colormap(self) -> Colormap:
        """Return the colours if none are named."""
        return _DEFAULTS[self.map_scale()]

    def color_limits(self) -> ColorLimits | None:
        """Return the values of the ends of the colours, or None if they fit the map."""
        return parse_color_range(self.color_range)

    def described(self) -> str:
        """Return the parameters that a figure names, as in `window 32, stride 8`."""
        return ", ".join(f"{name} {getattr(self, name)}" for name in self.figure_parameters)

    def resolved(self, model: ModelEntry) -> "MapPictureParams":
        return self.with_defaults(type(self), {"colormap": self.default_colormap()})

    def validate_for(self, model: ModelEntry, targets: Sequence[Target]) -> None:
        super().validate_for(model, targets)
        self._refuse_colormap()
        self._refuse_limits()

    def _refuse_colormap(self) -> None:
        """Refuse colours that would hide the sign, or show one that is not there."""
        wanted = DIVERGING if self.map_scale() == "signed" else SEQUENTIAL
        if self.colormap is None or without_direction(self.colormap) in wanted:
            return
        kind = "two signs" if wanted is DIVERGING else "no two signs"
        message = (
            f"The map has {kind} with these parameters, so colormap={self.colormap} would "
            f"mislead. Choose one of: {', '.join(wanted)}, or one of these with _r."
        )
        raise InvalidParameters(message, [Violation("/colormap", message)])

    def _refuse_limits(self) -> None:
        limits = self.color_limits()
        if limits is None:
            return
        scale, most = self.map_scale(), max(abs(limits.low), abs(limits.high))
        if scale == "signed" and limits.low != -limits.high:
            message = (
                "The map has two signs, and the middle of its colours is zero. Write the same "
                f"value twice: color_range=-{most:g},{most:g}."
            )
        elif scale == "magnitude" and limits.low < 0:
            message = (
                "The map has no negative values. Begin the range at zero or above: "
                f"color_range=0,{most:g}."
            )
        else:
            return
        raise InvalidParameters(message, [Violation("/color_range", message)])


def parse_color_range(text: str) -> ColorLimits | None:
    """Return the limits of `LOW,HIGH`, or None for `auto`. Raises ValueError."""
    if text == _AUTO:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError("Must be auto, or two numbers as LOW,HIGH") from None
    if not (isfinite(low) and isfinite(high) and max(abs(low), abs(high)) <= 1e30):
        raise ValueError("Must be two numbers of at most 1e30")
    if not high > low:
        raise ValueError("Must be LOW,HIGH with LOW below HIGH")
    return ColorLimits(low, high)
