"""A figure for print: the same bytes for the same map, and texts that neither overlap nor end."""

import io
import json
import os
import re
import subprocess
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from xml.etree import ElementTree

import matplotlib
import pytest
import torch
from PIL import Image

from tests.tiny import photo
from workers.toolkit.execution.context import LocalContext
from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.rendering.figure import FigureTexts, save_figure
from workers.toolkit.rendering.figure_layout import draw_figure
from workers.toolkit.rendering.heatmap import Heatmap, MapStyle, save_heatmap

TEXTS = FigureTexts(
    technique="Occlusion",
    parameters="window 32, stride 8",
    target="Egyptian cat (class 285)",
    score="probability 0.57",
    model="efficientnet_lite0",
    units="mean fall of the probability",
)
LONG = "the quick brown fox, that jumps over lazy dogs and cats, of Llanfairpwllgwyngyll"
ODD = ["$x_1^2$ costs $5", "a" * 300, LONG * 4, "猫 и кошка", unicodedata.normalize("NFD", "fünf")]


def heatmap(width: int = 60, height: int = 40, style: MapStyle | None = None) -> Heatmap:
    seen = Preprocessing(10, 8, "bilinear", (0.5,) * 3, (0.2,) * 3).prepare(photo(width, height))
    values = torch.arange(64).reshape(8, 8) / 64e4
    return save_heatmap(LocalContext(), seen, values, style or MapStyle("magnitude", "inferno"))


def made(kind: str, texts: FigureTexts = TEXTS) -> bytes:
    context = LocalContext({"technique": "occlusion", "params": {"seed": 3}})
    save_figure(context, heatmap(), texts, kind)
    (name,) = context.files
    assert name == f"figure.{kind}"
    return context.files[name]


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_another_process_and_other_threads_leave_the_same_bytes(kind: str) -> None:
    here = made(kind)
    code = f"import sys; from {__name__} import made; sys.stdout.buffer.write(made({kind!r}))"
    environment = os.environ | {"PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "86400"}
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment)
    assert other.stdout == here, other.stderr.decode()
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(made, [kind] * 4)) == {here}


def test_it_does_not_depend_on_the_settings_of_the_process_and_leaves_them() -> None:
    expected = made("svg")
    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "none", "text.color": "red"}):
        assert made("svg") == expected
        assert matplotlib.rcParams["font.size"] == 30


def test_a_png_has_the_width_of_a_column_at_300_dots_per_inch_and_says_how_it_was_made() -> None:
    with Image.open(io.BytesIO(made("png"))) as picture:
        assert picture.width == 1050
        assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert json.loads(picture.text["retinoscope:params"]) == {"seed": 3}


def test_svg_and_pdf_need_no_font_and_say_how_they_were_made() -> None:
    svg, pdf = made("svg").decode(), made("pdf")
    assert "<text" not in svg and "font-family" not in svg
    assert "Egyptian cat" in svg and "&quot;seed&quot;: 3" in svg.replace('"', "&quot;")
    assert b"/FontFile2" in pdf and b"/Type3" not in pdf
    assert b"CreationDate" not in pdf and "dc:date" not in svg


def test_no_text_becomes_markup() -> None:
    harmful = "</svg><script>alert(1)</script> (\\) & <!-- --> -->"
    svg = made("svg", FigureTexts(*[harmful] * 6)).decode()
    assert not re.search("<script", svg)
    ElementTree.fromstring(svg)
    assert made("pdf", FigureTexts(*[harmful] * 6)).startswith(b"%PDF")


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize("size", [(60, 40), (40, 400), (400, 10)], ids=str)
def test_texts_of_any_length_stay_on_the_page_and_do_not_overlap(
    text: str, size: tuple[int, int]
) -> None:
    figure = draw_figure(heatmap(*size), FigureTexts(*[text] * 6))
    figure.set_dpi(300)
    figure.canvas.draw()
    boxes = [each.get_window_extent() for each in figure.texts]
    boxes += [each.get_tightbbox() for each in figure.axes]
    page, slack = figure.bbox, 2
    for box in boxes:
        assert box.x0 >= -slack and box.y0 >= -slack
        assert box.x1 <= page.x1 + slack and box.y1 <= page.y1 + slack
    for one, other in combinations(boxes, 2):
        across = min(one.x1, other.x1) - max(one.x0, other.x0)
        down = min(one.y1, other.y1) - max(one.y0, other.y0)
        assert across < slack or down < 8  # two lines share what lies below and above letters


def test_the_bar_states_both_ends_and_points_to_what_lies_beyond() -> None:
    style = MapStyle("signed", "RdBu_r", limits=(-5e-5, 5e-5))
    figure = draw_figure(heatmap(style=style), TEXTS)
    bar = figure.axes[-1]
    assert [label.get_text() for label in bar.get_xticklabels()] == ["−5.00", "0", "5.00"]
    assert any("× 10⁻⁵" in each.get_text() for each in figure.texts)
    assert len(bar.patches) == 1  # beyond the highest value only
