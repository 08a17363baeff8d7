"""The curves of a check as one small picture: deletion on the left, insertion on the right."""

from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image, ImageDraw, ImageFont

_WIDE, _HIGH = 360, 270  # of a panel
_LEFT, _TOP, _RIGHT, _BOTTOM = 52, 46, 28, 40  # margins inside it
_PAPER, _INK, _GRID, _MAP, _ELSEWHERE = (
    (255, 255, 255),
    (40, 40, 40),
    (225, 225, 225),
    (165, 0, 38),
    (120, 120, 120),
)
_FINE = 2  # drawn so much larger, then reduced: smooth lines
_TITLES = {"deletion": "Hiding what the map marks", "insertion": "Showing what the map marks"}

Box = tuple[float, float, float, float]


def curve_picture(check: Mapping[str, Any]) -> Image.Image:
    """The picture of a check's fields; red is the map, grey the same map laid elsewhere."""
    sheet = Image.new("RGB", (2 * _WIDE * _FINE, _HIGH * _FINE), _PAPER)
    low, high = _range(check)
    for panel, way in enumerate(_TITLES):
        _panel(ImageDraw.Draw(sheet), panel * _WIDE, way, check, low, high)
    return sheet.resize((2 * _WIDE, _HIGH), Image.Resampling.BOX)


def _range(check: Mapping[str, Any]) -> tuple[float, float]:
    """Of the scores, zero included; never empty."""
    scores = [
        score for way in _TITLES for prefix in ("", "random_") for score in check[prefix + way]
    ]
    low, high = min(0.0, *scores), max(0.0, *scores)
    return low, high if high > low else low + 1


def _panel(
    draw: ImageDraw.ImageDraw, x: int, way: str, check: Mapping[str, Any], low: float, high: float
) -> None:
    frame = (x + _LEFT, _TOP, x + _WIDE - _RIGHT, _HIGH - _BOTTOM)
    _axes(draw, frame, low, high)
    for name, color in ((f"random_{way}", _ELSEWHERE), (way, _MAP)):
        draw.line(
            _points(frame, check["fractions"], check[name], low, high),
            color,
            2 * _FINE,
            joint="curve",
        )
    _write(draw, frame[0], 6, _TITLES[way], 13)
    _write(draw, frame[0], 25, f"the map: area {check[f'{way}_auc']:.3g}", 11, _MAP)
    _write(
        draw,
        frame[0] + 140,
        25,
        f"laid elsewhere: {check[f'random_{way}_auc']:.3g}",
        11,
        _ELSEWHERE,
    )
    _write(draw, frame[0], _HIGH - 18, f"part of the pixels; upwards: {check['score']}", 11)


def _axes(draw: ImageDraw.ImageDraw, frame: Box, low: float, high: float) -> None:
    left, top, right, bottom = frame
    for part in (0, 0.5, 1):
        x, y = left + part * (right - left), bottom - part * (bottom - top)
        draw.line(_scaled([(left, y), (right, y)]), _GRID, _FINE)
        draw.line(_scaled([(x, top), (x, bottom)]), _GRID, _FINE)
        _write(draw, left - 44, y - 7, f"{low + part * (high - low):.3g}", 11)
        _write(draw, x - 10, bottom + 4, f"{part:.0%}", 11)


def _points(
    frame: Box, fractions: Sequence[float], scores: Sequence[float], low: float, high: float
) -> list[tuple[float, float]]:
    left, top, right, bottom = frame
    return _scaled(
        [
            (
                left + fraction * (right - left),
                bottom - (score - low) / (high - low) * (bottom - top),
            )
            for fraction, score in zip(fractions, scores, strict=True)
        ]
    )


def _scaled(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(x * _FINE, y * _FINE) for x, y in points]


def _write(
    draw: ImageDraw.ImageDraw,
    x: float,
    y: float,
    text: str,
    size: int,
    ink: tuple[int, int, int] = _INK,
) -> None:
    draw.text((x * _FINE, y * _FINE), text, ink, ImageFont.load_default(size * _FINE))
