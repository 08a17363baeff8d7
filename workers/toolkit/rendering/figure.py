"""A map as a figure for print: the file of the photograph and the map side by side.

PNG files have 300 dots per inch. SVG and PDF files hold outlines or subsets of the font, and no
date or random name: the same map gives the same bytes.
"""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

import matplotlib
from PIL import Image

from workers.toolkit.execution.context import Context, save_png
from workers.toolkit.rendering.heatmap import Heatmap

_DPI = 300
_MEDIA_TYPES = {"svg": "image/svg+xml", "pdf": "application/pdf"}
# Besides matplotlib's own, these settings alone decide what a figure looks like.
_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "retinoscope",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "axes.linewidth": 0.5,
}
# matplotlib's settings and fonts belong to the process: one figure is made at a time.
_one_at_a_time = Lock()


@dataclass(frozen=True)
class FigureTexts:
    """What a figure says of its map.

    `parameters` are those of the technique in words, and `units` names the values of the map.
    """

    technique: str
    parameters: str
    target: str
    score: str
    model: str
    units: str


def save_figure(context: Context, heatmap: Heatmap, texts: FigureTexts, kind: str) -> None:
    """Save figure.png, figure.svg or figure.pdf."""
    # The modules behind it take a second to import, which only a figure should cost.
    from workers.toolkit.rendering.figure_layout import draw_figure

    buffer = io.BytesIO()
    with _settings(kind):
        figure = draw_figure(heatmap, texts)
        if kind == "png":
            figure.savefig(buffer, format="png", dpi=_DPI)
        else:
            metadata = _metadata(kind, texts, context.origin)
            figure.savefig(buffer, format=kind, metadata=metadata)
    if kind == "png":
        picture = Image.open(buffer).convert("RGB")
        save_png(context, "figure.png", picture, dpi=_DPI)
    else:
        context.save(f"figure.{kind}", buffer.getvalue(), _MEDIA_TYPES[kind])


@contextmanager
def _settings(kind: str) -> Iterator[None]:
    """Apply matplotlib's defaults and ours while a figure is made, and restore those of before.

    A file of outlines holds the pixels of its pictures as they are.
    """
    pixels = "antialiased" if kind == "png" else "none"
    with _one_at_a_time, matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS | {"image.interpolation": pixels})
        yield


def _metadata(kind: str, texts: FigureTexts, origin: dict[str, Any]) -> dict[str, str | None]:
    """Return title and origin of the figure, which PNG files have in their text chunks."""
    title = f"{texts.technique}: {texts.target}"
    made_by = json.dumps(origin, sort_keys=True)
    if kind == "pdf":
        return {
            "Title": title,
            "Subject": made_by,
            "Creator": "Retinoscope",
            "Producer": None,
            "CreationDate": None,
        }
    return {"Title": title, "Description": made_by, "Creator": "Retinoscope", "Date": None}
