"""Text in pictures: the gap between two words is wider than any between two letters."""

import numpy as np
import pytest
from PIL import Image

from workers.toolkit.rendering.contact_sheet import contact_sheet
from workers.toolkit.rendering.curve_picture import Panel, curve_picture
from workers.toolkit.rendering.text import line_height, text_size, write

LABELS = [
    "channel 208: 3.71, 1.2 times its usual best",
    "best of 26 images",
    "illicit little lilies fill it",
    "1 1 1: 1.11 of 111",
]
# The share of full ink above which a column of pixels belongs to a letter.
FAINT = 0.12


def gaps(line: np.ndarray) -> list[int]:
    """Return the widths of the runs of columns without ink between the first and last letter."""
    lightness = line.astype(float)
    ink = np.abs(lightness - lightness[0, -1]).max(axis=(0, 2)) / 255 > FAINT
    inked = ink.nonzero()[0]
    return [int(step) - 1 for step in np.diff(inked) if step > 1]


def assert_words_are_apart(line: np.ndarray, text: str) -> None:
    widths = sorted(gaps(line), reverse=True)
    spaces = text.count(" ")
    between_words, between_letters = widths[:spaces], widths[spaces:]
    assert len(between_words) == spaces and min(between_words) >= 3
    assert max(between_letters, default=0) < min(between_words)


@pytest.mark.parametrize("size", [11, 13])
@pytest.mark.parametrize("text", LABELS)
def test_words_are_apart(text: str, size: int) -> None:
    picture = Image.new("RGB", (400, 24), "white")
    write(picture, 2.5, 2, text, size, (0, 0, 0))
    assert_words_are_apart(np.asarray(picture), text)


@pytest.mark.parametrize("label", LABELS)
def test_words_of_labels_and_captions_are_apart(label: str) -> None:
    cell = Image.new("RGB", (300, 20), "white")
    sheet = np.asarray(contact_sheet([cell], [label], label, columns=1))
    assert_words_are_apart(sheet[:22], label)
    assert_words_are_apart(sheet[22 + 20 :], label)


def test_words_of_a_check_are_apart() -> None:
    title = "Hiding the most important pixels"
    curve = [0.0, 0.5, 1.0]
    picture = np.asarray(curve_picture(Panel(title, "logit", curve, curve, 0.5, curve, 0.5)))
    assert_words_are_apart(picture[:22], title)
    assert_words_are_apart(picture[25:40, :190], "the map: area 0.5")
    assert_words_are_apart(picture[-18:], "part of the pixels; upwards: logit")


@pytest.mark.parametrize("size", [11, 13])
def test_a_text_fills_the_size_that_is_stated(size: int) -> None:
    width, height = text_size("Äpfel, gqj\nthe second line", size)
    assert height == 2 * line_height(size)
    color = Image.new("RGB", (300, 60))
    write(color, 0, 0, "Äpfel, gqj\nthe second line", size, (255, 255, 255))
    box = color.getbbox()
    assert box is not None
    assert width - 2 <= box[2] <= width + 1 and height - size // 2 <= box[3] <= height


@pytest.mark.parametrize("size", [11, 12, 14])
def test_a_long_line_is_not_cut(size: int) -> None:
    text = "blocks.5.0.bn1.act: 40 of 672 channels; 14 × 14 places; each tile on its own m"
    drawn, padded = (Image.new("RGB", (900, 24), "white") for _ in range(2))
    write(drawn, 0, 2, text, size, (0, 0, 0))
    write(padded, 0, 2, f"{text}  ", size, (0, 0, 0))
    assert drawn.tobytes() == padded.tobytes()
