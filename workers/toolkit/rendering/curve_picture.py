"""The curves of a map's check as one picture of two panels."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

Color = tuple[int, int, int]
Frame = tuple[float, float, float, float]
"""(left, top, right, bottom) of the axes, in pixels of the picture."""

# Sizes of a panel, and the margins inside it.
_WIDE, _HIGH = 360, 270
_LEFT, _TOP, _RIGHT, _BOTTOM = 52, 46, 28, 40
_PAPER: Color = (255, 255, 255)
_INK: Color = (40, 40, 40)
_GRID: Color = (225, 225, 225)
_MAP: Color = (165, 0, 38)
_CONTROL: Color = (120, 120, 120)
# The picture is drawn this much larger and then reduced, which smooths its lines.
_SUPERSAMPLING = 2


@dataclass(frozen=True)
class Panel:
    """One test: the scores of a map and of its shifted copies, at fractions of the pixels.

    `kind` names the score: logit, probability or activation. An area is that under a curve.
    """

    title: str
    kind: str
    fractions: Sequence[float]
    scores: Sequence[float]
    area: float
    control_scores: Sequence[float]
    control_area: float


def curve_picture(*panels: Panel) -> Image.Image:
    """Draw the panels from left to right, the map in red and its shifted copies in grey.

    All panels have the same range of scores.
    """
    size = len(panels) * _WIDE, _HIGH
    sheet = Image.new("RGB", (size[0] * _SUPERSAMPLING, size[1] * _SUPERSAMPLING), _PAPER)
    low, high = _range(panels)
    for number, panel in enumerate(panels):
        _draw_panel(ImageDraw.Draw(sheet), number * _WIDE, panel, low, high)
    return sheet.resize(size, Image.Resampling.BOX)


def _range(panels: Sequence[Panel]) -> tuple[float, float]:
    """Return the range of all scores and zero, which is never empty."""
    scores = [score for panel in panels for score in (*panel.scores, *panel.control_scores)]
    low, high = min(0.0, *scores), max(0.0, *scores)
    return low, high if high > low else low + 1


def _draw_panel(draw: ImageDraw.ImageDraw, x: int, panel: Panel, low: float, high: float) -> None:
    frame = (x + _LEFT, _TOP, x + _WIDE - _RIGHT, _HIGH - _BOTTOM)
    _draw_axes(draw, frame, low, high)
    for scores, color in ((panel.control_scores, _CONTROL), (panel.scores, _MAP)):
        points = _points(frame, panel.fractions, scores, low, high)
        draw.line(points, color, 2 * _SUPERSAMPLING, joint="curve")
    left = frame[0]
    _write(draw, left, 6, panel.title, 13)
    _write(draw, left, 25, f"the map: area {panel.area:.3g}", 11, _MAP)
    _write(draw, left + 140, 25, f"laid elsewhere: {panel.control_area:.3g}", 11, _CONTROL)
    _write(draw, left, _HIGH - 18, f"part of the pixels; upwards: {panel.kind}", 11)


def _draw_axes(draw: ImageDraw.ImageDraw, frame: Frame, low: float, high: float) -> None:
    left, top, right, bottom = frame
    for part in (0, 0.5, 1):
        x, y = left + part * (right - left), bottom - part * (bottom - top)
        draw.line(_scaled([(left, y), (right, y)]), _GRID, _SUPERSAMPLING)
        draw.line(_scaled([(x, top), (x, bottom)]), _GRID, _SUPERSAMPLING)
        _write(draw, left - 44, y - 7, f"{low + part * (high - low):.3g}", 11)
        _write(draw, x - 10, bottom + 4, f"{part:.0%}", 11)


def _points(
    frame: Frame, fractions: Sequence[float], scores: Sequence[float], low: float, high: float
) -> list[tuple[float, float]]:
    left, top, right, bottom = frame
    xs = [left + fraction * (right - left) for fraction in fractions]
    ys = [bottom - (score - low) / (high - low) * (bottom - top) for score in scores]
    return _scaled(list(zip(xs, ys, strict=True)))


def _scaled(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(x * _SUPERSAMPLING, y * _SUPERSAMPLING) for x, y in points]


def _write(
    draw: ImageDraw.ImageDraw, x: float, y: float, text: str, size: int, ink: Color = _INK
) -> None:
    font = ImageFont.load_default(size * _SUPERSAMPLING)
    draw.text((x * _SUPERSAMPLING, y * _SUPERSAMPLING), text, ink, font)
