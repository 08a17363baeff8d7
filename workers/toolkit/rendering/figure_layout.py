"""The layout of a figure: its panels, the colour bar and the texts, in the width of a column."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, get_font
from matplotlib.patches import Rectangle

from workers.toolkit.rendering.color_bar_text import exponent_of, power, tick_texts
from workers.toolkit.rendering.colormap import LEVELS, OUTSIDE, color_table
from workers.toolkit.rendering.figure import FigureTexts
from workers.toolkit.rendering.heatmap import Heatmap
from workers.toolkit.rendering.placed_map import reduced
from workers.toolkit.rendering.text import BOLD_FILE, FONT_FILE, wrapped

# In inches: 89 mm, the width of a column.
_WIDTH, _MARGIN, _GAP, _HIGHEST = 3.5, 0.04, 0.12, 2.4
_LINE = _WIDTH - 2 * _MARGIN
_PANEL = (_LINE - _GAP) / 2
_BAR, _TICKS, _AIR = 0.075, 0.15, 0.06
# Sizes of the font and the distance of two lines, in points and as a part of the size.
_LARGE, _SMALL, _LEADING, _POINTS = 7.5, 6.0, 1.3, 72
# Largest side of a picture in pixels: about 450 dots per inch in a file of outlines.
_PICTURE_SIDE = 800
_INK, _PALE = "#1a1a1a", "#4d4d4d"


@dataclass(frozen=True)
class _Line:
    """A line of text."""

    text: str
    size: float
    bold: bool = False

    @property
    def height(self) -> float:
        """Inches."""
        return self.size * _LEADING / _POINTS

    @property
    def font(self) -> FontProperties:
        return FontProperties(fname=str(BOLD_FILE if self.bold else FONT_FILE), size=self.size)


def draw_figure(heatmap: Heatmap, texts: FigureTexts) -> Figure:
    """Draw the photograph with target, score and model, and the map with its colour bar.

    What the network does not see is outside of the frame in the photograph, and grey in the map.
    """
    head = [
        *_lines(texts.technique, _LARGE, _LINE, bold=True),
        *_lines(texts.parameters, _SMALL, _LINE),
    ]
    labels = [
        *_lines(texts.target, _LARGE, _PANEL, bold=True),
        *_lines(texts.score, _SMALL, _PANEL),
        *_lines(texts.model, _SMALL, _PANEL),
    ]
    exponent = exponent_of(heatmap.low, heatmap.high)
    units = _lines(f"{texts.units}{power(exponent)}", _SMALL, _PANEL)
    wide, high = _panel_size(heatmap)
    top = _MARGIN + _height(head) + _AIR
    below = top + high + _AIR
    page = _Page(below + max(_height(labels), _BAR + _TICKS + _height(units)) + _MARGIN)
    right = _MARGIN + _PANEL + _GAP
    page.write(_MARGIN, _MARGIN, head)
    _draw_photograph(page.axes(_MARGIN, top, wide, high), heatmap)
    _draw_map(page.axes(right, top, wide, high), heatmap)
    page.write(_MARGIN, below - 0.02, labels)
    _draw_color_bar(page.axes(right, below, _PANEL, _BAR), heatmap, exponent)
    page.write(right, below + _BAR + _TICKS, units)
    return page.figure


class _Page:
    """A figure of a column's width on which places are inches from the top left corner."""

    def __init__(self, height: float) -> None:
        self.figure = Figure(figsize=(_WIDTH, height))
        self._height = height

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Return axes that fill that part."""
        bottom = self._height - top - height
        part = (left / _WIDTH, bottom / self._height, width / _WIDTH, height / self._height)
        return self.figure.add_axes(part)

    def write(self, left: float, top: float, lines: Sequence[_Line]) -> None:
        """Write lines below each other. Characters such as $ are those of the text."""
        for line in lines:
            self.figure.text(
                left / _WIDTH,
                1 - top / self._height,
                line.text,
                va="top",
                color=_INK if line.bold else _PALE,
                fontproperties=line.font,
                parse_math=False,
            )
            top += line.height


def _lines(text: str, size: float, width: float, *, bold: bool = False) -> list[_Line]:
    """Return a text as lines that fit into that width, in inches."""
    # Bold letters are about a seventh wider than those that are measured.
    points = width * _POINTS / (1.15 if bold else 1.0)
    return [_Line(line, size, bold) for line in wrapped(_printable(text), size, points) if line]


def _printable(text: str) -> str:
    """Return the text with a box for each character that the font does not have."""
    known = _characters()
    return "".join(character if ord(character) in known else "□" for character in text)


@lru_cache
def _characters() -> frozenset[int]:
    return frozenset(get_font(str(FONT_FILE)).get_charmap())


def _height(lines: Sequence[_Line]) -> float:
    return sum(line.height for line in lines)


def _panel_size(heatmap: Heatmap) -> tuple[float, float]:
    """Return width and height of a panel in inches: all of the column's half, if not too high."""
    width, height = heatmap.photograph.size
    high = min(_PANEL * height / width, _HIGHEST)
    return high * width / height, high


def _draw_photograph(axes: Axes, heatmap: Heatmap) -> None:
    placed = heatmap.placed
    axes.imshow(reduced(heatmap.photograph, _PICTURE_SIDE), aspect="auto", extent=(0, 1, 1, 0))
    axes.set_axis_off()
    rows, columns = np.nonzero(placed.levels != OUTSIDE)
    if len(rows) in (0, placed.levels.size):
        return
    height, width = placed.levels.shape
    corner = columns.min() / width, rows.min() / height
    size = (np.ptp(columns) + 1) / width, (np.ptp(rows) + 1) / height
    for color, thick, style in (("black", 0.8, "-"), ("white", 0.8, (0, (3, 3)))):
        frame = Rectangle(corner, *size, fill=False, edgecolor=color, lw=thick, ls=style)
        axes.add_patch(frame)


def _draw_map(axes: Axes, heatmap: Heatmap) -> None:
    picture = reduced(heatmap.placed.heatmap.convert("RGB"), _PICTURE_SIDE)
    axes.imshow(picture, aspect="auto")
    axes.set_axis_off()


def _draw_color_bar(axes: Axes, heatmap: Heatmap, exponent: int) -> None:
    """Draw the colours with the values of both ends and of the middle.

    An end is pointed if values of the map lie beyond it.
    """
    low, high = heatmap.low, heatmap.high
    values = [low, (low + high) / 2, high]
    colors = ListedColormap(color_table(heatmap.placed.colormap)[:LEVELS] / 255)
    beyond = heatmap.minimum < low, heatmap.maximum > high
    extend = {(True, True): "both", (True, False): "min", (False, True): "max"}.get(beyond)
    bar = axes.figure.colorbar(
        ScalarMappable(Normalize(low, high), colors),
        cax=axes,
        orientation="horizontal",
        extend=extend or "neither",
        ticks=values,
    )
    bar.outline.set_linewidth(0.4)
    axes.tick_params(length=2, width=0.4, pad=1.5)
    texts = tick_texts(values, exponent)
    axes.set_xticklabels(texts, fontproperties=_Line("", _SMALL).font, color=_PALE)
    first, _, last = axes.get_xticklabels()
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")
