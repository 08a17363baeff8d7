"""The curves of a map's check as one picture of two panels."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from workers.toolkit.rendering.text import Color, write

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
# The lines are drawn this much larger and then reduced, which smooths them.
_SUPERSAMPLING = 2
# Where the axes have lines and numbers.
_PARTS = (0, 0.5, 1)


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
        _draw_lines(ImageDraw.Draw(sheet), _frame(number), panel, low, high)
    picture = sheet.resize(size, Image.Resampling.BOX)
    for number, panel in enumerate(panels):
        _write_texts(picture, _frame(number), panel, low, high)
    return picture


def _frame(number: int) -> Frame:
    """Return the axes of the panel with that number."""
    left = number * _WIDE
    return (left + _LEFT, _TOP, left + _WIDE - _RIGHT, _HIGH - _BOTTOM)


def _range(panels: Sequence[Panel]) -> tuple[float, float]:
    """Return the range of all scores and zero, which is never empty."""
    scores = [score for panel in panels for score in (*panel.scores, *panel.control_scores)]
    low, high = min(0.0, *scores), max(0.0, *scores)
    return low, high if high > low else low + 1


def _draw_lines(
    draw: ImageDraw.ImageDraw, frame: Frame, panel: Panel, low: float, high: float
) -> None:
    left, top, right, bottom = frame
    for x, y in (_tick(frame, part) for part in _PARTS):
        draw.line(_scaled([(left, y), (right, y)]), _GRID, _SUPERSAMPLING)
        draw.line(_scaled([(x, top), (x, bottom)]), _GRID, _SUPERSAMPLING)
    for scores, color in ((panel.control_scores, _CONTROL), (panel.scores, _MAP)):
        points = _points(frame, panel.fractions, scores, low, high)
        draw.line(points, color, 2 * _SUPERSAMPLING, joint="curve")


def _write_texts(picture: Image.Image, frame: Frame, panel: Panel, low: float, high: float) -> None:
    left, _, _, bottom = frame
    for part in _PARTS:
        x, y = _tick(frame, part)
        write(picture, left - 44, y - 7, f"{low + part * (high - low):.3g}", 11, _INK)
        write(picture, x - 10, bottom + 4, f"{part:.0%}", 11, _INK)
    write(picture, left, 6, panel.title, 13, _INK)
    write(picture, left, 25, f"the map: area {panel.area:.3g}", 11, _MAP)
    write(picture, left + 140, 25, f"laid elsewhere: {panel.control_area:.3g}", 11, _CONTROL)
    write(picture, left, _HIGH - 18, f"part of the pixels; upwards: {panel.kind}", 11, _INK)


def _tick(frame: Frame, part: float) -> tuple[float, float]:
    """Return x and y of a part of the axes, from their origin."""
    left, top, right, bottom = frame
    return left + part * (right - left), bottom - part * (bottom - top)


def _points(
    frame: Frame, fractions: Sequence[float], scores: Sequence[float], low: float, high: float
) -> list[tuple[float, float]]:
    left, top, right, bottom = frame
    xs = [left + fraction * (right - left) for fraction in fractions]
    ys = [bottom - (score - low) / (high - low) * (bottom - top) for score in scores]
    return _scaled(list(zip(xs, ys, strict=True)))


def _scaled(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(x * _SUPERSAMPLING, y * _SUPERSAMPLING) for x, y in points]
